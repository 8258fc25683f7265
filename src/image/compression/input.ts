import { DamagedData } from './output.ts';

/** Reads compressed data from front to back. A read past the end throws DamagedData. */
export class Input {
  /** Of the next byte. */
  position: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  get length(): number {
    return this.bytes.length;
  }
  ended(): boolean {
    return this.position >= this.bytes.length;
  }

  u8(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw this.short();
    this.position++;
    return byte;
  }
  u16(): number {
    return this.u8() | (this.u8() << 8);
  }
  u32(): number {
    return (this.u16() | (this.u16() << 16)) >>> 0;
  }
  u16be(): number {
    return (this.u8() << 8) | this.u8();
  }
  u32be(): number {
    return ((this.u16be() << 16) | this.u16be()) >>> 0;
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    if (length > this.length - this.position) throw this.short();
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  private short(): DamagedData {
    return new DamagedData(this.length, 'the data ends early');
  }
}
