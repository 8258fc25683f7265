/**
 * Real numbers as BigInt multiples of 2^-{@link FRACTION_BITS}, for the transcendental instructions. Every function's error is a few
 * units of 2^-{@link FRACTION_BITS}, so that a result above 2^-100 is good for 150 bits before it is rounded to 64.
 */
import { integerSquareRoot } from './exact-arithmetic.ts';
import type { Exact } from './rounding.ts';

export const FRACTION_BITS = 256;
const FRACTION = BigInt(FRACTION_BITS);
export const ONE = 1n << FRACTION;
/** pi and ln(2), rounded down. */
export const PI = 0x3_243f6a88_85a308d3_13198a2e_03707344_a4093822_299f31d0_082efa98_ec4e6c89n;
export const LN2 = 0xb17217f7_d1cf79ab_c9e3b398_03f2f6af_40f34326_7298b62d_8a0d175b_8baafa2bn;

/** An exact number, truncated towards 0. */
export function toFixed({ sign, exponent, significand }: Exact): bigint {
  const shift = exponent + FRACTION_BITS;
  const magnitude = shift >= 0 ? significand << BigInt(shift) : significand >> BigInt(-shift);
  return sign === 1 ? -magnitude : magnitude;
}

/** What rounding makes a result of: never exact, so the lowest bit is made 1. Undefined for 0. */
export function fromFixed(value: bigint): Exact | undefined {
  if (value === 0n) return undefined;
  const magnitude = value < 0n ? -value : value;
  return { sign: value < 0n ? 1 : 0, exponent: -FRACTION_BITS - 1, significand: (magnitude << 1n) | 1n };
}

export function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> FRACTION;
}
export function divide(a: bigint, b: bigint): bigint {
  return (a << FRACTION) / b;
}

/** e^x - 1 for |x| < 1. */
export function exponentialMinus1(x: bigint): bigint {
  let term = x;
  let sum = x;
  for (let n = 2n; term !== 0n && term !== -1n; n++) {
    term = multiply(term, x) / n;
    sum += term;
  }
  return sum;
}

/** Sum of z^k / k over odd k, with every second term negative where `alternating`: atanh z and atan z for small z. */
function oddSeries(z: bigint, alternating: boolean): bigint {
  const square = multiply(z, z);
  let power = z;
  let sum = z;
  for (let k = 3n; power !== 0n && power !== -1n; k += 2n) {
    power = multiply(power, square);
    if (alternating) power = -power;
    sum += power / k;
  }
  return sum;
}

/** Natural logarithm of n / d, near 1. */
export function logarithmOfRatio(n: bigint, d: bigint): bigint {
  return 2n * oddSeries(divide(n - d, n + d), false);
}

/** atan q for q from 0 to 1. */
export function arcTangent(q: bigint): bigint {
  let z = q;
  // atan z = 2 atan(z / (1 + sqrt(1 + z^2))).
  for (let n = 0; n < 3; n++) z = divide(z, ONE + integerSquareRoot((ONE + multiply(z, z)) << FRACTION));
  return oddSeries(z, true) << 3n;
}

/** Sine and cosine of r, |r| < 1. */
export function sineAndCosine(r: bigint): { readonly sine: bigint; readonly cosine: bigint } {
  const square = multiply(r, r);
  const series = (first: bigint, start: bigint): bigint => {
    let term = first;
    let sum = first;
    for (let n = start; term !== 0n && term !== -1n; n += 2n) {
      term = -multiply(term, square) / (n * (n + 1n));
      sum += term;
    }
    return sum;
  };
  return { sine: series(r, 2n), cosine: series(ONE, 1n) };
}
