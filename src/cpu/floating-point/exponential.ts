/**
 * F2XM1, FYL2X and FYL2XP1: the real functions' values to more than 130 bits, rounded as the control word says: below 1 ulp, which
 * the manual promises (SDM 1, 8.3.10). Arguments outside the documented ranges give the function's value where it has one.
 */
import { EXCEPTION } from './environment.ts';
import { denormalFlag, isFinite, specialOperand, withFlags } from './extended-arithmetic.ts';
import {
  exactly,
  infinity,
  INVALID,
  ONE as EXTENDED_ONE,
  pack,
  zero,
  type ExtendedControl,
  type ExtendedOperand,
  type ExtendedResult,
} from './extended.ts';
import {
  divide,
  exponentialMinus1,
  FRACTION_BITS,
  LN2,
  logarithmOfRatio,
  multiply,
  ONE,
  toFixed,
} from './fixed-point.ts';
import { multiplyExact } from './exact-arithmetic.ts';
import { bitLength, type Exact } from './rounding.ts';

/** Below 2^-110 the first term of a series is the result to more bits than rounding looks at. */
const TINY = -110;

const leadingBit = ({ exponent, significand }: Exact): number => exponent + bitLength(significand) - 1;
const allBits = (control: ExtendedControl): ExtendedControl => ({ ...control, precision: 64 });
const signOfProduct = (a: ExtendedOperand, b: ExtendedOperand): 0 | 1 => (a.number.sign ^ b.number.sign) as 0 | 1;

/** An irrational number in fixed point: the lowest bit stands for the digits that follow. */
function irrational(value: bigint): Exact {
  const magnitude = value < 0n ? -value : value;
  return { sign: value < 0n ? 1 : 0, exponent: -FRACTION_BITS - 1, significand: (magnitude << 1n) | 1n };
}

/** F2XM1: 2^a - 1. */
export function powerMinus1(a: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(a, a);
  if (special !== undefined) return special;
  const x = a.number;
  if (x.kind === 'infinity') return exactly(x.sign === 1 ? { ...EXTENDED_ONE, signExponent: 0xbfff } : a.bits);
  if (!isFinite(x)) return exactly(a.bits);
  return withFlags(pack(powerMinus1Of(x), allBits(control)), denormalFlag(a));
}

function powerMinus1Of(x: Exact): Exact {
  const leading = leadingBit(x);
  if (leading < TINY) return multiplyExact(x, irrational(LN2));
  if (leading >= 0) {
    // Out of the documented range, but for 1 and -1.
    const beyond = leading > 14;
    const whole = toFixed(x);
    const integer = beyond ? (x.sign === 1 ? -0x8000n : 0x8000n) : whole >> BigInt(FRACTION_BITS);
    const rest = beyond ? 0n : whole - (integer << BigInt(FRACTION_BITS));
    const power = ONE + (rest === 0n ? 0n : exponentialMinus1(multiply(rest, LN2)));
    return minus1(power, Number(integer), rest !== 0n);
  }
  return irrational(exponentialMinus1(multiply(toFixed(x), LN2)));
}

/** power * 2^shift - 1. */
function minus1(power: bigint, shift: number, inexact: boolean): Exact {
  const tail = inexact || shift < -FRACTION_BITS ? 1n : 0n;
  if (shift > FRACTION_BITS) return { sign: 0, exponent: shift - FRACTION_BITS - 1, significand: (power << 1n) | 1n };
  const scaled = shift >= 0 ? power << BigInt(shift) : power >> BigInt(Math.min(-shift, FRACTION_BITS));
  const value = scaled - ONE;
  const magnitude = value < 0n ? -value : value;
  return { sign: value < 0n ? 1 : 0, exponent: -FRACTION_BITS - 1, significand: (magnitude << 1n) | tail };
}

/** FYL2X: b * log2(a). */
export function timesLogarithm(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(b, a);
  if (special !== undefined) return special;
  const [x, y] = [a.number, b.number];
  const flags = denormalFlag(a, b);
  if (x.kind === 'zero') {
    if (y.kind === 'zero') return INVALID;
    const result = infinity(y.sign === 1 ? 0 : 1);
    return { value: result, flags: y.kind === 'infinity' ? 0 : EXCEPTION.zeroDivide, up: false };
  }
  if (x.sign === 1) return INVALID;
  if (!isFinite(x)) return y.kind === 'zero' ? INVALID : withFlags(exactly(infinity(y.sign)), flags);
  return scaledLogarithm(logarithm(x), y, flags, control);
}

/** FYL2XP1: b * log2(a + 1). */
export function timesLogarithmPlus1(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(b, a);
  if (special !== undefined) return special;
  const [x, y] = [a.number, b.number];
  const flags = denormalFlag(a, b);
  if (x.kind === 'zero') return y.kind === 'infinity' ? INVALID : withFlags(exactly(zero(signOfProduct(a, b))), flags);
  if (!isFinite(x)) {
    if (x.sign === 1 || y.kind === 'zero') return INVALID;
    return withFlags(exactly(infinity(y.sign)), flags);
  }
  const value = logarithmPlus1(x);
  return value === undefined ? INVALID : scaledLogarithm(value, y, flags, control);
}

/** y times a logarithm; undefined is that of 1, an exact 0. */
function scaledLogarithm(
  value: Exact | 'zero',
  y: ExtendedOperand['number'],
  flags: number,
  control: ExtendedControl,
): ExtendedResult {
  if (value === 'zero') return y.kind === 'infinity' ? INVALID : withFlags(exactly(zero(y.sign)), flags);
  const sign = (value.sign ^ y.sign) as 0 | 1;
  if (y.kind === 'infinity') return withFlags(exactly(infinity(sign)), flags);
  if (!isFinite(y)) return withFlags(exactly(zero(sign)), flags);
  return withFlags(pack(multiplyExact(value, y), allBits(control)), flags);
}

/** log2 of a positive number. */
function logarithm(x: Exact): Exact | 'zero' {
  const bits = bitLength(x.significand);
  let power = x.exponent + bits - 1;
  const leading = 1n << BigInt(bits - 1);
  if (x.significand === leading) {
    if (power === 0) return 'zero';
    return { sign: power < 0 ? 1 : 0, exponent: 0, significand: BigInt(Math.abs(power)) };
  }
  // From 0.75 to 1.5, so that numbers on both sides of 1 keep their digits.
  let denominator = leading;
  if (x.significand * 2n > leading * 3n) {
    power++;
    denominator <<= 1n;
  }
  const fraction = divide(logarithmOfRatio(x.significand, denominator), LN2);
  return irrational((BigInt(power) << BigInt(FRACTION_BITS)) + fraction);
}

/** log2(1 + x); undefined from -1 down. */
function logarithmPlus1(x: Exact): Exact | 'zero' | undefined {
  const leading = leadingBit(x);
  if (leading < TINY) return multiplyExact(x, irrational(divide(ONE, LN2)));
  const one = x.exponent < 0 ? 1n << BigInt(-x.exponent) : 1n;
  const magnitude = x.exponent < 0 ? x.significand : x.significand << BigInt(x.exponent);
  const sum = x.sign === 1 ? one - magnitude : one + magnitude;
  if (sum <= 0n) return undefined;
  if (leading >= -1) return logarithm({ sign: 0, exponent: Math.min(x.exponent, 0), significand: sum });
  return irrational(divide(logarithmOfRatio(sum, one), LN2));
}
