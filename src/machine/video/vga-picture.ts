import type { VgaMemory } from './vga-memory.ts';

/** What a graphics mode shows. */
export interface Picture {
  /** Pixels, without the lines and columns that the mode draws twice. */
  readonly width: number;
  readonly height: number;
  /** A palette entry for each pixel, row by row. */
  readonly pixels: Uint8Array;
  /** Red, green, blue of the 256 entries, 0..255. */
  readonly palette: Uint8Array;
}

/** The registers that a picture depends on, by their index. */
export interface PictureRegisters {
  readonly crtc: readonly number[];
  readonly graphics: readonly number[];
  readonly attribute: readonly number[];
  /** Six bits for each of red, green, blue of 256 entries. */
  readonly palette: readonly number[];
  readonly paletteMask: number;
}

const CRTC = {
  maximumScanLine: 0x09,
  startHigh: 0x0c,
  startLow: 0x0d,
  offset: 0x13,
  underline: 0x14,
  mode: 0x17,
  lineCompare: 0x18,
};
const ATTRIBUTE = { mode: 0x10, planeEnable: 0x12, panning: 0x13, colourSelect: 0x14 } as const;
const GRAPHICS_MODE = 5;

/** The pixels that eight dots of one character clock give: palette entries. */
type Shifter = (word: number, pixels: Uint8Array, at: number) => void;

/** What the planes and registers of a graphics mode show. `lines` are the scan lines of a frame. */
export function drawPicture(memory: VgaMemory, registers: PictureRegisters, lines: number): Picture {
  const { crtc, graphics, attribute } = registers;
  const register = (index: number): number => crtc[index] ?? 0;
  const mode = graphics[GRAPHICS_MODE] ?? 0;
  const wide = (mode & 0x40) !== 0;
  const perClock = wide ? 4 : 8;
  const shift = wide ? shift256(registers.paletteMask) : shiftPlanes((mode & 0x20) !== 0, registers);
  const clocks = register(1) + 1;
  const width = clocks * perClock;
  const rowLines = (register(CRTC.maximumScanLine) & 0x1f) + 1;
  const doubled = register(CRTC.maximumScanLine) & 0x80 ? 2 : 1;
  // CGA modes put the scan lines of a row into different banks; elsewhere the lines of a row are one line drawn again.
  const banked = (register(CRTC.mode) & 0x03) !== 0x03;
  const repeat = banked ? doubled : doubled * rowLines;
  const height = Math.floor(lines / repeat);
  const splitAt =
    register(CRTC.lineCompare) | ((register(7) & 0x10) << 4) | ((register(CRTC.maximumScanLine) & 0x40) << 3);
  const start = (register(CRTC.startHigh) << 8) | register(CRTC.startLow);
  const stride = register(CRTC.offset) * 2;
  const panning = Math.min(
    perClock - 1,
    wide ? (attribute[ATTRIBUTE.panning] ?? 0) >> 1 : (attribute[ATTRIBUTE.panning] ?? 0) & 7,
  );
  const pixels = new Uint8Array(width * height);
  const line = new Uint8Array(width + perClock);
  for (let y = 0; y < height; y++) {
    // Below the line compare the screen starts again at address 0.
    const split = y * repeat > splitAt;
    const logical = split ? y - Math.floor(splitAt / repeat) - 1 : y;
    const row = banked ? Math.floor(logical / rowLines) : logical;
    const counter = (split ? 0 : start) + row * stride;
    const bank = banked ? logical % rowLines : 0;
    for (let clock = 0; clock <= clocks; clock++)
      shift(memory.word(scanAddress(counter + clock, bank, crtc)), line, clock * perClock);
    const pan = split && (attribute[ATTRIBUTE.mode] ?? 0) & 0x20 ? 0 : panning;
    pixels.set(line.subarray(pan, pan + width), y * width);
  }
  return { width, height, pixels, palette: Uint8Array.from(registers.palette, eightBits) };
}

/** The plane offset of the CRT controller's counter: byte, word and doubleword mode, and the row-scan bits of CGA modes. */
function scanAddress(counter: number, rowScan: number, crtc: readonly number[]): number {
  const mode = crtc[CRTC.mode] ?? 0;
  let address: number;
  if ((crtc[CRTC.underline] ?? 0) & 0x40) address = (counter << 2) | ((counter >> 14) & 3);
  else if ((mode & 0x40) === 0) address = (counter << 1) | ((counter >> (mode & 0x20 ? 15 : 13)) & 1);
  else address = counter;
  if ((mode & 0x01) === 0) address = (address & ~0x2000) | ((rowScan & 1) << 13);
  if ((mode & 0x02) === 0) address = (address & ~0x4000) | ((rowScan & 2) << 13);
  return address & 0xffff;
}

/** 256 colours: a byte of each plane is a pixel. */
function shift256(paletteMask: number): Shifter {
  return (word, pixels, at) => {
    for (let pixel = 0; pixel < 4; pixel++) pixels[at + pixel] = (word >>> (pixel * 8)) & paletteMask;
  };
}

/** 16 colours: a bit of each plane is a pixel; interleaved, two bits of planes 0 and 1 in turn with two of 2 and 3 above them. */
function shiftPlanes(interleaved: boolean, { attribute, paletteMask }: PictureRegisters): Shifter {
  const enabled = (attribute[ATTRIBUTE.planeEnable] ?? 0) & 0x0f;
  const select = attribute[ATTRIBUTE.colourSelect] ?? 0;
  const selects45 = ((attribute[ATTRIBUTE.mode] ?? 0) & 0x80) !== 0;
  const entries = Array.from({ length: 16 }, (_, index) => {
    const colour = attribute[index & enabled] ?? 0;
    const low = selects45 ? (colour & 0x0f) | ((select & 0x03) << 4) : colour & 0x3f;
    return (low | ((select & 0x0c) << 4)) & paletteMask;
  });
  return (word, pixels, at) => {
    for (let pixel = 0; pixel < 8; pixel++) {
      const index = interleaved ? interleavedBits(word, pixel) : planeBits(word, 7 - pixel);
      pixels[at + pixel] = entries[index] ?? 0;
    }
  };
}

function planeBits(word: number, bit: number): number {
  const bits = word >>> bit;
  return (bits & 1) | ((bits >>> 7) & 2) | ((bits >>> 14) & 4) | ((bits >>> 21) & 8);
}

function interleavedBits(word: number, pixel: number): number {
  const bits = word >>> ((pixel < 4 ? 0 : 8) + 6 - 2 * (pixel & 3));
  return (bits & 3) | ((bits >>> 14) & 0x0c);
}

/** The DAC's six bits as eight: the upper ones again below, so that the brightest is 255. */
function eightBits(six: number): number {
  return (six << 2) | (six >> 4);
}
