import { ROUNDING } from './environment.ts';
import { denormalFlag, isFinite, specialOperand, withFlags } from './extended-arithmetic.ts';
import {
  exactly,
  INVALID,
  pack,
  zero,
  type ExtendedControl,
  type ExtendedOperand,
  type ExtendedResult,
} from './extended.ts';
import { bitLength } from './rounding.ts';

/** What FPREM and FPREM1 tell in the condition flags. */
export interface RemainderResult extends ExtendedResult {
  /** Low three bits of the quotient's magnitude; 0 while incomplete, undefined where there is none (NaNs, invalid operations). */
  readonly quotient: number | undefined;
  /** The exponents were too far apart: the value is a partial remainder (C2). */
  readonly incomplete: boolean;
}

/** Largest difference of exponents that one instruction brings to 0. */
const REACH = 64;

/** a minus a multiple of b: the multiple is the truncated quotient (FPREM) or, where `nearest`, the nearest one (FPREM1). Always exact. */
export function remainder(
  a: ExtendedOperand,
  b: ExtendedOperand,
  nearest: boolean,
  control: ExtendedControl,
): RemainderResult {
  const without = (result: ExtendedResult): RemainderResult => ({ ...result, quotient: undefined, incomplete: false });
  const complete = (result: ExtendedResult, quotient = 0): RemainderResult => ({
    ...result,
    quotient,
    incomplete: false,
  });
  const special = specialOperand(a, b);
  if (special !== undefined) return without(special);
  const [x, y] = [a.number, b.number];
  if (x.kind === 'infinity' || y.kind === 'zero') return without(INVALID);
  const flags = denormalFlag(a, b);
  if (!isFinite(x)) return complete(withFlags(exactly(a.bits), flags));
  const whole: ExtendedControl = { rounding: ROUNDING.nearest, precision: 64, unmasked: control.unmasked };
  if (!isFinite(y)) return complete(withFlags(pack(x, whole), flags));

  const lead = (number: typeof x): number => number.exponent + bitLength(number.significand);
  const difference = lead(x) - lead(y);
  if (difference < -1) return complete(withFlags(pack(x, whole), flags));
  const exponent = Math.min(x.exponent, y.exponent);
  const [dividend, divisor] = [x, y].map((n) => n.significand << BigInt(n.exponent - exponent)) as [bigint, bigint];
  const result = (magnitude: bigint): ExtendedResult => {
    if (magnitude === 0n) return withFlags(exactly(zero(x.sign)), flags);
    const sign = magnitude < 0n === (x.sign === 1) ? 0 : 1;
    return withFlags(pack({ sign, exponent, significand: magnitude < 0n ? -magnitude : magnitude }, whole), flags);
  };
  if (difference >= REACH) {
    // Reduces the exponent by 32 to 63 (SDM 2, FPREM: "an implementation-dependent number between 32 and 63").
    const left = BigInt(difference - ((difference & 31) | 32));
    return { ...result(dividend % (divisor << left)), quotient: 0, incomplete: true };
  }
  let quotient = dividend / divisor;
  let rest = dividend - quotient * divisor;
  if (nearest && (rest * 2n > divisor || (rest * 2n === divisor && (quotient & 1n) === 1n))) {
    quotient++;
    rest -= divisor;
  }
  return complete(result(rest), Number(quotient & 7n));
}
