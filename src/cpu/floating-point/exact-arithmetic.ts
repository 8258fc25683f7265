import type { Rounding } from './environment.ts';
import { bitLength, roundShifted, type Exact } from './rounding.ts';

/** Bits beyond the longest precision (64) that a shortened operand or result keeps: rounding sees the same as of the whole number. */
const GUARD = 130;

/** Sum; 'zero' for an exact 0. Digits too far below the other operand to matter are shortened to a lowest bit of 1. */
export function addExact(a: Exact, b: Exact): Exact | 'zero' {
  const [high, low] = a.exponent + bitLength(a.significand) >= b.exponent + bitLength(b.significand) ? [a, b] : [b, a];
  const floor = high.exponent - GUARD;
  const far = low.exponent + bitLength(low.significand) < floor;
  const addend = far ? { sign: low.sign, exponent: floor, significand: 1n } : low;
  const exponent = Math.min(high.exponent, addend.exponent);
  const aligned = ({ sign, exponent: from, significand }: Exact): bigint =>
    (sign === 1 ? -significand : significand) << BigInt(from - exponent);
  const sum = aligned(high) + aligned(addend);
  if (sum === 0n) return 'zero';
  return sum < 0n ? { sign: 1, exponent, significand: -sum } : { sign: 0, exponent, significand: sum };
}

/** Product. */
export function multiplyExact(a: Exact, b: Exact): Exact {
  return {
    sign: (a.sign ^ b.sign) as 0 | 1,
    exponent: a.exponent + b.exponent,
    significand: a.significand * b.significand,
  };
}

/** Quotient, at least 66 significant bits with a lowest bit of 1 for a remainder. */
export function divideExact(a: Exact, b: Exact): Exact {
  const shift = Math.max(0, 67 + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(shift);
  const quotient = dividend / b.significand;
  const sticky = quotient * b.significand === dividend ? 0n : 1n;
  return {
    sign: (a.sign ^ b.sign) as 0 | 1,
    exponent: a.exponent - shift - b.exponent - 1,
    significand: (quotient << 1n) | sticky,
  };
}

/** Square root of a positive number, at least 66 significant bits with a lowest bit of 1 for a remainder. */
export function squareRootExact(a: Exact): Exact {
  let shift = Math.max(0, 134 - bitLength(a.significand));
  if (((a.exponent - shift) & 1) !== 0) shift++;
  const radicand = a.significand << BigInt(shift);
  const root = integerSquareRoot(radicand);
  const sticky = root * root === radicand ? 0n : 1n;
  return { sign: 0, exponent: (a.exponent - shift) / 2 - 1, significand: (root << 1n) | sticky };
}

/** Floor of the square root. */
export function integerSquareRoot(value: bigint): bigint {
  if (value === 0n) return 0n;
  // An estimate from above; Newton's method falls from there.
  const excess = Math.max(0, bitLength(value) - 104) & ~1;
  const top = Math.sqrt(Number(value >> BigInt(excess)));
  let root = (BigInt(Math.ceil(top)) + 1n) << BigInt(excess / 2);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** -1, 0 or 1 as a is below, equal to or above b. */
export function compareExact(a: Exact, b: Exact): -1 | 0 | 1 {
  const difference = addExact(a, { ...b, sign: b.sign === 1 ? 0 : 1 });
  if (difference === 'zero') return 0;
  return difference.sign === 1 ? -1 : 1;
}

/** The nearest integer in a rounding mode, as a signed integer. Huge numbers are the caller's to refuse first. */
export function roundToInteger(
  { sign, exponent, significand }: Exact,
  rounding: Rounding,
): { readonly value: bigint; readonly inexact: boolean; readonly up: boolean } {
  const rounded = roundShifted(sign, significand, -exponent, rounding);
  return sign === 1 ? { ...rounded, value: -rounded.value } : rounded;
}
