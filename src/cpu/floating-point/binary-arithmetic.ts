/**
 * Arithmetic on 32- and 64-bit floating-point numbers as SSE and SSE2 do it: every rounding mode, all six exceptions, NaNs chosen by
 * operand order (SDM 1, table 4-7). Every operation is pure; results are those of the masked responses.
 */
import {
  indefinite,
  infinity,
  pack,
  quiet,
  unpack,
  zero,
  type BinaryFormat,
  type FloatControl,
  type FloatResult,
  type Unpacked,
} from './binary-format.ts';
import { EXCEPTION, ROUNDING } from './environment.ts';
import {
  addExact,
  compareExact,
  divideExact,
  multiplyExact,
  roundToInteger,
  squareRootExact,
} from './exact-arithmetic.ts';

const isNan = ({ kind }: Unpacked): boolean => kind === 'quiet-nan' || kind === 'signaling-nan';
const isFinite = (number: Unpacked): number is Extract<Unpacked, { significand: bigint }> => 'significand' in number;

/** An operand with denormals-are-zero applied. */
function operand(format: BinaryFormat, value: bigint, control: FloatControl): Unpacked {
  const number = unpack(format, value);
  return number.kind === 'denormal' && control.denormalsAreZero ? { kind: 'zero', sign: number.sign } : number;
}

function invalid(format: BinaryFormat): FloatResult {
  return { value: indefinite(format), flags: EXCEPTION.invalid };
}

/** The NaN that an operation on a NaN gives: the first operand's if it is one, else the second's, made quiet. */
function propagate(format: BinaryFormat, a: bigint, b: bigint, x: Unpacked, y: Unpacked): FloatResult | undefined {
  if (!isNan(x) && !isNan(y)) return undefined;
  const signaling = x.kind === 'signaling-nan' || y.kind === 'signaling-nan';
  return { value: quiet(format, isNan(x) ? a : b), flags: signaling ? EXCEPTION.invalid : 0 };
}

function denormalFlag(...operands: readonly Unpacked[]): number {
  return operands.some(({ kind }) => kind === 'denormal') ? EXCEPTION.denormal : 0;
}

function withFlags({ value, flags }: FloatResult, more: number): FloatResult {
  return { value, flags: flags | more };
}

export function add(format: BinaryFormat, a: bigint, b: bigint, control: FloatControl): FloatResult {
  const [x, y] = [operand(format, a, control), operand(format, b, control)];
  return propagate(format, a, b, x, y) ?? addNumbers(format, x, y, control);
}

export function subtract(format: BinaryFormat, a: bigint, b: bigint, control: FloatControl): FloatResult {
  const [x, y] = [operand(format, a, control), operand(format, b, control)];
  return propagate(format, a, b, x, y) ?? addNumbers(format, x, { ...y, sign: y.sign === 0 ? 1 : 0 }, control);
}

function addNumbers(format: BinaryFormat, x: Unpacked, y: Unpacked, control: FloatControl): FloatResult {
  const flags = denormalFlag(x, y);
  if (x.kind === 'infinity' && y.kind === 'infinity' && x.sign !== y.sign) return invalid(format);
  if (x.kind === 'infinity' || y.kind === 'infinity')
    return { value: infinity(format, x.kind === 'infinity' ? x.sign : y.sign), flags };
  if (isFinite(x) && isFinite(y)) {
    const sum = addExact(x, y);
    if (sum !== 'zero') return withFlags(pack(format, sum, control), flags);
  } else if (isFinite(x)) return withFlags(pack(format, x, control), flags);
  else if (isFinite(y)) return withFlags(pack(format, y, control), flags);
  else if (x.sign === y.sign) return { value: zero(format, x.sign), flags };
  return { value: zero(format, control.rounding === ROUNDING.down ? 1 : 0), flags };
}

export function multiply(format: BinaryFormat, a: bigint, b: bigint, control: FloatControl): FloatResult {
  const [x, y] = [operand(format, a, control), operand(format, b, control)];
  const nan = propagate(format, a, b, x, y);
  if (nan !== undefined) return nan;
  const sign = (x.sign ^ y.sign) as 0 | 1;
  const flags = denormalFlag(x, y);
  if (x.kind === 'infinity' || y.kind === 'infinity')
    return x.kind === 'zero' || y.kind === 'zero' ? invalid(format) : { value: infinity(format, sign), flags };
  if (!isFinite(x) || !isFinite(y)) return { value: zero(format, sign), flags };
  return withFlags(pack(format, multiplyExact(x, y), control), flags);
}

/** a / b. */
export function divide(format: BinaryFormat, a: bigint, b: bigint, control: FloatControl): FloatResult {
  const [x, y] = [operand(format, a, control), operand(format, b, control)];
  const nan = propagate(format, a, b, x, y);
  if (nan !== undefined) return nan;
  const sign = (x.sign ^ y.sign) as 0 | 1;
  const flags = denormalFlag(x, y);
  if (x.kind === 'infinity') return y.kind === 'infinity' ? invalid(format) : { value: infinity(format, sign), flags };
  if (y.kind === 'infinity') return { value: zero(format, sign), flags };
  if (y.kind === 'zero')
    return x.kind === 'zero' ? invalid(format) : { value: infinity(format, sign), flags: EXCEPTION.zeroDivide };
  if (!isFinite(x) || !isFinite(y)) return { value: zero(format, sign), flags };
  return withFlags(pack(format, divideExact(x, y), control), flags);
}

export function squareRoot(format: BinaryFormat, a: bigint, control: FloatControl): FloatResult {
  const x = operand(format, a, control);
  if (isNan(x)) return propagate(format, a, a, x, x) ?? invalid(format);
  if (x.kind === 'zero') return { value: zero(format, x.sign), flags: 0 };
  if (x.sign === 1) return invalid(format);
  if (!isFinite(x)) return { value: infinity(format, 0), flags: 0 };
  return withFlags(pack(format, squareRootExact(x), control), denormalFlag(x));
}

export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

/** Compares; a quiet NaN is invalid only where `signaling` (COMISD and the predicates LT, LE, NLT, NLE; not UCOMISD, EQ, UNORD). */
export function compare(
  format: BinaryFormat,
  a: bigint,
  b: bigint,
  control: FloatControl,
  signaling: boolean,
): { readonly relation: Relation; readonly flags: number } {
  const [x, y] = [operand(format, a, control), operand(format, b, control)];
  if (isNan(x) || isNan(y)) {
    const raises = signaling || x.kind === 'signaling-nan' || y.kind === 'signaling-nan';
    return { relation: 'unordered', flags: raises ? EXCEPTION.invalid : 0 };
  }
  const order = compareNumbers(x, y);
  return { relation: order < 0 ? 'less' : order > 0 ? 'greater' : 'equal', flags: denormalFlag(x, y) };
}

function compareNumbers(x: Unpacked, y: Unpacked): number {
  if (isFinite(x) && isFinite(y)) return compareExact(x, y);
  const rank = ({ kind, sign }: Unpacked): number =>
    kind === 'zero' ? 0 : (kind === 'infinity' ? 2 : 1) * (sign === 1 ? -1 : 1);
  return rank(x) - rank(y);
}

/**
 * A signed integer of `bits` bits (two's complement, unsigned in the result) in the rounding mode of `control`, for CVTTSD2SI and the
 * like with `truncate`. NaNs, infinities and what does not fit give the integer indefinite and the invalid exception alone.
 */
export function toInteger(
  format: BinaryFormat,
  a: bigint,
  bits: 32 | 64,
  control: FloatControl,
  truncate = false,
): FloatResult {
  const x = operand(format, a, control);
  const limit = 1n << BigInt(bits - 1);
  const refused = { value: limit, flags: EXCEPTION.invalid };
  if (x.kind === 'zero') return { value: 0n, flags: 0 };
  if (!isFinite(x) || x.exponent > bits) return refused;
  const { value, inexact } = roundToInteger(x, truncate ? ROUNDING.truncate : control.rounding);
  if (value >= limit || value < -limit) return refused;
  return { value: BigInt.asUintN(bits, value), flags: inexact ? EXCEPTION.precision : 0 };
}

/** A signed integer as a floating-point number. */
export function fromInteger(format: BinaryFormat, integer: bigint, control: FloatControl): FloatResult {
  if (integer === 0n) return { value: zero(format, 0), flags: 0 };
  const sign = integer < 0n ? 1 : 0;
  return withFlags(pack(format, { sign, exponent: 0, significand: sign === 1 ? -integer : integer }, control), 0);
}

/** Between the two formats. A NaN keeps the leading bits of its payload. */
export function convert(from: BinaryFormat, to: BinaryFormat, a: bigint, control: FloatControl): FloatResult {
  const x = operand(from, a, control);
  if (isNan(x)) {
    const difference = BigInt(to.precision - from.precision);
    const fraction = BigInt.asUintN(from.precision - 1, a);
    const payload = difference < 0n ? fraction >> -difference : fraction << difference;
    const flags = x.kind === 'signaling-nan' ? EXCEPTION.invalid : 0;
    return { value: quiet(to, infinity(to, x.sign) | payload), flags };
  }
  if (isFinite(x)) return withFlags(pack(to, x, control), denormalFlag(x));
  return { value: x.kind === 'infinity' ? infinity(to, x.sign) : zero(to, x.sign), flags: 0 };
}
