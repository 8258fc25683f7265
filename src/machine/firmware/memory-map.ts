/** One line of the PC's memory map, as INT 15h AX=E820h gives it. */
export interface MemoryRange {
  /** Physical address. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** 1 available, 2 reserved. */
  readonly type: 1 | 2;
}

export const MIB = 0x100000;
/** The extended BIOS data area takes the last KiB of conventional memory. */
export const LOW_END = 0x9fc00;

/** The memory map of a machine with `memory` bytes, at least 1 MiB. */
export function memoryMap(memory: number): readonly MemoryRange[] {
  return [
    { address: 0, size: LOW_END, type: 1 },
    { address: LOW_END, size: 0xa0000 - LOW_END, type: 2 },
    { address: 0xf0000, size: 0x10000, type: 2 },
    ...(memory > MIB ? [{ address: MIB, size: memory - MIB, type: 1 } as const] : []),
  ];
}
