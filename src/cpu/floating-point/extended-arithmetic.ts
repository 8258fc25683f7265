/**
 * x87 arithmetic (SDM 1, chapter 8): every rounding mode and precision, NaNs chosen by their significands, results as they are for the
 * unmasked exceptions of the control. Where an unmasked invalid, denormal or divide-by-zero exception is among the flags, the caller
 * keeps the result from the destination.
 */
import { EXCEPTION, ROUNDING, type Rounding } from './environment.ts';
import {
  addExact,
  compareExact,
  divideExact,
  multiplyExact,
  roundToInteger as roundExact,
  squareRootExact,
} from './exact-arithmetic.ts';
import {
  exactly,
  infinity,
  INVALID,
  pack,
  quiet,
  zero,
  type Extended,
  type ExtendedControl,
  type ExtendedOperand,
  type ExtendedResult,
} from './extended.ts';
import { bitLength, type Exact } from './rounding.ts';

type Classified = ExtendedOperand['number'];

export const isNan = ({ kind }: Classified): boolean => kind === 'quiet-nan' || kind === 'signaling-nan';
export const isFinite = (number: Classified): number is Exact & { readonly kind: 'normal' | 'denormal' } =>
  'significand' in number;

const signOfProduct = (a: Classified, b: Classified): 0 | 1 => (a.sign ^ b.sign) as 0 | 1;

/** The result where an operand is a NaN or unsupported (SDM 1, table 4-7); undefined where none is. */
export function specialOperand(a: ExtendedOperand, b: ExtendedOperand): ExtendedResult | undefined {
  if (a.number.kind === 'unsupported' || b.number.kind === 'unsupported') return INVALID;
  const [aIsNan, bIsNan] = [isNan(a.number), isNan(b.number)];
  if (!aIsNan && !bIsNan) return undefined;
  const [aSignals, bSignals] = [a.number.kind === 'signaling-nan', b.number.kind === 'signaling-nan'];
  const flags = aSignals || bSignals ? EXCEPTION.invalid : 0;
  let chosen: Extended;
  if (aIsNan && bIsNan && aSignals === bSignals) chosen = largerNan(a.bits, b.bits);
  else if (aIsNan && bIsNan) chosen = aSignals ? b.bits : a.bits;
  else chosen = aIsNan ? a.bits : b.bits;
  return { value: quiet(chosen), flags, up: false };
}

/** The NaN with the larger significand; of equal ones the positive one. */
function largerNan(a: Extended, b: Extended): Extended {
  if (a.significand !== b.significand) return a.significand > b.significand ? a : b;
  return a.signExponent <= b.signExponent ? a : b;
}

export function denormalFlag(...operands: readonly ExtendedOperand[]): number {
  return operands.some(({ number }) => number.kind === 'denormal') ? EXCEPTION.denormal : 0;
}

export function withFlags(result: ExtendedResult, flags: number): ExtendedResult {
  return flags === 0 ? result : { ...result, flags: result.flags | flags };
}

const negated = <T extends Classified>(number: T): T => ({ ...number, sign: number.sign === 0 ? 1 : 0 });

export function add(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  return specialOperand(a, b) ?? withFlags(addNumbers(a.number, b.number, control), denormalFlag(a, b));
}

export function subtract(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  return specialOperand(a, b) ?? withFlags(addNumbers(a.number, negated(b.number), control), denormalFlag(a, b));
}

function addNumbers(a: Classified, b: Classified, control: ExtendedControl): ExtendedResult {
  if (a.kind === 'infinity') return b.kind === 'infinity' && a.sign !== b.sign ? INVALID : exactly(infinity(a.sign));
  if (b.kind === 'infinity') return exactly(infinity(b.sign));
  if (isFinite(a)) {
    const sum = isFinite(b) ? addExact(a, b) : a;
    if (sum !== 'zero') return pack(sum, control);
  } else if (isFinite(b)) {
    return pack(b, control);
  } else if (a.sign === b.sign) {
    return exactly(zero(a.sign));
  }
  return exactly(zero(control.rounding === ROUNDING.down ? 1 : 0));
}

export function multiply(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(a, b);
  if (special !== undefined) return special;
  const [x, y] = [a.number, b.number];
  const sign = signOfProduct(x, y);
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    if (x.kind === 'zero' || y.kind === 'zero') return INVALID;
    return withFlags(exactly(infinity(sign)), denormalFlag(a, b));
  }
  const product = isFinite(x) && isFinite(y) ? pack(multiplyExact(x, y), control) : exactly(zero(sign));
  return withFlags(product, denormalFlag(a, b));
}

/** a / b. */
export function divide(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(a, b);
  if (special !== undefined) return special;
  const [x, y] = [a.number, b.number];
  const sign = signOfProduct(x, y);
  if (x.kind === 'infinity') {
    if (y.kind === 'infinity') return INVALID;
    return withFlags(exactly(infinity(sign)), denormalFlag(b));
  }
  if (y.kind === 'zero') {
    if (x.kind === 'zero') return INVALID;
    return { value: infinity(sign), flags: EXCEPTION.zeroDivide, up: false };
  }
  const quotient = isFinite(x) && isFinite(y) ? pack(divideExact(x, y), control) : exactly(zero(sign));
  return withFlags(quotient, denormalFlag(a, b));
}

export function squareRoot(a: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(a, a);
  if (special !== undefined) return special;
  const x = a.number;
  if (x.kind === 'zero') return exactly(zero(x.sign));
  if (x.sign === 1) return INVALID;
  if (!isFinite(x)) return exactly(infinity(0));
  return withFlags(pack(squareRootExact(x), control), denormalFlag(a));
}

export type Relation = 'less' | 'equal' | 'greater' | 'unordered';

/** Compares; a quiet NaN is invalid only where `signaling` (FCOM, not FUCOM). */
export function compare(
  a: ExtendedOperand,
  b: ExtendedOperand,
  signaling: boolean,
): { readonly relation: Relation; readonly flags: number } {
  const [x, y] = [a.number, b.number];
  const unsupported = x.kind === 'unsupported' || y.kind === 'unsupported';
  if (unsupported || isNan(x) || isNan(y)) {
    const raises = signaling || unsupported || x.kind === 'signaling-nan' || y.kind === 'signaling-nan';
    return { relation: 'unordered', flags: raises ? EXCEPTION.invalid : 0 };
  }
  const order = isFinite(x) && isFinite(y) ? compareExact(x, y) : rank(x) - rank(y);
  return { relation: order < 0 ? 'less' : order > 0 ? 'greater' : 'equal', flags: denormalFlag(a, b) };
}

const rank = ({ kind, sign }: Classified): number =>
  kind === 'zero' ? 0 : (kind === 'infinity' ? 2 : 1) * (sign === 1 ? -1 : 1);

/** FRNDINT. */
export function roundToIntegral(a: ExtendedOperand, rounding: Rounding): ExtendedResult {
  const special = specialOperand(a, a);
  if (special !== undefined) return special;
  const x = a.number;
  if (!isFinite(x) || x.exponent >= 0) return exactly(a.bits);
  const { value, inexact, up } = roundExact(x, rounding);
  const flags = (inexact ? EXCEPTION.precision : 0) | denormalFlag(a);
  if (value === 0n) return { value: zero(x.sign), flags, up };
  const magnitude = x.sign === 1 ? -value : value;
  const packed = pack({ sign: x.sign, exponent: 0, significand: magnitude }, { rounding, precision: 64, unmasked: 0 });
  return { value: packed.value, flags, up };
}

/** Beyond this every scaled number overflows or underflows, and the adjusted exponent of the unmasked response too. */
const LARGEST_SCALE = 0x10000n;

/** FSCALE: a * 2^(b truncated). */
export function scale(a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl): ExtendedResult {
  const special = specialOperand(a, b);
  if (special !== undefined) return special;
  const [x, y] = [a.number, b.number];
  const flags = denormalFlag(a, b);
  if (y.kind === 'infinity') {
    if (y.sign === 0) return x.kind === 'zero' ? INVALID : withFlags(exactly(infinity(x.sign)), flags);
    return x.kind === 'infinity' ? INVALID : withFlags(exactly(zero(x.sign)), flags);
  }
  if (!isFinite(x)) return withFlags(exactly(a.bits), flags);
  const steps = isFinite(y) ? scaleSteps(y) : 0;
  return withFlags(pack({ ...x, exponent: x.exponent + steps }, { ...control, precision: 64 }), flags);
}

function scaleSteps(y: Exact): number {
  if (y.exponent > 0) return y.sign === 1 ? -Number(LARGEST_SCALE) : Number(LARGEST_SCALE);
  const { value } = roundExact(y, ROUNDING.truncate);
  if (value > LARGEST_SCALE) return Number(LARGEST_SCALE);
  return value < -LARGEST_SCALE ? -Number(LARGEST_SCALE) : Number(value);
}

/** FXTRACT: the exponent as a number, and the significand with exponent 0. */
export function extract(a: ExtendedOperand): {
  readonly exponent: Extended;
  readonly significand: Extended;
  readonly flags: number;
} {
  const special = specialOperand(a, a);
  if (special !== undefined) return { exponent: special.value, significand: special.value, flags: special.flags };
  const x = a.number;
  if (x.kind === 'zero') return { exponent: infinity(1), significand: a.bits, flags: EXCEPTION.zeroDivide };
  if (!isFinite(x)) return { exponent: infinity(0), significand: a.bits, flags: 0 };
  const shift = 64 - bitLength(x.significand);
  const leading = x.exponent + 63 - shift;
  const exact: ExtendedControl = { rounding: ROUNDING.nearest, precision: 64, unmasked: 0 };
  const exponent =
    leading === 0
      ? zero(0)
      : pack({ sign: leading < 0 ? 1 : 0, exponent: 0, significand: BigInt(Math.abs(leading)) }, exact).value;
  const significand = { signExponent: (x.sign << 15) | 16383, significand: x.significand << BigInt(shift) };
  return { exponent, significand, flags: denormalFlag(a) };
}
