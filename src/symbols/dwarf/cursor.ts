import { StartOfDayError } from '../../util/errors.ts';
import { hex } from '../../util/hex.ts';

const UTF8 = new TextDecoder();

/** Says where the debug information cannot be what it claims to be. */
export function damaged(section: string, offset: number, found: string): StartOfDayError {
  return new StartOfDayError({
    code: 'dwarf',
    blame: 'user',
    title: 'The debug information of this image is damaged',
    detail: `${section}, offset ${hex(offset)}: ${found}`,
    mend: 'Build the image again with -g.',
  });
}

/** Reads one section front to back. Every read is checked, and an error names the section and the offset. Little-endian, as all x86. */
export class SectionCursor {
  readonly section: string;
  readonly bytes: Uint8Array;
  position: number;
  /** Reads stop here: the end of the section, or of a unit. */
  readonly end: number;
  private readonly view: DataView;

  constructor(section: string, bytes: Uint8Array, position = 0, end = bytes.length) {
    this.section = section;
    this.bytes = bytes;
    this.position = position;
    this.end = Math.min(end, bytes.length);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Passes over `length` bytes and returns where they began. */
  skip(length: number): number {
    const at = this.position;
    const left = Math.max(0, this.end - at);
    // Not at + length > end: a hostile length may be past 2^53.
    if (!(length <= left)) throw this.error(at, `${length} ${length === 1 ? 'byte' : 'bytes'} needed, ${left} left`);
    this.position = at + length;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }
  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }
  u24(): number {
    const at = this.skip(3);
    return this.view.getUint16(at, true) + this.view.getUint8(at + 2) * 0x10000;
  }
  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }
  /** Exact below 2^53. */
  u64(): number {
    const at = this.skip(8);
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
  }
  /** 8 bytes that are not a number. */
  signature(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  /** Unsigned integer of 1, 2, 3, 4 or 8 bytes. */
  unsigned(size: number): number {
    if (size === 1) return this.u8();
    if (size === 2) return this.u16();
    if (size === 3) return this.u24();
    return size === 4 ? this.u32() : this.u64();
  }

  /** Exact below 2^53. */
  uleb(): number {
    return this.leb(false);
  }
  sleb(): number {
    return this.leb(true);
  }

  private leb(signed: boolean): number {
    const start = this.position;
    let value = 0;
    let weight = 1;
    for (let length = 1; length <= 10; length++) {
      const byte = this.u8();
      value += (byte & 0x7f) * weight;
      weight *= 128;
      if (byte < 0x80) return signed && (byte & 0x40) !== 0 ? value - weight : value;
    }
    throw this.error(start, 'a LEB128 number is longer than 10 bytes');
  }

  /** Text up to a zero byte, which is passed over. */
  string(): string {
    const start = this.skipString();
    return UTF8.decode(this.bytes.subarray(start, this.position - 1));
  }

  /** Passes over a string and its zero byte, and returns where it began. */
  skipString(): number {
    const start = this.position;
    const end = this.bytes.indexOf(0, start);
    if (end < 0 || end >= this.end) throw this.error(start, 'a string has no end');
    this.position = end + 1;
    return start;
  }

  error(offset: number, found: string): StartOfDayError {
    return damaged(this.section, offset, found);
  }
}
