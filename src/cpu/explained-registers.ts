import type { Extended } from './floating-point/extended.ts';
import { readMmx, readMxcsr, readXmm } from './simd-state.ts';
import { SEGMENT, type CpuState } from './state.ts';

/** A register that would change. */
export interface RegisterChange {
  /** Upper-case: `EAX`, `CS`, `CR2`, `FSW`. */
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** What an x87, MMX or XMM register holds; undefined: an x87 register that is empty. */
export type WideValue = Extended | bigint | undefined;

/** An x87, MMX or XMM register as it is before the instruction. */
export interface WideRegister {
  /** `ST0`, `MM0`, `XMM0`. */
  readonly name: string;
  readonly value: WideValue;
}

/** An x87, MMX or XMM register that would change. */
export interface WideChange {
  /** `XMM0`; an x87 register that would move in the stack has both its names, `ST7, then ST0`. */
  readonly name: string;
  readonly before: WideValue;
  readonly after: WideValue;
}

/** All the x87, MMX and XMM registers at one moment. */
export interface WideRegisters {
  /** Number of the physical x87 register that is ST(0). */
  readonly top: number;
  /** By physical number. */
  readonly x87: readonly (Extended | undefined)[];
  readonly mmx: readonly bigint[];
  readonly xmm: readonly bigint[];
}

const EIGHT = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** The registers of at most 32 bits whose changes are told; the instruction pointer is in the outcome. */
export function readRegisters(state: CpuState): Map<string, number> {
  const general = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'];
  const segments = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const;
  const indexes = [SEGMENT.es, SEGMENT.cs, SEGMENT.ss, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs, SEGMENT.ldtr, SEGMENT.tr];
  return new Map([
    ...general.map((name, index): [string, number] => [name, state.register32(index)]),
    ['EFLAGS', state.eflags],
    ...segments.map((name, n): [string, number] => [name, state.segment(indexes[n] ?? SEGMENT.es).selector]),
    ...[0, 2, 3, 4].map((index): [string, number] => [`CR${index}`, state.control(index)]),
    ['GDTR', state.gdtr.base],
    ['IDTR', state.idtr.base],
    ['DR6', state.debugRegister(6)],
    ['DR7', state.debugRegister(7)],
    ['FCW', state.x87.control],
    ['FSW', state.x87.status],
    ['FTW', state.x87.tagWord],
    ['MXCSR', readMxcsr(state)],
  ]);
}

/** The registers that differ, in the order of {@link readRegisters}. */
export function registerChanges(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): RegisterChange[] {
  return [...before]
    .map(([name, value]) => ({ name, before: value, after: after.get(name) ?? value }))
    .filter((change) => change.before !== change.after);
}

export function readWideRegisters(state: CpuState): WideRegisters {
  const { x87 } = state;
  const { top } = x87;
  return {
    top,
    x87: EIGHT.map((n) => (x87.isEmpty((n - top) & 7) ? undefined : x87.physical(n))),
    mmx: EIGHT.map((n) => numberOf(readMmx(state, n))),
    xmm: EIGHT.map((n) => numberOf(readXmm(state, n))),
  };
}

/** What the registers `names` hold. */
export function wideRegisters({ top, x87, mmx, xmm }: WideRegisters, names: readonly string[]): WideRegister[] {
  return names.map((name) => {
    const index = Number(name.slice(-1));
    const value = name.startsWith('ST') ? x87[(top + index) & 7] : (name.startsWith('MM') ? mmx : xmm)[index];
    return { name, value };
  });
}

/** What differs. `mmx`: the instruction sees MMX registers where others see those of the x87 stack. */
export function wideChanges(before: WideRegisters, after: WideRegisters, mmx: boolean): WideChange[] {
  const plain = (prefix: string, file: 'mmx' | 'xmm'): WideChange[] =>
    EIGHT.map((n) => ({ name: `${prefix}${n}`, before: before[file][n], after: after[file][n] }));
  const stack = EIGHT.map((n) => {
    const physical = (before.top + n) & 7;
    const then = (physical - after.top) & 7;
    const now = after.x87[physical];
    const name = then === n || now === undefined ? `ST${n}` : `ST${n}, then ST${then}`;
    return { name, before: before.x87[physical], after: now };
  });
  const changes = [...(mmx ? plain('MM', 'mmx') : stack), ...plain('XMM', 'xmm')];
  return changes.filter((change) => !equal(change.before, change.after));
}

function equal(one: WideValue, other: WideValue): boolean {
  if (typeof one !== 'object' || typeof other !== 'object') return one === other;
  return one.signExponent === other.signExponent && one.significand === other.significand;
}

/** Words, the lowest first, as one number. */
function numberOf(words: readonly number[]): bigint {
  return words.reduceRight((value, word) => (value << 32n) | BigInt(word >>> 0), 0n);
}
