import type { ElfSection } from '../../src/image/elf.ts';
import type { SymbolImage } from '../../src/symbols/image.ts';

/** Bytes of a debug section written by hand. */
export class Bytes {
  readonly bytes: number[] = [];

  /** Little-endian, `size` bytes. */
  number(size: number, ...values: readonly number[]): this {
    for (const value of values)
      for (let byte = 0; byte < size; byte++) this.bytes.push(Math.floor(value / 256 ** byte) & 0xff);
    return this;
  }
  u8(...values: readonly number[]): this {
    return this.number(1, ...values);
  }
  /** Every value as an unsigned LEB128 number. */
  uleb(...values: readonly number[]): this {
    for (let value of values) {
      for (; value >= 0x80; value = Math.floor(value / 128)) this.bytes.push((value & 0x7f) | 0x80);
      this.bytes.push(value);
    }
    return this;
  }
  string(text: string): this {
    this.bytes.push(...new TextEncoder().encode(text), 0);
    return this;
  }
  append(other: Bytes): this {
    this.bytes.push(...other.bytes);
    return this;
  }
}

/** A unit of `.debug_info`: DWARF 5, 32-bit format, addresses of 4 bytes, abbreviations at 0. The first entry stands at {@link FIRST_ENTRY}. */
export function unit(entries: Bytes): Bytes {
  const body = new Bytes().number(2, 5).u8(1, 4).number(4, 0).append(entries);
  return new Bytes().number(4, body.bytes.length).append(body);
}
export const FIRST_ENTRY = 12;

/** `.debug_abbrev` with one abbreviation for each row: code, tag, whether it has children, then name and form of each attribute. */
export function abbreviations(...rows: readonly (readonly number[])[]): Bytes {
  const table = new Bytes();
  for (const [code = 0, tag = 0, children = 0, ...attributes] of rows)
    table
      .uleb(code, tag)
      .u8(children)
      .uleb(...attributes, 0, 0);
  return table.u8(0);
}

export function imageOf(sections: Readonly<Record<string, Bytes>>): SymbolImage {
  return {
    bits: 32,
    sections: Object.entries(sections).map(([name, { bytes }], index): ElfSection => {
      const place = { index, name, type: 1, flags: 0, address: 0n, offset: 0, align: 1 };
      return { ...place, size: bytes.length, bytes: Uint8Array.from(bytes) };
    }),
  };
}
