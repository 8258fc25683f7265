import { Input } from './input.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';

/** Where each group of probabilities lies (LZMA SDK, lzma-specification.txt, "LZMA Decoder"). */
const IS_MATCH = 0;
const IS_REPEAT = IS_MATCH + (12 << 4);
const IS_REPEAT_0 = IS_REPEAT + 12;
const IS_REPEAT_1 = IS_REPEAT_0 + 12;
const IS_REPEAT_2 = IS_REPEAT_1 + 12;
const IS_LONG_REPEAT_0 = IS_REPEAT_2 + 12;
const SLOT = IS_LONG_REPEAT_0 + (12 << 4);
const DISTANCE = SLOT + (4 << 6);
const ALIGNMENT = DISTANCE + 128;
const MATCH_LENGTH = ALIGNMENT + 16;
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + (16 << 3);
const LENGTH_HIGH = LENGTH_MIDDLE + (16 << 3);
const LENGTH_SIZE = LENGTH_HIGH + 256;
const REPEAT_LENGTH = MATCH_LENGTH + LENGTH_SIZE;
const LITERAL = REPEAT_LENGTH + LENGTH_SIZE;
const LITERAL_SIZE = 0x300;

/** A probability of one half, in eleven bits. */
const HALF = 1024;
const END_MARKER = 0xffffffff;
/** Properties byte: (pb * 5 + lp) * 9 + lc. */
const PROPERTIES_END = 9 * 5 * 5;
const RANGE = 0;
const CODE = 1;

/** The LZMA decoder that LZMA and XZ files share. The window is the whole output from the last reset on. */
export class LzmaDecoder {
  private readonly input: Input;
  private readonly output: Output;
  private probabilities = new Uint16Array(LITERAL);
  private literalContextBits = 0;
  private literalPositionMask = 0;
  private positionMask = 0;
  private state = 0;
  private readonly repeats = new Uint32Array(4);
  /** Range and code: 32-bit cells, which a field of this object would not be. */
  private readonly coder = new Uint32Array(2);
  private windowStart = 0;

  constructor(input: Input, output: Output) {
    this.input = input;
    this.output = output;
  }

  /** Forgets what was written: no match reaches behind this point. */
  resetWindow(): void {
    this.windowStart = this.output.length;
  }

  /** Takes the properties byte. */
  setProperties(byte: number): void {
    if (byte >= PROPERTIES_END)
      throw this.damaged(`the LZMA properties are ${byte}, and must be below ${PROPERTIES_END}`);
    this.literalContextBits = byte % 9;
    const rest = Math.floor(byte / 9);
    const literalPositionBits = rest % 5;
    this.literalPositionMask = (1 << literalPositionBits) - 1;
    this.positionMask = (1 << Math.floor(rest / 5)) - 1;
    this.probabilities = new Uint16Array(LITERAL + (LITERAL_SIZE << (this.literalContextBits + literalPositionBits)));
  }

  resetState(): void {
    this.state = 0;
    this.repeats.fill(0);
    this.probabilities.fill(HALF);
  }

  /** Begins a range-coded piece: five bytes, of which the first is 0. */
  startRange(): void {
    if (this.input.u8() !== 0) throw this.damaged('a range coder begins with a byte that is not 0');
    this.coder[RANGE] = 0xffffffff;
    this.coder[CODE] = this.input.u32be();
  }

  /** Decodes until the output has `end` bytes, or an end marker comes: then true. */
  decode(end: number): boolean {
    const { output, repeats } = this;
    while (output.length < end) {
      const position = (output.length - this.windowStart) & this.positionMask;
      if (this.bit(IS_MATCH + (this.state << 4) + position) === 0) {
        this.literal();
        continue;
      }
      let length: number;
      if (this.bit(IS_REPEAT + this.state) === 0) {
        repeats.copyWithin(1, 0, 3);
        length = this.matchLength(MATCH_LENGTH, position);
        this.state = this.state < 7 ? 7 : 10;
        repeats[0] = this.distance(length);
        if (repeats[0] === END_MARKER) return true;
      } else {
        if (this.chooseRepeat(position)) {
          this.state = this.state < 7 ? 9 : 11;
          output.copy(this.backwards, 1, this.input.position, this.windowStart);
          continue;
        }
        length = this.matchLength(REPEAT_LENGTH, position);
        this.state = this.state < 7 ? 8 : 11;
      }
      if (length > end - output.length) throw this.damaged('a match goes past the end of its piece');
      output.copy(this.backwards, length, this.input.position, this.windowStart);
    }
    return false;
  }

  /** How far the last match reached back. */
  private get backwards(): number {
    return (this.repeats[0] ?? 0) + 1;
  }

  private literal(): void {
    const { output } = this;
    const position = output.length - this.windowStart;
    const previous = position > 0 ? output.back(1) : 0;
    const context =
      ((position & this.literalPositionMask) << this.literalContextBits) + (previous >> (8 - this.literalContextBits));
    const base = LITERAL + LITERAL_SIZE * context;
    let symbol = 1;
    if (this.state >= 7) {
      if (this.backwards > position) throw this.damaged('a literal follows a match that there was not');
      let match = output.back(this.backwards) << 1;
      for (let offset = 0x100; symbol < 0x100; match <<= 1) {
        const matchBit = match & offset;
        const bit = this.bit(base + offset + matchBit + symbol);
        symbol = (symbol << 1) | bit;
        offset &= bit === 0 ? ~match : match;
      }
    } else while (symbol < 0x100) symbol = (symbol << 1) | this.bit(base + symbol);
    this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6;
    output.push(symbol & 0xff, this.input.position);
  }

  /** Moves the distance that is meant to the front; true for a single byte at the front distance. */
  private chooseRepeat(position: number): boolean {
    const { repeats, state } = this;
    if (this.bit(IS_REPEAT_0 + state) === 0) return this.bit(IS_LONG_REPEAT_0 + (state << 4) + position) === 0;
    const index = this.bit(IS_REPEAT_1 + state) === 0 ? 1 : this.bit(IS_REPEAT_2 + state) === 0 ? 2 : 3;
    const distance = repeats[index] ?? 0;
    repeats.copyWithin(1, 0, index);
    repeats[0] = distance;
    return false;
  }

  private matchLength(base: number, position: number): number {
    if (this.bit(base) === 0) return 2 + this.tree(base + LENGTH_LOW + (position << 3), 3);
    if (this.bit(base + 1) === 0) return 10 + this.tree(base + LENGTH_MIDDLE + (position << 3), 3);
    return 18 + this.tree(base + LENGTH_HIGH, 8);
  }

  /** One less than how far a match of `length` bytes reaches back. */
  private distance(length: number): number {
    const slot = this.tree(SLOT + (Math.min(length - 2, 3) << 6), 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const high = 2 | (slot & 1);
    if (slot < 14) return (high << bits) + this.reverseTree(DISTANCE + (high << bits) - slot, bits);
    const direct = (high << (bits - 4)) + this.directBits(bits - 4);
    return ((direct << 4) >>> 0) + this.reverseTree(ALIGNMENT, 4);
  }

  private tree(base: number, bits: number): number {
    let symbol = 1;
    for (let n = 0; n < bits; n++) symbol = (symbol << 1) | this.bit(base + symbol);
    return symbol - (1 << bits);
  }

  /** Least significant bit first. */
  private reverseTree(base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let n = 0; n < bits; n++) {
      const bit = this.bit(base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << n;
    }
    return value;
  }

  private bit(index: number): number {
    const { coder, probabilities } = this;
    this.normalise();
    const range = coder[RANGE] ?? 0;
    const code = coder[CODE] ?? 0;
    const probability = probabilities[index] ?? 0;
    const bound = (range >>> 11) * probability;
    if (code < bound) {
      coder[RANGE] = bound;
      probabilities[index] = probability + ((2048 - probability) >> 5);
      return 0;
    }
    coder[RANGE] = range - bound;
    coder[CODE] = code - bound;
    probabilities[index] = probability - (probability >> 5);
    return 1;
  }

  private directBits(count: number): number {
    const { coder } = this;
    let value = 0;
    for (let n = 0; n < count; n++) {
      this.normalise();
      const half = (coder[RANGE] ?? 0) >>> 1;
      const code = coder[CODE] ?? 0;
      coder[RANGE] = half;
      const bit = code >= half ? 1 : 0;
      if (bit === 1) coder[CODE] = code - half;
      value = (value << 1) | bit;
    }
    return value;
  }

  /** Brings the range up to 24 bits or more. */
  private normalise(): void {
    const { coder } = this;
    const range = coder[RANGE] ?? 0;
    if (range >= 0x1000000) return;
    coder[RANGE] = range << 8;
    coder[CODE] = ((coder[CODE] ?? 0) << 8) | this.input.u8();
  }

  /** Checks that nothing is left in the range coder, as at the end of a piece. */
  finishRange(): void {
    this.normalise();
    if (this.coder[CODE] !== 0) throw this.damaged('the range coder does not end where the data ends');
  }

  private damaged(what: string): DamagedData {
    return new DamagedData(this.input.position, what);
  }
}

/** An .lzma file: properties, size of the dictionary, size of the data or all ones, one range-coded piece. */
export function decompressLzma(bytes: Uint8Array, output: Output): void {
  const input = new Input(bytes);
  const decoder = new LzmaDecoder(input, output);
  decoder.setProperties(input.u8());
  // The window is the whole output, whatever size the compressor had.
  input.u32();
  const [low, high] = [input.u32(), input.u32()];
  const known = low !== 0xffffffff || high !== 0xffffffff;
  const size = high * 2 ** 32 + low;
  if (known && size > output.limit)
    throw new DamagedData(5, `the LZMA header says ${size} bytes, and at most ${output.limit} may come out`);
  decoder.resetState();
  decoder.startRange();
  const ended = decoder.decode(known ? size : Infinity);
  if (known && ended && output.length < size)
    throw new DamagedData(
      input.position,
      `the data ends after ${output.length} bytes of the ${size} that the header says`,
    );
  decoder.finishRange();
}
