/** Something in compressed data that no compressor writes. */
export class DamagedData extends Error {
  /** Byte of the compressed data at which it was noticed. */
  readonly at: number;

  constructor(at: number, what: string) {
    super(what);
    this.at = at;
  }
}

const FIRST_CAPACITY = 1 << 16;

/**
 * Where a decompressor writes. Memory grows with what really comes out, and never past the limit: a header that claims gigabytes allocates
 * nothing.
 */
export class Output {
  /** Bytes that may come out. */
  readonly limit: number;
  private buffer: Uint8Array;
  private used = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.buffer = new Uint8Array(Math.min(limit, FIRST_CAPACITY));
  }

  /** Bytes written so far. */
  get length(): number {
    return this.used;
  }

  /** What was written, a view: valid until more is written. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }

  /** The byte `distance` before the end, 1 for the last. The caller has checked that there is one. */
  back(distance: number): number {
    return this.buffer[this.used - distance] ?? 0;
  }

  /** Throws DamagedData when it is one too many; `at` is where the input stands. */
  push(byte: number, at: number): void {
    if (this.used === this.buffer.length) this.reserve(1, at);
    this.buffer[this.used++] = byte;
  }

  append(bytes: Uint8Array, at: number): void {
    this.reserve(bytes.length, at);
    this.buffer.set(bytes, this.used);
    this.used += bytes.length;
  }

  /** Repeats `length` bytes from `distance` before the end on; what it writes it may read again. `start` is where the window begins. */
  copy(distance: number, length: number, at: number, start = 0): void {
    if (distance > this.used - start)
      throw new DamagedData(at, `a match reaches ${distance} bytes back, and ${this.used - start} are there`);
    this.reserve(length, at);
    const { buffer } = this;
    if (distance >= length) buffer.copyWithin(this.used, this.used - distance, this.used - distance + length);
    else for (let to = this.used; to < this.used + length; to++) buffer[to] = buffer[to - distance] ?? 0;
    this.used += length;
  }

  private reserve(length: number, at: number): void {
    const needed = this.used + length;
    if (needed <= this.buffer.length) return;
    if (needed > this.limit) throw new DamagedData(at, `more than ${this.limit} bytes come out`);
    const grown = new Uint8Array(Math.min(this.limit, Math.max(needed, this.buffer.length * 2)));
    grown.set(this.bytes);
    this.buffer = grown;
  }
}
