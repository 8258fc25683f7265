/**
 * The typed IR of instruction descriptions: immutable, pure value nodes. Effects live in the builder (`instruction.ts`).
 * Smart constructors fold constants, so binding an operand to a constant specialises the whole description.
 */
import { internalError } from '../util/errors.ts';

export type Width = 1 | 8 | 16 | 32 | 64;

declare const operandSize: unique symbol;
/** The instruction's operand size: one of 8 to 64, but no particular one to the type checker. */
export type OperandSize = (8 | 16 | 32 | 64) & { readonly [operandSize]: true };

export type BinaryOperator =
  'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'shl' | 'shr' | 'sar' | 'rotl' | 'divu' | 'remu' | 'divs' | 'rems';
export type Comparison = 'eq' | 'ne' | 'ltu' | 'leu' | 'lts' | 'les';
export type UnaryOperator = 'popcnt' | 'ctz' | 'clz';
export type FlagName = 'c' | 'p' | 'a' | 'z' | 's' | 'o' | 'd';

/** A register: the one in a micro-op's slot, or a fixed one in encoding order. `high` selects AH, CH, DH or BH. */
export type RegisterRef =
  | { readonly slot: 0 | 1; readonly index?: undefined }
  | { readonly slot?: undefined; readonly index: number; readonly high: boolean };

/** A segment: its index (ES CS SS DS FS GS), or the micro-op's segment field. */
export type SegmentRef = number | 'field';

/** Operand fields of a micro-op. */
export type Field = 'immediate' | 'displacement' | 'scale' | 'target' | 'next' | 'self';

/** A memory access; a read whose operand is later written becomes a read-modify-write. */
export interface MemoryAccess {
  readModifyWrite: boolean;
}

/** Parts of the CPU state that instructions read as plain words. */
export type StateName =
  'privilege' | 'cr0' | 'cr4' | 'code-limit' | 'gdtr-base' | 'gdtr-limit' | 'idtr-base' | 'idtr-limit';

export type Node =
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'field'; readonly field: Field }
  | { readonly kind: 'register'; readonly register: RegisterRef }
  | { readonly kind: 'address-register'; readonly role: 'base' | 'index' }
  | { readonly kind: 'load'; readonly segment: SegmentRef; readonly offset: Value; readonly access: MemoryAccess }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly a: Value; readonly b: Value }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly a: Value; readonly b: Value }
  | { readonly kind: 'unary'; readonly operator: UnaryOperator; readonly a: Value }
  | { readonly kind: 'zero-extend' | 'sign-extend' | 'truncate'; readonly a: Value }
  | { readonly kind: 'select'; readonly condition: Value<1>; readonly a: Value; readonly b: Value }
  | { readonly kind: 'condition'; readonly code: number }
  | { readonly kind: 'flag'; readonly flag: FlagName }
  | { readonly kind: 'eflags' }
  | { readonly kind: 'flag-slot'; readonly slot: 'a' | 'b' | 'result' }
  | { readonly kind: 'selector'; readonly index: Value<8> }
  | { readonly kind: 'state'; readonly name: StateName }
  /** How many passes of a repeated instruction were made at once. */
  | { readonly kind: 'passes' };

export const truncateTo = (width: Width, value: bigint): bigint => BigInt.asUintN(width, value);
export const signedAt = (width: Width, value: bigint): bigint => BigInt.asIntN(width, value);

/** Mathematics of the operators on unsigned representations; shift counts are below the width. */
export function evaluateBinary(operator: BinaryOperator, width: Width, a: bigint, b: bigint): bigint {
  switch (operator) {
    case 'add':
      return truncateTo(width, a + b);
    case 'sub':
      return truncateTo(width, a - b);
    case 'mul':
      return truncateTo(width, a * b);
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'shl':
      return truncateTo(width, a << b);
    case 'shr':
      return a >> b;
    case 'sar':
      return truncateTo(width, signedAt(width, a) >> b);
    case 'rotl': {
      const count = b & BigInt(width - 1);
      return truncateTo(width, (a << count) | (a >> (BigInt(width) - count)));
    }
    case 'divu':
      return a / b;
    case 'remu':
      return a % b;
    case 'divs':
      return truncateTo(width, signedAt(width, a) / signedAt(width, b));
    case 'rems':
      return truncateTo(width, signedAt(width, a) % signedAt(width, b));
  }
}

export function evaluateComparison(operator: Comparison, width: Width, a: bigint, b: bigint): boolean {
  switch (operator) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'ltu':
      return a < b;
    case 'leu':
      return a <= b;
    case 'lts':
      return signedAt(width, a) < signedAt(width, b);
    case 'les':
      return signedAt(width, a) <= signedAt(width, b);
  }
}

/** Counts are of the value's own width; the count of an all-zero value is the width. */
export function evaluateUnary(operator: UnaryOperator, width: Width, a: bigint): bigint {
  const bits = a.toString(2).padStart(width, '0');
  switch (operator) {
    case 'popcnt':
      return BigInt(bits.replaceAll('0', '').length);
    case 'clz':
      return BigInt(a === 0n ? width : bits.indexOf('1'));
    case 'ctz':
      return BigInt(a === 0n ? width : width - 1 - bits.lastIndexOf('1'));
  }
}

const DIVISIONS: ReadonlySet<BinaryOperator> = new Set(['divu', 'remu', 'divs', 'rems']);

/** A value of `width` bits, as the unsigned number below 2^width. */
export class Value<W extends Width = Width> {
  readonly width: W;
  readonly node: Node;

  constructor(width: W, node: Node) {
    this.width = width;
    this.node = node;
  }

  /** The value when it is known, else undefined. */
  get constant(): bigint | undefined {
    return this.node.kind === 'constant' ? this.node.value : undefined;
  }

  /** A constant of the same width. */
  like(value: bigint | number): Value<W> {
    return constant(this.width, value);
  }

  add(other: Value<W> | number): Value<W> {
    return this.binary('add', other);
  }
  sub(other: Value<W> | number): Value<W> {
    return this.binary('sub', other);
  }
  mul(other: Value<W> | number): Value<W> {
    return this.binary('mul', other);
  }
  and(other: Value<W> | number): Value<W> {
    return this.binary('and', other);
  }
  or(other: Value<W> | number): Value<W> {
    return this.binary('or', other);
  }
  xor(other: Value<W> | number): Value<W> {
    return this.binary('xor', other);
  }
  /** Shifts take a count of the same width, below the width. */
  shl(other: Value<W> | number): Value<W> {
    return this.binary('shl', other);
  }
  shr(other: Value<W> | number): Value<W> {
    return this.binary('shr', other);
  }
  sar(other: Value<W> | number): Value<W> {
    return this.binary('sar', other);
  }
  rotl(other: Value<W> | number): Value<W> {
    return this.binary('rotl', other);
  }
  /** Divisions need a guard against a zero divisor, and the signed ones against the one overflowing quotient. */
  divu(other: Value<W> | number): Value<W> {
    return this.binary('divu', other);
  }
  remu(other: Value<W> | number): Value<W> {
    return this.binary('remu', other);
  }
  divs(other: Value<W> | number): Value<W> {
    return this.binary('divs', other);
  }
  rems(other: Value<W> | number): Value<W> {
    return this.binary('rems', other);
  }
  not(): Value<W> {
    return this.binary('xor', this.like(-1n));
  }
  negate(): Value<W> {
    return this.like(0).sub(this);
  }

  eq(other: Value<W> | number): Value<1> {
    return this.compare('eq', other);
  }
  ne(other: Value<W> | number): Value<1> {
    return this.compare('ne', other);
  }
  ltu(other: Value<W> | number): Value<1> {
    return this.compare('ltu', other);
  }
  leu(other: Value<W> | number): Value<1> {
    return this.compare('leu', other);
  }
  lts(other: Value<W> | number): Value<1> {
    return this.compare('lts', other);
  }
  les(other: Value<W> | number): Value<1> {
    return this.compare('les', other);
  }
  /** Logical negation of a bit. */
  logicalNot(this: Value<1>): Value<1> {
    return this.xor(1);
  }
  /** The sign bit. */
  msb(): Value<1> {
    return this.width === 1 ? (this as unknown as Value<1>) : this.lts(0);
  }
  bit(number: number): Value<1> {
    return this.shr(number).truncate(1);
  }
  /** 1 when the low byte has an even number of ones. */
  parity(): Value<1> {
    return this.truncate(8).zeroExtend(32).unary('popcnt').truncate(1).logicalNot();
  }
  /** Trailing zeros; the width for zero. */
  trailingZeros(): Value<W> {
    return this.unary('ctz');
  }
  /** Leading zeros; the width for zero. */
  leadingZeros(): Value<W> {
    return this.unary('clz');
  }

  zeroExtend<X extends Width>(width: X): Value<X> {
    return this.extend('zero-extend', width);
  }
  signExtend<X extends Width>(width: X): Value<X> {
    return this.extend('sign-extend', width);
  }
  truncate<X extends Width>(width: X): Value<X> {
    return this.extend('truncate', width);
  }
  /** Truncates or zero-extends. */
  resize<X extends Width>(width: X): Value<X> {
    return this.extend(width < this.width ? 'truncate' : 'zero-extend', width);
  }

  private operand(other: Value<W> | number): Value<W> {
    const value = typeof other === 'number' ? this.like(other) : other;
    if (value.width !== this.width) throw internalError(`operands of ${this.width} and ${value.width} bits`);
    return value;
  }

  private binary(operator: BinaryOperator, other: Value<W> | number): Value<W> {
    const b = this.operand(other);
    const x = this.constant;
    const y = b.constant;
    const divides = DIVISIONS.has(operator);
    if (x !== undefined && y !== undefined && !(divides && y === 0n)) {
      return constant(this.width, evaluateBinary(operator, this.width, x, y));
    }
    if (y === 0n && !divides) return operator === 'and' || operator === 'mul' ? b : this;
    if (x === 0n) {
      if (operator === 'add' || operator === 'or' || operator === 'xor') return b;
      if (operator === 'and' || operator === 'mul' || operator === 'shl' || operator === 'shr') return this;
    }
    if (operator === 'and' && y === truncateTo(this.width, -1n)) return this;
    return new Value(this.width, { kind: 'binary', operator, a: this, b });
  }

  private compare(operator: Comparison, other: Value<W> | number): Value<1> {
    const b = this.operand(other);
    const x = this.constant;
    const y = b.constant;
    if (x !== undefined && y !== undefined) return constant(1, evaluateComparison(operator, this.width, x, y) ? 1 : 0);
    // Nothing is below 0 or above the largest.
    if (operator === 'ltu' && (y === 0n || x === truncateTo(this.width, -1n))) return constant(1, 0);
    if (this.width === 1 && y !== undefined && (operator === 'eq' || operator === 'ne')) {
      const bit = this as unknown as Value<1>;
      return (operator === 'ne') === (y === 0n) ? bit : bit.logicalNot();
    }
    return new Value(1, { kind: 'compare', operator, a: this, b });
  }

  private unary(operator: UnaryOperator): Value<W> {
    const x = this.constant;
    if (x !== undefined) return constant(this.width, evaluateUnary(operator, this.width, x));
    return new Value(this.width, { kind: 'unary', operator, a: this });
  }

  private extend<X extends Width>(kind: 'zero-extend' | 'sign-extend' | 'truncate', width: X): Value<X> {
    const target: Width = width;
    if (target === this.width) return this as unknown as Value<X>;
    const x = this.constant;
    if (x !== undefined) return constant(width, kind === 'sign-extend' ? signedAt(this.width, x) : x);
    return new Value(width, { kind, a: this });
  }
}

/** A known value, truncated to the width. */
export function constant<W extends Width>(width: W, value: bigint | number): Value<W> {
  return new Value(width, { kind: 'constant', value: truncateTo(width, BigInt(value)) });
}

/** `condition ? a : b`; both sides are evaluated. */
export function select<W extends Width>(condition: Value<1>, a: Value<W>, b: Value<W>): Value<W> {
  const known = condition.constant;
  if (known !== undefined) return known !== 0n ? a : b;
  return new Value(a.width, { kind: 'select', condition, a, b });
}

/** The values a node is computed from. */
export function children(value: Value): readonly Value[] {
  const node = value.node;
  switch (node.kind) {
    case 'binary':
    case 'compare':
      return [node.a, node.b];
    case 'unary':
    case 'zero-extend':
    case 'sign-extend':
    case 'truncate':
      return [node.a];
    case 'select':
      return [node.a, node.b, node.condition];
    case 'load':
      return [node.offset];
    case 'selector':
      return [node.index];
    default:
      return [];
  }
}
