import { convert, fromInteger, toInteger } from '../floating-point/binary-arithmetic.ts';
import { DOUBLE, SINGLE, type BinaryFormat, type FloatControl } from '../floating-point/binary-format.ts';
import { patterns, vectorOf, type FloatFunction, type FloatVector } from './float-lanes.ts';
import type { Words } from './words.ts';

const INTEGER = { width: 32 } as const;

/** How many elements of the source are converted. */
type Count = 1 | 2 | 4;

/** The first elements of the source between the two formats. */
const between =
  (from: BinaryFormat, to: BinaryFormat, count: Count): FloatFunction =>
  (_a, b, control) =>
    vectorOf(
      to,
      patterns(from, b)
        .slice(0, count)
        .map((pattern) => convert(from, to, pattern, control)),
    );

/** The first signed words of the source as floating-point numbers. */
const fromWords =
  (to: BinaryFormat, count: Count): FloatFunction =>
  (_a, b, control) =>
    vectorOf(
      to,
      b.slice(0, count).map((word) => fromInteger(to, BigInt(word), control)),
    );

/** The first elements of the source as signed words, rounded as MXCSR says or towards zero. */
const toWords =
  (from: BinaryFormat, count: Count, truncate: boolean): FloatFunction =>
  (_a, b, control) =>
    vectorOf(
      INTEGER,
      patterns(from, b)
        .slice(0, count)
        .map((pattern) => toInteger(from, pattern, 32, control, truncate)),
    );

/** The rest of the destination stays. */
const merged =
  (f: FloatFunction): FloatFunction =>
  (a: Words, b: Words, control: FloatControl, immediate: number): FloatVector => {
    const { words, flags } = f(a, b, control, immediate);
    return { words: [...words, ...a.slice(words.length)], flags };
  };

/** Conversions (SDM 1, figure 11-8). What the result does not fill becomes zero where it is not merged. */
export const CONVERSION = {
  Cvtps2pd: between(SINGLE, DOUBLE, 2),
  Cvtpd2ps: between(DOUBLE, SINGLE, 2),
  Cvtss2sd: merged(between(SINGLE, DOUBLE, 1)),
  Cvtsd2ss: merged(between(DOUBLE, SINGLE, 1)),
  Cvtdq2ps: fromWords(SINGLE, 4),
  Cvtdq2pd: fromWords(DOUBLE, 2),
  Cvtpi2ps: merged(fromWords(SINGLE, 2)),
  Cvtpi2pd: fromWords(DOUBLE, 2),
  Cvtsi2ss: merged(fromWords(SINGLE, 1)),
  Cvtsi2sd: merged(fromWords(DOUBLE, 1)),
  Cvtps2dq: toWords(SINGLE, 4, false),
  Cvttps2dq: toWords(SINGLE, 4, true),
  Cvtpd2dq: toWords(DOUBLE, 2, false),
  Cvttpd2dq: toWords(DOUBLE, 2, true),
  Cvtps2pi: toWords(SINGLE, 2, false),
  Cvttps2pi: toWords(SINGLE, 2, true),
  Cvtpd2pi: toWords(DOUBLE, 2, false),
  Cvttpd2pi: toWords(DOUBLE, 2, true),
  Cvtss2si: toWords(SINGLE, 1, false),
  Cvttss2si: toWords(SINGLE, 1, true),
  Cvtsd2si: toWords(DOUBLE, 1, false),
  Cvttsd2si: toWords(DOUBLE, 1, true),
} as const satisfies Readonly<Record<string, FloatFunction>>;
