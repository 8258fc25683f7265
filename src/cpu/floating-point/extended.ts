import { EXCEPTION, type Rounding } from './environment.ts';
import { unpack as unpackBinary, type BinaryFormat, type Unpacked } from './binary-format.ts';
import { overflowsToInfinity, round, type Exact } from './rounding.ts';

/** A double extended-precision number as an x87 register holds it (SDM 1, 4.2.2): any of its bit patterns. */
export interface Extended {
  /** Sign in bit 15, biased exponent below. */
  readonly signExponent: number;
  /** 64 bits with the explicit integer bit. */
  readonly significand: bigint;
}

/** An operand: its bits in extended format for choosing a NaN, and what it was where it came from (a denormal single stays one). */
export interface ExtendedOperand {
  readonly bits: Extended;
  /** `unsupported`: unnormals, pseudo-NaNs and pseudo-infinities (SDM 1, table 8-3). */
  readonly number: Unpacked | { readonly kind: 'unsupported'; readonly sign: 0 | 1 };
}

/** What x87 arithmetic depends on besides its operands (SDM 1, 8.1.5). */
export interface ExtendedControl {
  readonly rounding: Rounding;
  /** Significant bits of a result. */
  readonly precision: 24 | 53 | 64;
  /** {@link EXCEPTION} bits that are not masked: overflow and underflow change the result. */
  readonly unmasked: number;
}

export interface ExtendedResult {
  readonly value: Extended;
  /** {@link EXCEPTION} bits raised. */
  readonly flags: number;
  /** Rounding made the magnitude larger: C1. */
  readonly up: boolean;
}

const MAX_EXPONENT = 0x7fff;
const BIAS = 16383;
const INTEGER_BIT = 1n << 63n;
const QUIET_BIT = 1n << 62n;
/** Exponents of the leading bit of normal numbers. */
const LOWEST = -16382;
const HIGHEST = 16383;
/** What unmasked overflow and underflow adjust the exponent by (SDM 1, 8.5.4). */
const BIAS_ADJUSTMENT = 24576;

export const INDEFINITE: Extended = { signExponent: 0xffff, significand: INTEGER_BIT | QUIET_BIT };
export const ONE: Extended = { signExponent: BIAS, significand: INTEGER_BIT };

export function zero(sign: 0 | 1): Extended {
  return { signExponent: sign << 15, significand: 0n };
}
export function infinity(sign: 0 | 1): Extended {
  return { signExponent: (sign << 15) | MAX_EXPONENT, significand: INTEGER_BIT };
}
export function quiet(nan: Extended): Extended {
  return { signExponent: nan.signExponent, significand: nan.significand | QUIET_BIT };
}
/** A result without exceptions. */
export function exactly(value: Extended): ExtendedResult {
  return { value, flags: 0, up: false };
}
/** The masked response to an invalid operation. */
export const INVALID: ExtendedResult = { value: INDEFINITE, flags: EXCEPTION.invalid, up: false };

export function unpack({ signExponent, significand }: Extended): ExtendedOperand['number'] {
  const sign = (signExponent >>> 15) as 0 | 1;
  const field = signExponent & MAX_EXPONENT;
  const integer = significand >= INTEGER_BIT;
  if (field === 0) {
    if (significand === 0n) return { kind: 'zero', sign };
    return { kind: 'denormal', sign, exponent: LOWEST - 63, significand };
  }
  if (!integer) return { kind: 'unsupported', sign };
  if (field !== MAX_EXPONENT) return { kind: 'normal', sign, exponent: field - BIAS - 63, significand };
  if (significand === INTEGER_BIT) return { kind: 'infinity', sign };
  return { kind: (significand & QUIET_BIT) === 0n ? 'signaling-nan' : 'quiet-nan', sign };
}

/** A register as an operand. */
export function operandOf(bits: Extended): ExtendedOperand {
  return { bits, number: unpack(bits) };
}

/** A 32- or 64-bit number as an operand; exact. */
export function operandOfBinary(format: BinaryFormat, bits: bigint): ExtendedOperand {
  const number = unpackBinary(format, bits);
  switch (number.kind) {
    case 'zero':
      return { bits: zero(number.sign), number };
    case 'infinity':
      return { bits: infinity(number.sign), number };
    case 'normal':
    case 'denormal':
      return { bits: packExact(number), number };
    default: {
      const payload = BigInt.asUintN(format.precision - 1, bits) << BigInt(64 - format.precision);
      return { bits: { ...infinity(number.sign), significand: INTEGER_BIT | payload }, number };
    }
  }
}

/** A signed integer of at most 64 bits as an operand; exact. */
export function operandOfInteger(integer: bigint): ExtendedOperand {
  if (integer === 0n) return operandOf(zero(0));
  const sign = integer < 0n ? 1 : 0;
  return operandOf(packExact({ sign, exponent: 0, significand: sign === 1 ? -integer : integer }));
}

/** A number that is known to fit without rounding. */
function packExact(number: Exact): Extended {
  return pack(number, { rounding: 0, precision: 64, unmasked: 0 }).value;
}

/** Rounds an exact number, with the masked or unmasked response to overflow and underflow (SDM 1, 8.5.4 and 8.5.5). */
export function pack(number: Exact, control: ExtendedControl): ExtendedResult {
  const { rounding, precision, unmasked } = control;
  const target = { precision, lowest: LOWEST, highest: HIGHEST };
  const rounded = round(number, target, rounding);
  const { sign } = number;
  if (rounded.overflow) {
    if ((unmasked & EXCEPTION.overflow) !== 0)
      return packAdjusted(number, -BIAS_ADJUSTMENT, control, EXCEPTION.overflow);
    const flags = EXCEPTION.overflow | EXCEPTION.precision;
    return overflowsToInfinity(sign, rounding)
      ? { value: infinity(sign), flags, up: true }
      : { value: largest(sign, precision), flags, up: false };
  }
  if (rounded.tiny && (unmasked & EXCEPTION.underflow) !== 0)
    return packAdjusted(number, BIAS_ADJUSTMENT, control, EXCEPTION.underflow);
  let flags = rounded.inexact ? EXCEPTION.precision : 0;
  if (rounded.tiny && rounded.inexact) flags |= EXCEPTION.underflow;
  const significand = rounded.significand << BigInt(64 - precision);
  const field = significand >= INTEGER_BIT ? rounded.exponent + precision - 1 + BIAS : 0;
  return { value: { signExponent: (sign << 15) | field, significand }, flags, up: rounded.up };
}

/** The result for an unmasked overflow or underflow: the exponent is brought into range. */
function packAdjusted(number: Exact, adjustment: number, control: ExtendedControl, flag: number): ExtendedResult {
  const adjusted = pack({ ...number, exponent: number.exponent + adjustment }, { ...control, unmasked: 0 });
  // Only FSCALE goes so far.
  if ((adjusted.flags & EXCEPTION.overflow) !== 0) return { ...adjusted, value: infinity(number.sign), up: true };
  return { ...adjusted, flags: (adjusted.flags & EXCEPTION.precision) | flag };
}

function largest(sign: 0 | 1, precision: number): Extended {
  const significand = ((1n << BigInt(precision)) - 1n) << BigInt(64 - precision);
  return { signExponent: (sign << 15) | (MAX_EXPONENT - 1), significand };
}
