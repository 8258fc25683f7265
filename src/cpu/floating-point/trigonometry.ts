/**
 * FSIN, FCOS, FSINCOS, FPTAN and FPATAN. Arguments are reduced by the 66-bit pi that Intel documents (SDM 1, 8.3.8); beside that
 * the results are those of the real functions, rounded as the control word says: below 1 ulp, which the manual promises (8.3.10).
 */
import { denormalFlag, isFinite, specialOperand, withFlags } from './extended-arithmetic.ts';
import {
  exactly,
  INVALID,
  ONE as EXTENDED_ONE,
  pack,
  zero,
  type ExtendedControl,
  type ExtendedOperand,
  type ExtendedResult,
} from './extended.ts';
import { arcTangent, divide, fromFixed, ONE, PI, sineAndCosine } from './fixed-point.ts';
import { bitLength, type Exact } from './rounding.ts';

/** pi to 66 bits as a multiple of 2^-64. */
const PI_66 = 0x3_243f_6a88_85a3_08d3n;
const PI_66_SHIFT = 64;
/** Arguments from 2^63 on are refused (C2). */
const OUT_OF_RANGE = 63;
/** Below 2^-70 the first term of the series is the result, but for its last bit. */
const TINY = -70;
const FIXED_SHIFT = 256;

export type Trigonometric = 'sin' | 'cos' | 'tan';

const leadingBit = ({ exponent, significand }: Exact): number => exponent + bitLength(significand) - 1;
const allBits = (control: ExtendedControl): ExtendedControl => ({ ...control, precision: 64 });

/** A number a trace below or above an exact one. */
function nudged({ sign, exponent, significand }: Exact, direction: 1 | -1): Exact {
  const extra = 140 - bitLength(significand);
  return { sign, exponent: exponent - extra, significand: (significand << BigInt(extra)) + BigInt(direction) };
}

/** The function's value; undefined where the argument is out of range and stays. */
export function trigonometric(
  name: Trigonometric,
  a: ExtendedOperand,
  control: ExtendedControl,
): ExtendedResult | undefined {
  const special = specialOperand(a, a);
  if (special !== undefined) return special;
  const x = a.number;
  if (x.kind === 'infinity') return INVALID;
  if (!isFinite(x)) return exactly(name === 'cos' ? EXTENDED_ONE : zero(x.sign));
  const leading = leadingBit(x);
  if (leading >= OUT_OF_RANGE) return undefined;
  const value = leading < TINY ? tinyArgument(name, x) : reduced(name, x);
  return withFlags(pack(value, allBits(control)), denormalFlag(a));
}

function tinyArgument(name: Trigonometric, x: Exact): Exact {
  if (name === 'cos') return nudged({ sign: 0, exponent: 0, significand: 1n }, -1);
  return nudged(x, name === 'sin' ? -1 : 1);
}

function reduced(name: Trigonometric, { sign, exponent, significand }: Exact): Exact {
  // Both as multiples of 2^-(FIXED_SHIFT): the remainder is exact.
  const shift = exponent + FIXED_SHIFT;
  const magnitude = (significand << BigInt(Math.max(shift, 0))) >> BigInt(Math.max(-shift, 0));
  const half = PI_66 << BigInt(FIXED_SHIFT - PI_66_SHIFT - 1);
  const quadrants = (magnitude * 2n + half) / (half * 2n);
  const { sine, cosine } = sineAndCosine(magnitude - quadrants * half);
  const quadrant = Number(quadrants & 3n);
  const odd = (quadrant & 1) === 1;
  const turned = quadrant >= 2;
  const signed = (value: bigint, negate: boolean): bigint => (negate ? -value : value);
  const sineOfX = signed(odd ? cosine : sine, turned !== (sign === 1));
  const cosineOfX = signed(odd ? sine : cosine, turned !== odd);
  if (name === 'sin') return inexact(sineOfX);
  return inexact(name === 'cos' ? cosineOfX : divide(sineOfX, cosineOfX));
}

/** No argument but 0 gives an exact result, and none in range one of 0. */
function inexact(value: bigint): Exact {
  return fromFixed(value) ?? { sign: 0, exponent: -FIXED_SHIFT, significand: 1n };
}

/** FPATAN: the angle of the point (x, y), from -pi to pi (SDM 2, table 3-30). */
export function arcTangent2(x: ExtendedOperand, y: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(y, x);
  if (special !== undefined) return special;
  const [a, b] = [x.number, y.number];
  const flags = denormalFlag(x, y);
  const angle = (eighths: bigint): ExtendedResult => {
    if (eighths === 0n) return exactly(zero(b.sign));
    return pack({ ...inexact((PI * eighths) >> 2n), sign: b.sign }, allBits(control));
  };
  if (b.kind === 'infinity') {
    const eighths = a.kind !== 'infinity' ? 2n : a.sign === 1 ? 3n : 1n;
    return withFlags(angle(eighths), flags);
  }
  if (a.kind === 'infinity' || b.kind === 'zero') return withFlags(angle(a.sign === 1 ? 4n : 0n), flags);
  if (!isFinite(a)) return withFlags(angle(2n), flags);
  if (!isFinite(b)) return INVALID;
  return withFlags(pack({ ...angleOf(a, b), sign: b.sign }, allBits(control)), flags);
}

/** Magnitude of the angle of a point off the axes. */
function angleOf(x: Exact, y: Exact): Exact {
  const difference = leadingBit(y) - leadingBit(x);
  const steep = difference > 0 || (difference === 0 && ratio(y, x) > ONE);
  if (Math.abs(difference) > -TINY) {
    if (steep) return nudged(inexact(PI >> 1n), x.sign === 1 ? 1 : -1);
    if (x.sign === 1) return nudged(inexact(PI), -1);
    return nudged(quotient(y, x), -1);
  }
  const base = arcTangent(steep ? ratio(x, y) : ratio(y, x));
  const acute = steep ? (PI >> 1n) - base : base;
  return inexact(x.sign === 1 ? PI - acute : acute);
}

/** |a| / |b| in fixed point. */
function ratio(a: Exact, b: Exact): bigint {
  const shift = a.exponent - b.exponent + FIXED_SHIFT;
  return shift >= 0
    ? (a.significand << BigInt(shift)) / b.significand
    : a.significand / (b.significand << BigInt(-shift));
}

/** |a| / |b| to 130 bits. */
function quotient(a: Exact, b: Exact): Exact {
  const shift = 130 + bitLength(b.significand) - bitLength(a.significand);
  const significand = (a.significand << BigInt(shift)) / b.significand;
  return { sign: 0, exponent: a.exponent - b.exponent - shift, significand };
}
