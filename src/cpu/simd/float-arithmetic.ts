import {
  add,
  compare,
  divide,
  multiply,
  squareRoot,
  subtract,
  type Relation,
} from '../floating-point/binary-arithmetic.ts';
import {
  unpack,
  zero,
  type BinaryFormat,
  type FloatControl,
  type FloatResult,
} from '../floating-point/binary-format.ts';
import { EXCEPTION } from '../floating-point/environment.ts';
import type { LaneFunction } from './float-lanes.ts';

/** MINPS, MAXPS: the second operand wherever the first does not win, so also of two zeros and with a NaN (SDM 2, MINPS). */
const choose =
  (wins: Relation): LaneFunction =>
  (format, a, b, control) => {
    const { relation, flags } = compare(format, a, b, control, true);
    return { value: withoutDenormal(format, relation === wins ? a : b, control), flags };
  };

/** The number, or with DAZ a zero in the place of a denormal. */
function withoutDenormal(format: BinaryFormat, value: bigint, control: FloatControl): bigint {
  const { kind, sign } = unpack(format, value);
  return kind === 'denormal' && control.denormalsAreZero ? zero(format, sign) : value;
}

/** Predicates of CMPPS: what makes them true, and whether a quiet NaN is an invalid operand (SDM 2, CMPPD, table 3-1). */
const PREDICATES: readonly (readonly [holds: (relation: Relation) => boolean, signaling: boolean])[] = [
  [(relation) => relation === 'equal', false],
  [(relation) => relation === 'less', true],
  [(relation) => relation === 'less' || relation === 'equal', true],
  [(relation) => relation === 'unordered', false],
  [(relation) => relation !== 'equal', false],
  [(relation) => relation !== 'less', true],
  [(relation) => relation !== 'less' && relation !== 'equal', true],
  [(relation) => relation !== 'unordered', false],
];

/** CMPPS: ones where the predicate holds. The upper bits of the immediate do not count. */
const compareBy: LaneFunction = (format, a, b, control, immediate): FloatResult => {
  const [holds, signaling] = PREDICATES[immediate & 7] ?? [() => false, false];
  const { relation, flags } = compare(format, a, b, control, signaling);
  return { value: holds(relation) ? BigInt.asUintN(format.width, -1n) : 0n, flags };
};

/** Operations with packed and scalar instructions of both formats, by the mnemonic without its ending. */
export const FLOAT_ARITHMETIC = {
  Add: add,
  Sub: subtract,
  Mul: multiply,
  Div: divide,
  Min: choose('less'),
  Max: choose('greater'),
  Sqrt: (format, _a, b, control) => squareRoot(format, b, control),
} as const satisfies Readonly<Record<string, LaneFunction>>;

/** The operations of {@link FLOAT_ARITHMETIC} that take an immediate byte. */
export const FLOAT_COMPARISON = { Cmp: compareBy } as const satisfies Readonly<Record<string, LaneFunction>>;

/** EFLAGS after COMISS and UCOMISS: ZF, PF and CF tell, OF, SF and AF are 0. */
export const COMPARISON_FLAGS: Readonly<Record<Relation, number>> = {
  unordered: 0x45,
  greater: 0,
  less: 1,
  equal: 0x40,
};

/** What an unmasked exception of these prevents the result from being computed at all (SDM 1, 11.5.1). */
export const PRE_COMPUTATION = EXCEPTION.invalid | EXCEPTION.denormal | EXCEPTION.zeroDivide;
