import { fromBase64, toBase64 } from '../../util/base64.ts';

/** Registers of the sequencer and the graphics controller that say how the CPU reaches the planes, by their index. */
export interface PlaneAccess {
  readonly sequencer: readonly number[];
  readonly graphics: readonly number[];
}

/** Bytes of one plane. */
const PLANE_SIZE = 0x10000;
const OFFSET_MASK = PLANE_SIZE - 1;

const SEQUENCER = { mapMask: 2, memoryMode: 4 } as const;
const GRAPHICS = {
  setReset: 0,
  enableSetReset: 1,
  colourCompare: 2,
  rotate: 3,
  readMap: 4,
  mode: 5,
  colourDoNotCare: 7,
  bitMask: 8,
} as const;
const CHAIN_4 = 0x08;
const SEQUENTIAL = 0x04;
const HOST_ODD_EVEN = 0x10;
const READ_COMPARE = 0x08;

/**
 * The 256 KiB of a VGA: four planes of 64 KiB behind the write and read logic of the graphics controller (IBM VGA Technical Reference,
 * "Graphics Controller"). The four bytes at one offset are one word, plane 0 lowest, as the chip moves them.
 */
export class VgaMemory {
  private words = new Uint32Array(PLANE_SIZE);
  /** What the last read brought from the four planes. */
  private latch = 0;

  /** The byte of one plane. */
  byte(plane: number, offset: number): number {
    return (this.word(offset) >>> (plane * 8)) & 0xff;
  }

  /** The bytes of all planes, plane 0 lowest. */
  word(offset: number): number {
    return this.words[offset & OFFSET_MASK] ?? 0;
  }

  /** Past the graphics controller: for what the screen's plain RAM holds of planes 0 and 1. */
  setByte(plane: number, offset: number, value: number): void {
    const shift = plane * 8;
    this.words[offset & OFFSET_MASK] = (this.word(offset) & ~(0xff << shift)) | (value << shift);
  }

  /** A byte as the CPU reads it at `address` of the window: fills the latches. */
  read(address: number, access: PlaneAccess): number {
    this.latch = this.latched(address, access);
    return this.peek(address, access);
  }

  /** What {@link read} would give, and nothing changes. */
  peek(address: number, access: PlaneAccess): number {
    const { graphics } = access;
    const word = this.latched(address, access);
    if ((graphics[GRAPHICS.mode] ?? 0) & READ_COMPARE) {
      const compared = spread(graphics[GRAPHICS.colourDoNotCare] ?? 0);
      const different = (word ^ spread(graphics[GRAPHICS.colourCompare] ?? 0)) & compared;
      return ~(different | (different >>> 8) | (different >>> 16) | (different >>> 24)) & 0xff;
    }
    const map = graphics[GRAPHICS.readMap] ?? 0;
    const addressing = addressingOf(access);
    const plane =
      addressing === 'chained' ? address & 3 : addressing === 'odd-even' ? (map & 2) | (address & 1) : map & 3;
    return (word >>> (plane * 8)) & 0xff;
  }

  private latched(address: number, access: PlaneAccess): number {
    const addressing = addressingOf(access);
    return this.word(addressing === 'chained' ? address & ~3 : addressing === 'odd-even' ? address & ~1 : address);
  }

  /** A byte that the CPU writes at `address` of the window. */
  write(address: number, value: number, { sequencer, graphics }: PlaneAccess): void {
    const memoryMode = sequencer[SEQUENCER.memoryMode] ?? 0;
    let planes = sequencer[SEQUENCER.mapMask] ?? 0;
    let offset = address & OFFSET_MASK;
    if (memoryMode & CHAIN_4) {
      planes &= 1 << (address & 3);
      offset &= ~3;
    } else if ((memoryMode & SEQUENTIAL) === 0) {
      planes &= address & 1 ? 0b1010 : 0b0101;
      offset &= ~1;
    }
    const written = spread(planes);
    this.words[offset] = (this.word(offset) & ~written) | (this.combine(value, graphics) & written);
  }

  /** What reaches the four planes, before the map mask. */
  private combine(value: number, graphics: readonly number[]): number {
    const mode = (graphics[GRAPHICS.mode] ?? 0) & 3;
    if (mode === 1) return this.latch;
    const rotation = graphics[GRAPHICS.rotate] ?? 0;
    const rotated = rotateRight(value, rotation & 7);
    const setReset = spread(graphics[GRAPHICS.setReset] ?? 0);
    let data: number;
    let bits = graphics[GRAPHICS.bitMask] ?? 0;
    if (mode === 2) data = spread(value);
    else if (mode === 3) {
      data = setReset;
      bits &= rotated;
    } else {
      const enabled = spread(graphics[GRAPHICS.enableSetReset] ?? 0);
      data = (fourTimes(rotated) & ~enabled) | (setReset & enabled);
    }
    const mask = fourTimes(bits);
    return (this.withLatch(data, (rotation >> 3) & 3) & mask) | (this.latch & ~mask);
  }

  private withLatch(data: number, operation: number): number {
    if (operation === 1) return data & this.latch;
    if (operation === 2) return data | this.latch;
    return operation === 3 ? data ^ this.latch : data;
  }

  /** As base64, without the zeros at its end. */
  save(): { readonly words: string; readonly latch: number } {
    let used = this.words.length;
    while (used > 0 && this.words[used - 1] === 0) used--;
    return { words: toBase64(new Uint8Array(this.words.buffer, 0, used * 4)), latch: this.latch };
  }

  restore({ words, latch }: { readonly words: string; readonly latch: number }): void {
    this.words = new Uint32Array(PLANE_SIZE);
    new Uint8Array(this.words.buffer).set(fromBase64(words));
    this.latch = latch;
  }
}

/** How reads find the plane: by the low bits of the address, or by the read map register. */
function addressingOf({ sequencer, graphics }: PlaneAccess): 'chained' | 'odd-even' | 'planar' {
  if ((sequencer[SEQUENCER.memoryMode] ?? 0) & CHAIN_4) return 'chained';
  return (graphics[GRAPHICS.mode] ?? 0) & HOST_ODD_EVEN ? 'odd-even' : 'planar';
}

/** All bits of a plane's byte for each of the four low bits. */
function spread(planes: number): number {
  return (
    (planes & 1 ? 0xff : 0) | (planes & 2 ? 0xff00 : 0) | (planes & 4 ? 0xff0000 : 0) | (planes & 8 ? 0xff000000 : 0)
  );
}

function fourTimes(byte: number): number {
  return byte * 0x01010101;
}

function rotateRight(byte: number, count: number): number {
  return ((byte >> count) | (byte << (8 - count))) & 0xff;
}
