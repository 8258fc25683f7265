import { EXCEPTION, type Rounding } from './environment.ts';
import { indefinite, infinity, pack, quiet, zero, type BinaryFormat, type FloatResult } from './binary-format.ts';
import { roundToInteger } from './exact-arithmetic.ts';
import { isFinite } from './extended-arithmetic.ts';
import { operandOfInteger, unpack, zero as extendedZero, type Extended, type ExtendedControl } from './extended.ts';

export interface StoredResult extends FloatResult {
  /** Rounding made the magnitude larger: C1. */
  readonly up: boolean;
}

/** FST to 32 or 64 bits. With an unmasked overflow or underflow among the flags nothing is stored, so that the value does not matter. */
export function toBinary(format: BinaryFormat, value: Extended, control: ExtendedControl): StoredResult {
  const number = unpack(value);
  if (isFinite(number)) {
    const underflowMasked = (control.unmasked & EXCEPTION.underflow) === 0;
    const overflowMasked = (control.unmasked & EXCEPTION.overflow) === 0;
    return pack(format, number, {
      rounding: control.rounding,
      flushToZero: false,
      denormalsAreZero: false,
      underflowMasked,
      overflowMasked,
    });
  }
  switch (number.kind) {
    case 'zero':
      return { value: zero(format, number.sign), flags: 0, up: false };
    case 'infinity':
      return { value: infinity(format, number.sign), flags: 0, up: false };
    case 'unsupported':
      return { value: indefinite(format), flags: EXCEPTION.invalid, up: false };
    default: {
      const payload = BigInt.asUintN(63, value.significand) >> BigInt(64 - format.precision);
      const flags = number.kind === 'signaling-nan' ? EXCEPTION.invalid : 0;
      return { value: quiet(format, infinity(format, number.sign) | payload), flags, up: false };
    }
  }
}

/** Rounds to a signed integer with a magnitude below `limit` (or equal, where negative and `lowest` allows); undefined where it is invalid. */
function integral(
  value: Extended,
  rounding: Rounding,
  lowest: bigint,
  highest: bigint,
): { readonly value: bigint; readonly inexact: boolean; readonly up: boolean } | undefined {
  const number = unpack(value);
  if (number.kind === 'zero') return { value: 0n, inexact: false, up: false };
  if (!isFinite(number) || number.exponent > 0) return undefined;
  const rounded = roundToInteger(number, rounding);
  return rounded.value < lowest || rounded.value > highest ? undefined : rounded;
}

/** FIST: two's complement, unsigned; the integer indefinite where it does not fit. */
export function toInteger(value: Extended, bits: 16 | 32 | 64, rounding: Rounding): StoredResult {
  const limit = 1n << BigInt(bits - 1);
  const rounded = integral(value, rounding, -limit, limit - 1n);
  if (rounded === undefined) return { value: limit, flags: EXCEPTION.invalid, up: false };
  const flags = rounded.inexact ? EXCEPTION.precision : 0;
  return { value: BigInt.asUintN(bits, rounded.value), flags, up: rounded.up };
}

/** Eighteen decimal digits (SDM 1, 4.7). */
const LARGEST_DECIMAL = 10n ** 18n - 1n;
export const DECIMAL_INDEFINITE = 0xffff_c000_0000_0000_0000n;

/** FBSTP: 80 bits of packed decimal. */
export function toDecimal(value: Extended, rounding: Rounding): StoredResult {
  const rounded = integral(value, rounding, -LARGEST_DECIMAL, LARGEST_DECIMAL);
  if (rounded === undefined) return { value: DECIMAL_INDEFINITE, flags: EXCEPTION.invalid, up: false };
  const magnitude = rounded.value < 0n ? -rounded.value : rounded.value;
  const sign = BigInt(value.signExponent >>> 15) << 79n;
  const flags = rounded.inexact ? EXCEPTION.precision : 0;
  return { value: sign | BigInt(`0x${magnitude.toString()}`), flags, up: rounded.up };
}

/** FBLD: the value of 80 bits of packed decimal. Digits above 9 count as they stand (their result is undefined, SDM 2, FBLD). */
export function fromDecimal(decimal: bigint): Extended {
  let magnitude = 0n;
  for (let digit = 17n; digit >= 0n; digit--) magnitude = magnitude * 10n + ((decimal >> (digit * 4n)) & 15n);
  const negative = decimal >> 79n === 1n;
  if (magnitude === 0n) return extendedZero(negative ? 1 : 0);
  return operandOfInteger(negative ? -magnitude : magnitude).bits;
}
