import { MXCSR_MASK, readMmx, readMxcsr, readXmm, writeMmx, writeMxcsr, writeXmm } from '../cpu/simd-state.ts';
import type { Words } from '../cpu/simd/words.ts';
import type { CpuState } from '../cpu/state.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { RegisterAccess } from './register-access.ts';

/** One register as its 32-bit words: `xmm0.w0` is the lowest. */
function wordsOf(
  name: string,
  count: number,
  read: (state: CpuState) => Words,
  write: (state: CpuState, words: Words) => void,
): [string, RegisterAccess][] {
  return Array.from({ length: count }, (_, n): [string, RegisterAccess] => [
    `${name}.w${n}`,
    {
      bits: 32,
      read: (state) => (read(state)[n] ?? 0) >>> 0,
      write: ({ state }, value) => write(state, read(state).with(n, value | 0)),
    },
  ]);
}

/** MXCSR, and the words of the MMX and XMM registers. */
export const VECTOR_REGISTERS: readonly (readonly [string, RegisterAccess])[] = [
  [
    'mxcsr',
    {
      bits: 32,
      read: readMxcsr,
      write: ({ state }, value) => {
        const reserved = (value & ~MXCSR_MASK) >>> 0;
        if (reserved !== 0)
          throw new StartOfDayError({
            code: 'register-write',
            blame: 'user',
            title: `MXCSR cannot be ${hex(value, 8)}`,
            detail: `The CPU would refuse it with #GP(0x0): bits ${hex(reserved)} are reserved`,
          });
        writeMxcsr(state, value);
      },
    },
  ],
  ...Array.from({ length: 8 }, (_, index) => [
    ...wordsOf(
      `xmm${index}`,
      4,
      (state) => readXmm(state, index),
      (state, words) => writeXmm(state, index, words),
    ),
    ...wordsOf(
      `mm${index}`,
      2,
      (state) => readMmx(state, index),
      (state, words) => writeMmx(state, index, words),
    ),
  ]).flat(),
];
