import {
  DOUBLE,
  SINGLE,
  type BinaryFormat,
  type FloatControl,
  type FloatResult,
} from '../floating-point/binary-format.ts';
import type { Words } from './words.ts';

/** A vector and the exceptions that its elements raised, as MXCSR has them. */
export interface FloatVector {
  readonly words: Words;
  readonly flags: number;
}

/** An instruction on vectors of floating-point numbers: destination and source before it, MXCSR, immediate byte. */
export type FloatFunction = (a: Words, b: Words, control: FloatControl, immediate: number) => FloatVector;

/** An instruction on a pair of elements, as bit patterns. */
export type LaneFunction = (
  format: BinaryFormat,
  a: bigint,
  b: bigint,
  control: FloatControl,
  immediate: number,
) => FloatResult;

/** The elements of a vector as unsigned bit patterns, lowest first. */
export function patterns(format: BinaryFormat, words: Words): bigint[] {
  const low = words.map((word) => BigInt(word >>> 0));
  if (format.width === 32) return low;
  const lanes: bigint[] = [];
  for (let n = 0; n < low.length; n += 2) lanes.push((low[n] ?? 0n) | ((low[n + 1] ?? 0n) << 32n));
  return lanes;
}

/** The words of one bit pattern. */
export function wordsOf({ width }: Pick<BinaryFormat, 'width'>, pattern: bigint): Words {
  const low = Number(BigInt.asIntN(32, pattern));
  return width === 32 ? [low] : [low, Number(BigInt.asIntN(32, pattern >> 32n))];
}

/** One result after the other as a vector. */
export function vectorOf(format: Pick<BinaryFormat, 'width'>, results: readonly FloatResult[]): FloatVector {
  return {
    words: results.flatMap(({ value }) => wordsOf(format, value)),
    flags: results.reduce((flags, result) => flags | result.flags, 0),
  };
}

/** Applies a function to every pair of elements. */
export function packed(format: BinaryFormat, f: LaneFunction): FloatFunction {
  return (a, b, control, immediate) => {
    const others = patterns(format, b);
    const lanes = patterns(format, a);
    return vectorOf(
      format,
      lanes.map((lane, n) => f(format, lane, others[n] ?? 0n, control, immediate)),
    );
  };
}

/** Applies a function to the lowest elements; the others are those of the destination. */
export function scalar(format: BinaryFormat, f: LaneFunction): FloatFunction {
  const count = format.width / 32;
  return (a, b, control, immediate) => {
    const { words, flags } = packed(format, f)(a.slice(0, count), b, control, immediate);
    return { words: [...words, ...a.slice(count)], flags };
  };
}

/** The four instructions of an operation, by the endings of their mnemonics. */
export const FLOAT_SUFFIX = {
  ps: { format: SINGLE, lanes: packed },
  ss: { format: SINGLE, lanes: scalar },
  pd: { format: DOUBLE, lanes: packed },
  sd: { format: DOUBLE, lanes: scalar },
} as const;
