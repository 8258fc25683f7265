import * as L from './layout.ts';
import type { Words } from './simd/words.ts';
import type { CpuState } from './state.ts';

/** MXCSR fields (SDM 1, 10.2.3). Flags and masks are the six exceptions in the order of the x87 words. */
export const MXCSR = {
  flags: 0x3f,
  DAZ: 1 << 6,
  masks: 0x1f80,
  maskShift: 7,
  roundingShift: 13,
  FTZ: 1 << 15,
} as const;
/** The bits MXCSR has; FXSAVE tells it at offset 28. */
export const MXCSR_MASK = 0xffff;
/** MXCSR after power-up and INIT: all exceptions masked, round to nearest (SDM 3, table 9-1). */
export const MXCSR_RESET = 0x1f80;

/** The tag word of eight empty registers. */
const ALL_EMPTY = 0xffff;

/** The two words of an MMX register, the significand of the x87 register with its number. */
export function readMmx({ words }: CpuState, index: number): Words {
  const at = (L.X87_REGISTERS >> 2) + index * 4;
  return [words[at] ?? 0, words[at + 1] ?? 0];
}

/** A write of an MMX register sets the exponent and sign above it to ones (SDM 1, 9.2.2). */
export function writeMmx({ words, view }: CpuState, index: number, [low = 0, high = 0]: Words): void {
  const at = (L.X87_REGISTERS >> 2) + index * 4;
  words[at] = low;
  words[at + 1] = high;
  view.setUint16(L.X87_REGISTERS + index * 16 + 8, 0xffff, true);
}

/** The four words of an XMM register. */
export function readXmm({ words }: CpuState, index: number): Words {
  const at = (L.XMM >> 2) + index * 4;
  return [words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0];
}

/** Writes an XMM register; words that are not given become zero. */
export function writeXmm({ words }: CpuState, index: number, [w0 = 0, w1 = 0, w2 = 0, w3 = 0]: Words): void {
  const at = (L.XMM >> 2) + index * 4;
  words[at] = w0;
  words[at + 1] = w1;
  words[at + 2] = w2;
  words[at + 3] = w3;
}

/** MXCSR, unsigned. */
export function readMxcsr({ view }: CpuState): number {
  return view.getUint32(L.MXCSR, true);
}
export function writeMxcsr({ view }: CpuState, value: number): void {
  view.setUint32(L.MXCSR, value, true);
}

/** What every MMX instruction but EMMS does to the x87 unit: TOP is 0, every register valid (SDM 1, 9.5.1). */
export function enterMmx({ x87 }: CpuState): void {
  x87.top = 0;
  x87.tagWord = 0;
}

/** EMMS: every x87 register is empty. TOP is 0 too, which the SDM does not say. */
export function leaveMmx({ x87 }: CpuState): void {
  x87.top = 0;
  x87.tagWord = ALL_EMPTY;
}
