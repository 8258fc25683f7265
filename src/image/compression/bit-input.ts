import { DamagedData } from './output.ts';

/** Reads bits, the most significant of a byte first. A read past the end throws DamagedData. */
export class BitInput {
  private readonly bytes: Uint8Array;
  private next = 0;
  private held = 0;
  private heldBits = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Of the byte that the next bit is in, or is about to be. */
  get position(): number {
    return this.next - (this.heldBits > 0 ? 1 : 0);
  }

  /** The next `count` bits, at most 24. */
  bits(count: number): number {
    while (this.heldBits < count) {
      const byte = this.bytes[this.next];
      if (byte === undefined) throw new DamagedData(this.bytes.length, 'the data ends early');
      this.next++;
      this.held = (this.held << 8) | byte;
      this.heldBits += 8;
    }
    this.heldBits -= count;
    return (this.held >>> this.heldBits) & ((1 << count) - 1);
  }
}
