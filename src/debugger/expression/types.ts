/** An integer of C. */
export interface IntegerType {
  readonly kind: 'integer';
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
}

/** A 32-bit pointer; `to` is undefined for an address of which only the number is known (a symbol, `void *`). */
export interface PointerType {
  readonly kind: 'pointer';
  readonly to: IntegerType | undefined;
}

export type ValueType = IntegerType | PointerType;

/** A number with its C type; `value` always lies in the range of the type. */
export interface TypedValue {
  readonly value: bigint;
  readonly type: ValueType;
  /** Linear address when the value was read from memory. */
  readonly address?: bigint;
}

export const INT: IntegerType = { kind: 'integer', bits: 32, signed: true };
export const UNSIGNED: IntegerType = { kind: 'integer', bits: 32, signed: false };

const WIDTHS = [8, 16, 32, 64] as const;

/** Type names of one word: those of Linux, of C99, of assemblers and of C (ILP32, as GCC for i386). */
const NAMED = new Map<string, IntegerType>([
  ...WIDTHS.flatMap((bits): [string, IntegerType][] => [
    [`u${bits}`, { kind: 'integer', bits, signed: false }],
    [`s${bits}`, { kind: 'integer', bits, signed: true }],
    [`i${bits}`, { kind: 'integer', bits, signed: true }],
    [`uint${bits}_t`, { kind: 'integer', bits, signed: false }],
    [`int${bits}_t`, { kind: 'integer', bits, signed: true }],
  ]),
  ['byte', { kind: 'integer', bits: 8, signed: false }],
  ['word', { kind: 'integer', bits: 16, signed: false }],
  ['dword', UNSIGNED],
  ['qword', { kind: 'integer', bits: 64, signed: false }],
  ['size_t', UNSIGNED],
  ['uintptr_t', UNSIGNED],
  ['intptr_t', INT],
]);

const C_WORDS = new Set(['char', 'short', 'int', 'long', 'signed', 'unsigned', 'void']);

export function isTypeName(word: string): boolean {
  return NAMED.has(word) || C_WORDS.has(word);
}

/** The type that a list of type words names (`unsigned long`), 'void', or undefined when it names none. */
export function typeOfWords(words: readonly string[]): IntegerType | 'void' | undefined {
  const [first] = words;
  if (first === undefined) return undefined;
  const named = NAMED.get(first);
  if (named !== undefined) return words.length === 1 ? named : undefined;
  if (first === 'void') return words.length === 1 ? 'void' : undefined;
  const longs = words.filter((word) => word === 'long').length;
  const bits = words.includes('char') ? 8 : words.includes('short') ? 16 : longs > 1 ? 64 : 32;
  return { kind: 'integer', bits, signed: !words.includes('unsigned') };
}

/** Width of a value of this type in bits. */
export function widthOf(type: ValueType): 8 | 16 | 32 | 64 {
  return type.kind === 'pointer' ? 32 : type.bits;
}

/** Brings a number into the range of a type, as a C conversion does. */
export function convert(value: bigint, type: ValueType): bigint {
  const signed = type.kind === 'integer' && type.signed;
  return signed ? BigInt.asIntN(widthOf(type), value) : BigInt.asUintN(widthOf(type), value);
}

/** The usual arithmetic conversions (C11 6.3.1.8) of two integers. */
export function commonType(left: IntegerType, right: IntegerType): IntegerType {
  const [a, b] = [promote(left), promote(right)];
  if (a.bits !== b.bits) return a.bits > b.bits ? a : b;
  return a.signed ? b : a;
}

/** The integer promotions (C11 6.3.1.1): what is narrower than int becomes int. */
export function promote(type: IntegerType): IntegerType {
  return type.bits < 32 ? INT : type;
}

/** The C name of a type, in the short form of Linux. */
export function typeName(type: ValueType): string {
  if (type.kind === 'pointer') return type.to === undefined ? 'void *' : `${typeName(type.to)} *`;
  return `${type.signed ? 'int' : 'uint'}${type.bits}`;
}
