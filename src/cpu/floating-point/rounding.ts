import { ROUNDING, type Rounding } from './environment.ts';

/** An exact finite number other than 0: `significand` * 2^`exponent`, negative when `sign` is 1. */
export interface Exact {
  readonly sign: 0 | 1;
  readonly exponent: number;
  /** Above 0, of any length. A lowest bit of 1 below all that rounding looks at may stand for a longer tail. */
  readonly significand: bigint;
}

/** What rounding aims at: numbers of `precision` significant bits with leading bits from 2^`lowest` to 2^`highest`. */
export interface RoundingTarget {
  readonly precision: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Rounded {
  /** At most `precision` bits; fewer for a denormal, 0 when nothing is left. */
  readonly significand: bigint;
  /** Weight of the significand's lowest bit as a power of 2. */
  readonly exponent: number;
  /** Bits were lost. */
  readonly inexact: boolean;
  /** The magnitude grew (C1 of the x87). */
  readonly up: boolean;
  /** With an unbounded exponent the rounded number would be below 2^`lowest`: tiny, as detected after rounding (SDM 1, 4.9.1.5). */
  readonly tiny: boolean;
  /** The rounded number is 2^(`highest` + 1) or more. */
  readonly overflow: boolean;
}

/** Number of significant bits of a number that is not negative; 0 for 0. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const approximate = Number(value);
  // Beyond the range of a double only lengths of intermediate results of argument reduction occur.
  if (!Number.isFinite(approximate)) return 512 + bitLength(value >> 512n);
  const guess = Math.floor(Math.log2(approximate));
  if (value >> BigInt(guess) === 0n) return guess;
  return value >> BigInt(guess + 1) === 0n ? guess + 1 : guess + 2;
}

/** `value` / 2^`shift` rounded to an integer; a negative shift multiplies. */
export function roundShifted(
  sign: 0 | 1,
  value: bigint,
  shift: number,
  rounding: Rounding,
): { readonly value: bigint; readonly inexact: boolean; readonly up: boolean } {
  if (shift <= 0) return { value: value << BigInt(-shift), inexact: false, up: false };
  const count = BigInt(shift);
  const kept = value >> count;
  const lost = value - (kept << count);
  if (lost === 0n) return { value: kept, inexact: false, up: false };
  let up: boolean;
  if (rounding === ROUNDING.nearest) {
    const half = 1n << (count - 1n);
    up = lost > half || (lost === half && (kept & 1n) === 1n);
  } else {
    up = rounding === (sign === 1 ? ROUNDING.down : ROUNDING.up);
  }
  return { value: up ? kept + 1n : kept, inexact: true, up };
}

/** Rounds an exact number to a format. The caller makes overflow and tininess what its control word asks for. */
export function round(number: Exact, target: RoundingTarget, rounding: Rounding): Rounded {
  const { sign, significand, exponent } = number;
  const { precision, lowest, highest } = target;
  const leading = exponent + bitLength(significand) - 1;
  let weight = Math.max(leading, lowest) - precision + 1;
  const rounded = roundShifted(sign, significand, weight - exponent, rounding);
  let { value } = rounded;
  const { inexact, up } = rounded;
  const beyond = 1n << BigInt(precision);
  if (value === beyond) {
    value >>= 1n;
    weight++;
  }
  let tiny = leading < lowest;
  if (leading === lowest - 1)
    tiny = roundShifted(sign, significand, leading - precision + 1 - exponent, rounding).value !== beyond;
  const overflow = weight + precision - 1 > highest && value >> BigInt(precision - 1) !== 0n;
  return { significand: value, exponent: weight, inexact, up, tiny, overflow };
}

/** Whether a number too large for the format becomes infinity rather than the largest finite number (SDM 1, table 4-10). */
export function overflowsToInfinity(sign: 0 | 1, rounding: Rounding): boolean {
  return rounding === ROUNDING.nearest || rounding === (sign === 1 ? ROUNDING.down : ROUNDING.up);
}
