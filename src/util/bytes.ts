import { StartOfDayError } from './errors.ts';
import { count, hex } from './hex.ts';

/** Little-endian unsigned integers. */
export type FieldType = 'u8' | 'u16' | 'u32' | 'u64';

/** A structure in a file or in memory: where each field lies from its start, in bytes, and what it is. */
export type Layout = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;

/** The values of a structure: `u64` as bigint, the rest as number. */
export type Fields<L extends Layout> = { readonly [Name in keyof L]: L[Name][1] extends 'u64' ? bigint : number };

const SIZES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Bytes from the start of a structure to the end of its last field. */
export function layoutSize(layout: Layout): number {
  return Math.max(...Object.values(layout).map(([offset, type]) => offset + SIZES[type]));
}

/** Reads little-endian values of a file. A read past the end throws `truncated` with the field, its offset and the file's size. */
export class ByteReader {
  /** What the bytes are, for messages: the file's name. */
  readonly name: string;
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** True when `length` bytes from `offset` are there. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && length >= 0 && offset + length <= this.length;
  }

  u8(offset: number, field: string): number {
    this.need(offset, 1, field);
    return this.view.getUint8(offset);
  }
  u16(offset: number, field: string): number {
    this.need(offset, 2, field);
    return this.view.getUint16(offset, true);
  }
  u32(offset: number, field: string): number {
    this.need(offset, 4, field);
    return this.view.getUint32(offset, true);
  }
  u64(offset: number, field: string): bigint {
    this.need(offset, 8, field);
    return this.view.getBigUint64(offset, true);
  }

  /** All fields of a structure at `offset`; `subject` names it in messages. */
  fields<L extends Layout>(layout: L, offset: number, subject: string): Fields<L> {
    this.need(offset, layoutSize(layout), subject);
    const entries = Object.entries(layout).map(([name, [at, type]]) => [name, this[type](offset + at, name)]);
    return Object.fromEntries(entries) as Fields<L>;
  }

  /** A view of `length` bytes, not a copy. */
  slice(offset: number, length: number, subject: string): Uint8Array {
    this.need(offset, length, subject);
    return this.bytes.subarray(offset, offset + length);
  }

  /** The text up to a zero byte, or to `limit` bytes, or to the end. Bytes above 0x7f that are no UTF-8 come as U+FFFD. */
  cString(offset: number, limit: number, subject: string): string {
    this.need(offset, 0, subject);
    return decodeCString(this.bytes.subarray(offset, offset + limit));
  }

  private need(offset: number, length: number, field: string): void {
    if (this.has(offset, length)) return;
    throw new StartOfDayError({
      code: 'truncated',
      blame: 'user',
      title: `${this.name} ends inside ${field}`,
      detail: `${field} needs ${count(length)} bytes at file offset ${hex(offset)}; the file has ${count(this.length)} bytes`,
      mend: 'Build or copy the file again: it is cut short.',
    });
  }
}

/** The text before the first zero byte, or all of it. */
export function decodeCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** UTF-8 with a zero byte behind it. */
export function encodeCString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

/** Index of the first occurrence of `pattern`; -1 when there is none. */
export function indexOfBytes(bytes: Uint8Array, pattern: Uint8Array, from = 0): number {
  const [first] = pattern;
  if (first === undefined) return -1;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + pattern.length > bytes.length) return -1;
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

/** The smallest multiple of `alignment` that is not below `value`. `alignment` is a power of two or any positive number. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}
