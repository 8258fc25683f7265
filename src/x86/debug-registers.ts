/** DR6 (SDM 3, 17.2.3): B0-B3, BD, BS and BT can be written, the bits without a feature read as 1. */
export const DR6 = {
  writable: 0x0000e00f,
  ones: 0xffff0ff0,
  /** B0-B3. */
  breakpoints: 0xf,
  /** The next instruction accesses a debug register while DR7.GD is 1. */
  BD: 1 << 13,
  /** Single step. */
  BS: 1 << 14,
  /** A task switch to a TSS whose T bit is 1. */
  BT: 1 << 15,
} as const;

/** DR7 (SDM 3, 17.2.4): bit 10 reads as 1, bits 11, 12, 14 and 15 as 0. */
export const DR7 = {
  writable: 0xffff23ff,
  ones: 0x00000400,
  /** L0-L3 and G0-G3. */
  enabled: 0xff,
  /** Accesses of debug registers raise #DB. */
  GD: 1 << 13,
  /** L0-L3, which a task switch clears. */
  local: 0x55,
} as const;

/** What a debug register waits for, by its R/W field. */
export type DebugCondition = 'execute' | 'write' | 'io' | 'access';
const CONDITIONS: readonly DebugCondition[] = ['execute', 'write', 'io', 'access'];

/** One enabled breakpoint of DR0-DR3. */
export interface DebugBreakpoint {
  /** 0..3. */
  readonly number: number;
  readonly condition: DebugCondition;
  /** First linear address or port: the register with the bits below the length masked (SDM 3, 17.2.5). */
  readonly first: number;
  /** Bytes. */
  readonly length: 1 | 2 | 4;
}

/** The breakpoints that DR7 enables. R/W 2 means ports while CR4.DE is 1 and nothing otherwise (SDM 3, 17.2.4). */
export function enabledBreakpoints(
  addresses: readonly [number, number, number, number],
  dr7: number,
  debuggingExtensions: boolean,
): DebugBreakpoint[] {
  const found: DebugBreakpoint[] = [];
  addresses.forEach((address, number) => {
    if (((dr7 >>> (number * 2)) & 3) === 0) return;
    const field = (dr7 >>> (16 + number * 4)) & 0xf;
    const condition = CONDITIONS[field & 3] ?? 'execute';
    if (condition === 'io' && !debuggingExtensions) return;
    // LEN 2 is undefined here; 8 bytes, its meaning in 64-bit CPUs, cannot be meant.
    const length = condition === 'execute' ? 1 : field >>> 2 === 3 ? 4 : field >>> 2 === 1 ? 2 : 1;
    const first = (condition === 'execute' ? address : address & -length) >>> 0;
    found.push({ number, condition, first, length });
  });
  return found;
}
