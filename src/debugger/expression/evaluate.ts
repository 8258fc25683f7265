import { StartOfDayError } from '../../util/errors.ts';
import { hex } from '../../util/hex.ts';
import { didYouMean } from '../../util/nearest-name.ts';
import { parseExpression } from './parse.ts';
import type { BinaryOperator, Expression } from './parse.ts';
import { INT, UNSIGNED, commonType, convert, promote, typeName, widthOf } from './types.ts';
import type { IntegerType, TypedValue, ValueType } from './types.ts';

/** What an expression can name. */
export interface ExpressionScope {
  /** A register, or a field of one (`eflags.zf`, `cs.base`), by lower-case name; the value is unsigned. */
  register(name: string): { readonly value: bigint; readonly bits: number } | undefined;
  /** Address of a symbol. */
  symbol(name: string): bigint | undefined;
  /** Bytes at a linear address; fewer than asked where memory ends. */
  read(address: bigint, bytes: number): Uint8Array;
  /** What a misspelt name may have been meant to be. */
  registerNames(): Iterable<string>;
  symbolNames(): Iterable<string>;
}

/** The value of a C expression at the current instruction. Reads only. Throws StartOfDayError that names what is wrong. */
export function evaluate(source: string, scope: ExpressionScope): TypedValue {
  return evaluateParsed(parseExpression(source), scope);
}

/** {@link evaluate} of an expression that was parsed before. */
export function evaluateParsed(expression: Expression, scope: ExpressionScope): TypedValue {
  const value = (operand: Expression): TypedValue => evaluateParsed(operand, scope);
  switch (expression.kind) {
    case 'number':
      return { value: expression.value, type: expression.type };
    case 'name':
      return named(expression.name, expression.sigil, scope);
    case 'cast':
      return typed(value(expression.operand).value, expression.type);
    case 'memory':
      return load(convert(value(expression.address).value, UNSIGNED), expression.type, scope);
    case 'index': {
      const pointer = value(expression.pointer);
      const target = pointedTo(pointer.type);
      return load(pointer.value + value(expression.index).value * BigInt(target.bits / 8), target, scope);
    }
    case 'conditional':
      return value(value(expression.condition).value !== 0n ? expression.then : expression.otherwise);
    case 'unary':
      return unary(expression, scope);
    case 'binary':
      // C evaluates the right side of && and || only when it matters: `p && *(u32*)p` must not read through 0.
      if (expression.operator === '&&' || expression.operator === '||') {
        const left = value(expression.left).value !== 0n;
        if (left === (expression.operator === '||')) return typed(left ? 1n : 0n, INT);
        return typed(value(expression.right).value !== 0n ? 1n : 0n, INT);
      }
      return binary(expression.operator, value(expression.left), value(expression.right));
  }
}

function named(name: string, sigil: boolean, scope: ExpressionScope): TypedValue {
  const register = scope.register(name.toLowerCase());
  if (register !== undefined) return { value: register.value, type: registerType(register.bits) };
  const address = sigil ? undefined : scope.symbol(name);
  if (address !== undefined) return { value: address, type: { kind: 'pointer', to: undefined } };
  const names = sigil ? scope.registerNames() : [...scope.registerNames(), ...scope.symbolNames()];
  throw new StartOfDayError({
    code: 'expression-name',
    blame: 'user',
    title: sigil ? `There is no register "${name}"` : `There is no symbol or register "${name}"`,
    mend: didYouMean(name, names),
  });
}

/** One bit or a selector is as unsigned as a whole register. */
function registerType(bits: number): IntegerType {
  return { kind: 'integer', bits: bits > 32 ? 64 : bits > 16 ? 32 : bits > 8 ? 16 : 8, signed: false };
}

function unary(expression: Expression & { kind: 'unary' }, scope: ExpressionScope): TypedValue {
  if (expression.operator === '&') return addressOf(expression.operand, scope);
  const operand = evaluateParsed(expression.operand, scope);
  switch (expression.operator) {
    case '*':
      return load(operand.value, pointedTo(operand.type), scope);
    case '!':
      return typed(operand.value === 0n ? 1n : 0n, INT);
    case '-':
      return typed(-operand.value, promote(integer(operand.type)));
    case '~':
      return typed(~operand.value, promote(integer(operand.type)));
    case '+':
      return typed(operand.value, promote(integer(operand.type)));
  }
}

function addressOf(operand: Expression, scope: ExpressionScope): TypedValue {
  if (operand.kind === 'name' && !operand.sigil) {
    const address = scope.symbol(operand.name);
    if (address !== undefined) return { value: address, type: { kind: 'pointer', to: undefined } };
  }
  const { address, type } = evaluateParsed(operand, scope);
  if (address === undefined || type.kind === 'pointer')
    throw new StartOfDayError({
      code: 'expression-address',
      blame: 'user',
      title: '"&" needs something in memory',
      detail: 'Registers and numbers have no address',
    });
  return { value: address, type: { kind: 'pointer', to: type } };
}

function pointedTo(type: ValueType): IntegerType {
  if (type.kind === 'pointer' && type.to !== undefined) return type.to;
  throw new StartOfDayError({
    code: 'expression-dereference',
    blame: 'user',
    title: `"${typeName(type)}" does not say how wide the memory behind it is`,
    mend: 'Give the width: *(u32*)address, or u32[address].',
  });
}

function load(at: bigint, type: IntegerType, scope: ExpressionScope): TypedValue {
  const address = convert(at, UNSIGNED);
  const size = type.bits / 8;
  const bytes = scope.read(address, size);
  if (bytes.length < size)
    throw new StartOfDayError({
      code: 'expression-memory',
      blame: 'user',
      title: `There is no memory at ${hex(address + BigInt(bytes.length), 8)}`,
    });
  const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { value: convert(value, type), type, address };
}

function binary(operator: BinaryOperator, left: TypedValue, right: TypedValue): TypedValue {
  if (operator === '+' || operator === '-') {
    const moved = pointerArithmetic(operator, left, right);
    if (moved !== undefined) return moved;
  }
  const type =
    operator === '<<' || operator === '>>'
      ? promote(integer(left.type))
      : commonType(integer(left.type), integer(right.type));
  const [a, b] = [convert(left.value, type), convert(right.value, type)];
  const truth = (holds: boolean): TypedValue => typed(holds ? 1n : 0n, INT);
  switch (operator) {
    case '*':
      return typed(a * b, type);
    case '/':
      return typed(a / divisor(b), type);
    case '%':
      return typed(a % divisor(b), type);
    case '+':
      return typed(a + b, type);
    case '-':
      return typed(a - b, type);
    case '<<':
      return typed(a << shiftCount(right.value, type), type);
    case '>>':
      return typed(a >> shiftCount(right.value, type), type);
    case '<':
      return truth(a < b);
    case '<=':
      return truth(a <= b);
    case '>':
      return truth(a > b);
    case '>=':
      return truth(a >= b);
    case '==':
      return truth(a === b);
    case '!=':
      return truth(a !== b);
    case '&':
      return typed(a & b, type);
    case '^':
      return typed(a ^ b, type);
    case '|':
      return typed(a | b, type);
    case '&&':
      return truth(a !== 0n && b !== 0n);
    case '||':
      return truth(a !== 0n || b !== 0n);
  }
}

/** A pointer moves by whole elements; an untyped address by bytes, as GCC does for `void *`. */
function pointerArithmetic(operator: '+' | '-', left: TypedValue, right: TypedValue): TypedValue | undefined {
  const [leftPointer, rightPointer] = [left.type.kind === 'pointer', right.type.kind === 'pointer'];
  if (leftPointer && rightPointer) return undefined;
  const [pointer, offset] = leftPointer ? [left, right] : [right, left];
  if (pointer.type.kind !== 'pointer' || (operator === '-' && rightPointer)) return undefined;
  const distance = offset.value * BigInt((pointer.type.to?.bits ?? 8) / 8);
  return typed(operator === '+' ? pointer.value + distance : pointer.value - distance, pointer.type);
}

function divisor(value: bigint): bigint {
  if (value === 0n)
    throw new StartOfDayError({ code: 'expression-division', blame: 'user', title: 'Division by zero' });
  return value;
}

/** C leaves counts outside the width undefined; the CPU masks them, and so do we. */
function shiftCount(value: bigint, type: IntegerType): bigint {
  return value & BigInt(widthOf(type) - 1);
}

function integer(type: ValueType): IntegerType {
  return type.kind === 'pointer' ? UNSIGNED : type;
}

function typed(value: bigint, type: ValueType): TypedValue {
  return { value: convert(value, type), type };
}
