/** Numbers of one kind, one after the other, in 1, 2 or 4 bytes each. Kept by byte significance, so that equal parts lie together. */
export class ColumnWriter {
  private readonly values: number[] = [];
  private readonly width: number;

  constructor(width: 1 | 2 | 4) {
    this.width = width;
  }

  push(...values: readonly number[]): void {
    for (const value of values) this.values.push(value);
  }

  /** The count of values in 4 bytes, little-endian, then the bytes of each significance, the lowest first. */
  toBytes(): Buffer {
    const bytes = Buffer.alloc(4 + this.values.length * this.width);
    bytes.writeUInt32LE(this.values.length);
    for (let plane = 0; plane < this.width; plane++) {
      const start = 4 + plane * this.values.length;
      this.values.forEach((value, n) => (bytes[start + n] = value >>> (plane * 8)));
    }
    return bytes;
  }
}

/** Reads what {@link ColumnWriter} wrote. */
export class ColumnReader {
  /** Bytes that the column takes. */
  readonly size: number;
  private readonly bytes: Uint8Array;
  private readonly count: number;
  private readonly width: number;
  private position = 0;

  /** `bytes` start with the column. Throws RangeError where they are too few. */
  constructor(bytes: Uint8Array, width: 1 | 2 | 4) {
    if (bytes.length < 4) throw new RangeError('the corpus ends before a column');
    this.count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    this.width = width;
    this.size = 4 + this.count * width;
    if (bytes.length < this.size) throw new RangeError('the corpus ends in a column');
    this.bytes = bytes.subarray(4, this.size);
  }

  next(): number {
    if (this.position >= this.count) throw new RangeError('a column of the corpus is too short');
    let value = 0;
    for (let plane = this.width - 1; plane >= 0; plane--)
      value = (value << 8) | (this.bytes[plane * this.count + this.position] ?? 0);
    this.position++;
    return value >>> 0;
  }
}
