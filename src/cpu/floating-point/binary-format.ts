import { EXCEPTION, type Rounding } from './environment.ts';
import { overflowsToInfinity, round, type Exact, type RoundingTarget } from './rounding.ts';

/** An IEEE 754 interchange format. Numbers of it are their bit patterns, unsigned. */
export interface BinaryFormat extends RoundingTarget {
  /** Width in bits. */
  readonly width: 32 | 64;
  readonly exponentBits: number;
}

export const SINGLE: BinaryFormat = { width: 32, exponentBits: 8, precision: 24, lowest: -126, highest: 127 };
export const DOUBLE: BinaryFormat = { width: 64, exponentBits: 11, precision: 53, lowest: -1022, highest: 1023 };

/** What an operation depends on besides its operands: the fields of MXCSR (SDM 1, 10.2.3), or of the x87 control word. */
export interface FloatControl {
  readonly rounding: Rounding;
  /** FZ: a tiny result becomes a zero, with underflow and precision. Only where underflow is masked. */
  readonly flushToZero: boolean;
  /** DAZ: denormal operands are zeros of their sign, without the denormal exception. */
  readonly denormalsAreZero: boolean;
  /** UM: a tiny result is reported only when it is also inexact. */
  readonly underflowMasked: boolean;
  /** OM: a result that is too large is always inexact; unmasked only when its digits are. */
  readonly overflowMasked: boolean;
}

/** A bit pattern and the {@link EXCEPTION} bits that making it raised. */
export interface FloatResult {
  readonly value: bigint;
  readonly flags: number;
}

/** A number taken apart. */
export type Unpacked =
  | { readonly kind: 'zero' | 'infinity'; readonly sign: 0 | 1 }
  | { readonly kind: 'quiet-nan' | 'signaling-nan'; readonly sign: 0 | 1 }
  | (Exact & { readonly kind: 'normal' | 'denormal' });

const fractionBits = (format: BinaryFormat): bigint => BigInt(format.precision - 1);
const signBit = (format: BinaryFormat, sign: 0 | 1): bigint => BigInt(sign) << BigInt(format.width - 1);
const exponentMask = (format: BinaryFormat): number => 2 ** format.exponentBits - 1;

export function infinity(format: BinaryFormat, sign: 0 | 1): bigint {
  return signBit(format, sign) | (BigInt(exponentMask(format)) << fractionBits(format));
}
export function zero(format: BinaryFormat, sign: 0 | 1): bigint {
  return signBit(format, sign);
}
/** The default NaN: negative, quiet, no payload ("real indefinite", SDM 1, 4.8.3.7). */
export function indefinite(format: BinaryFormat): bigint {
  return quiet(format, infinity(format, 1));
}
/** A NaN with its quiet bit set. */
export function quiet(format: BinaryFormat, nan: bigint): bigint {
  return nan | (1n << (fractionBits(format) - 1n));
}

export function unpack(format: BinaryFormat, value: bigint): Unpacked {
  const fraction = BigInt.asUintN(format.precision - 1, value);
  const field = Number(value >> fractionBits(format)) & exponentMask(format);
  const sign = value >> BigInt(format.width - 1) === 0n ? 0 : 1;
  if (field === exponentMask(format)) {
    if (fraction === 0n) return { kind: 'infinity', sign };
    return { kind: fraction >> (fractionBits(format) - 1n) === 0n ? 'signaling-nan' : 'quiet-nan', sign };
  }
  const least = format.lowest - format.precision + 1;
  if (field !== 0)
    return { kind: 'normal', sign, exponent: least + field - 1, significand: fraction | (1n << fractionBits(format)) };
  return fraction === 0n ? { kind: 'zero', sign } : { kind: 'denormal', sign, exponent: least, significand: fraction };
}

/**
 * Rounds an exact number into a format, with the masked responses to overflow and underflow (SDM 1, 4.9.1.4 and 4.9.1.5).
 * `up` tells that the magnitude grew.
 */
export function pack(
  format: BinaryFormat,
  number: Exact,
  control: FloatControl,
): FloatResult & { readonly up: boolean } {
  const { sign } = number;
  const { significand, exponent, inexact, up, tiny, overflow } = round(number, format, control.rounding);
  if (overflow) {
    const flags = EXCEPTION.overflow | (inexact || control.overflowMasked ? EXCEPTION.precision : 0);
    const toInfinity = overflowsToInfinity(sign, control.rounding);
    // The pattern below infinity's is the largest finite number's.
    return { value: infinity(format, sign) - (toInfinity ? 0n : 1n), flags, up: toInfinity };
  }
  let flags = inexact ? EXCEPTION.precision : 0;
  if (tiny && control.underflowMasked && control.flushToZero)
    return { value: zero(format, sign), flags: EXCEPTION.underflow | EXCEPTION.precision, up: false };
  if (tiny && inexact) flags |= EXCEPTION.underflow;
  if (tiny && !control.underflowMasked) {
    // What a denormal cannot hold is the handler's to round.
    const unbounded = round(number, { ...format, lowest: -Infinity }, control.rounding);
    flags = EXCEPTION.underflow | (unbounded.inexact ? EXCEPTION.precision : 0);
  }
  // The leading bit of a normal significand adds 1 to the exponent field.
  const field = exponent - (format.lowest - format.precision + 1);
  return { value: signBit(format, sign) | ((BigInt(field) << fractionBits(format)) + significand), flags, up };
}
