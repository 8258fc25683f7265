import { ORACLE } from '../support/native-oracle.ts';
import { Random } from '../support/random.ts';

/** Values at the edges of the widths. */
const SPECIAL = [0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0xff, 0x80, 0x7f, 0x8000, 0x7fff, 0xffff, 9, 0x10];
/** CF PF AF ZF SF OF and DF: the flags that a user program sees change. */
export const STATUS_FLAGS = 0xcd5;

/** Registers and memory before an instruction. */
export interface FilledState {
  /** In encoding order. */
  readonly registers: number[];
  readonly eflags: number;
  readonly fs: 0 | 1;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
}

/** 32 bits, often at the edge of a width. */
export function boundaryWord(random: Random): number {
  return random.oneIn(3) ? random.pick(SPECIAL) : random.word();
}

/**
 * The state that a number stands for. The corpus keeps only what differs from it: a change here makes the committed corpus unreadable
 * and takes a new version of its format.
 */
export function fillState(seed: number): FilledState {
  const random = new Random(seed);
  const registers = Array.from({ length: 8 }, () => boundaryWord(random));
  // ESP is in its window, now and then so low that pushes run into the missing page.
  registers[4] = ORACLE.stack + (random.oneIn(8) ? random.below(16) : 32 + random.below(60));
  // A quarter of the data is of bytes 0 and 1: strings and bit scans that go far.
  const few = random.oneIn(4) ? 0x01010101 : 0xffffffff;
  const data = fillWords(() => boundaryWord(random) & few);
  const stack = fillWords(() => random.word());
  return {
    registers,
    eflags: 0x202 | (random.word() & STATUS_FLAGS),
    fs: random.oneIn(3) ? 1 : 0,
    data,
    stack,
  };
}

function fillWords(word: () => number): Uint8Array {
  const bytes = new Uint8Array(ORACLE.window);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += 4) view.setUint32(at, word(), true);
  return bytes;
}

/** The number of the state of instance `index` among those of `seed`. */
export function fillSeed(seed: number, index: number): number {
  return (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
}
