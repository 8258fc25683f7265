import assert from 'node:assert/strict';
import { cp437 } from '../../src/machine/cp437.ts';
import { Vga } from '../../src/machine/vga.ts';
import { input, output, TestClock, throughJson } from './support.ts';

const RAM_SIZE = 0x100000;

function poke(ram: Uint8Array, cell: number, text: string, attribute: number): void {
  for (const [index, character] of Array.from(text).entries()) {
    ram[0xb8000 + 2 * (cell + index)] = character.charCodeAt(0);
    ram[0xb8000 + 2 * (cell + index) + 1] = attribute;
  }
}

function vga(ram = new Uint8Array(RAM_SIZE), clock = new TestClock()): Vga {
  return new Vga(clock, { ram, setDevicePages: () => undefined }, () => undefined);
}

/** Writes CRTC registers through 0x3d4 and 0x3d5. */
function crtc(screen: Vga, ...writes: readonly (readonly [index: number, value: number])[]): void {
  for (const [index, value] of writes) output(screen, [0x3d4, index], [0x3d5, value]);
}

describe('code page 437', () => {
  it('has 256 characters', () => {
    const all = Array.from({ length: 256 }, (_, byte) => cp437(byte));
    assert.ok(all.every((character) => character.length === 1));
    // Only NUL, the space and the second solid blank look alike.
    assert.equal(new Set(all).size, 255);
  });

  it('follows CP437.TXT of the Unicode Consortium', () => {
    const known: Readonly<Record<number, number>> = {
      0x41: 0x41,
      0x7e: 0x7e,
      0x80: 0xc7,
      0x9b: 0xa2,
      0x9e: 0x20a7,
      0xb0: 0x2591,
      0xb3: 0x2502,
      0xc4: 0x2500,
      0xcd: 0x2550,
      0xda: 0x250c,
      0xdb: 0x2588,
      0xe0: 0x3b1,
      0xe1: 0xdf,
      0xe6: 0xb5,
      0xec: 0x221e,
      0xf0: 0x2261,
      0xfb: 0x221a,
      0xfe: 0x25a0,
      0xff: 0xa0,
    };
    for (const [byte, unicode] of Object.entries(known))
      assert.equal(cp437(Number(byte)).codePointAt(0), unicode, byte);
    assert.equal(cp437(0x01), '☺');
    assert.equal(cp437(0x18), '↑');
    assert.equal(cp437(0x7f), '⌂');
  });
});

describe('VGA text screen', () => {
  it('shows 25 lines of 80 characters with their attributes', () => {
    const ram = new Uint8Array(RAM_SIZE);
    const screen = vga(ram);
    poke(ram, 0, 'Start of Day', 0x07);
    poke(ram, 24 * 80 + 79, '\xdb', 0x4f);
    const { characters, attributes, columns, rows } = screen.snapshot();
    assert.deepEqual([columns, rows, characters.length, attributes.length], [80, 25, 25, 2000]);
    assert.equal(characters[0], 'Start of Day'.padEnd(80));
    assert.equal(characters[24], '█'.padStart(80));
    assert.deepEqual([attributes[0], attributes[12], attributes[1999]], [0x07, 0x00, 0x4f]);
  });

  it('follows the start address and wraps at the end of its 32 KiB', () => {
    const ram = new Uint8Array(RAM_SIZE);
    const screen = vga(ram);
    poke(ram, 80, 'second', 7);
    crtc(screen, [0x0c, 0], [0x0d, 80]);
    assert.equal(screen.snapshot().characters[0], 'second'.padEnd(80));
    crtc(screen, [0x0c, 0x40], [0x0d, 0x00]);
    assert.equal(screen.snapshot().characters[1], 'second'.padEnd(80));
  });

  it('has a cursor where CRTC 0x0e and 0x0f put it, unless 0x0a bit 5 hides it', () => {
    const ram = new Uint8Array(RAM_SIZE);
    const screen = vga(ram);
    crtc(screen, [0x0e, 0x02], [0x0f, 0x85]);
    assert.deepEqual(screen.snapshot().cursor, { row: 8, column: 5 });
    assert.equal(input(screen, 0x3d5), 0x85);
    crtc(screen, [0x0a, 0x2d]);
    assert.equal(screen.snapshot().cursor, undefined);
    crtc(screen, [0x0a, 0x0d], [0x0e, 0x07], [0x0f, 0xd0]);
    assert.equal(screen.snapshot().cursor, undefined);
  });

  it('has the registers of mode 3 and takes writes', () => {
    const screen = vga();
    assert.equal(input(screen, 0x3cc), 0x67);
    output(screen, [0x3d4, 0x09]);
    assert.equal(input(screen, 0x3d5), 0x4f);
    output(screen, [0x3c4, 0x02]);
    assert.equal(input(screen, 0x3c5), 0x03);
    output(screen, [0x3c5, 0x0f]);
    assert.equal(input(screen, 0x3c5), 0x0f);
    output(screen, [0x3ce, 0x06]);
    assert.equal(input(screen, 0x3cf), 0x0e);
    output(screen, [0x3c2, 0x63]);
    assert.equal(input(screen, 0x3cc), 0x63);
    output(screen, [0x3d4, 0x77], [0x3d5, 0x12]);
    assert.equal(input(screen, 0x3d5), 0x00);
  });

  it('protects CRTC 0 to 7 by bit 7 of 0x11, but for line compare bit 8', () => {
    const screen = vga();
    crtc(screen, [0x00, 0x11], [0x07, 0x0f]);
    output(screen, [0x3d4, 0x00]);
    assert.equal(input(screen, 0x3d5), 0x5f);
    output(screen, [0x3d4, 0x07]);
    assert.equal(input(screen, 0x3d5), 0x0f);
    crtc(screen, [0x11, 0x0e], [0x00, 0x11]);
    assert.equal(input(screen, 0x3d5), 0x11);
  });

  it('switches 0x3c0 between index and data, and back to index by reading 0x3da', () => {
    const screen = vga();
    output(screen, [0x3c0, 0x10]);
    input(screen, 0x3da);
    output(screen, [0x3c0, 0x30], [0x3c0, 0x04], [0x3c0, 0x30]);
    assert.equal(input(screen, 0x3c0), 0x30);
    assert.equal(input(screen, 0x3c1), 0x04);
  });

  it('keeps the palette, three writes an entry', () => {
    const screen = vga();
    output(screen, [0x3c7, 0x07]);
    assert.deepEqual(
      [1, 2, 3].map(() => input(screen, 0x3c9)),
      [0x2a, 0x2a, 0x2a],
    );
    // EGA brown is 0x14.
    output(screen, [0x3c7, 0x14]);
    assert.deepEqual(
      [1, 2, 3].map(() => input(screen, 0x3c9)),
      [0x2a, 0x15, 0x00],
    );
    output(screen, [0x3c8, 0x01], [0x3c9, 0x3f], [0x3c9, 0x20], [0x3c9, 0xff], [0x3c7, 0x01]);
    assert.deepEqual(
      [1, 2, 3].map(() => input(screen, 0x3c9)),
      [0x3f, 0x20, 0x3f],
    );
    assert.equal(input(screen, 0x3c8), 0x02);
  });

  it('retraces 70 times a second', () => {
    const clock = new TestClock();
    const screen = vga(new Uint8Array(RAM_SIZE), clock);
    let retraces = 0;
    let before = 0;
    // A line takes 31.8 µs, the retrace two of them.
    for (clock.now = 0; clock.now < 100_000_000; clock.now += 1000) {
      const retrace = input(screen, 0x3da) & 0x08;
      if (retrace > before) retraces++;
      before = retrace;
    }
    assert.equal(retraces, 70);
  });

  it('comes back from its state', () => {
    const screen = vga();
    crtc(screen, [0x0e, 0x01], [0x0f, 0x02]);
    output(screen, [0x3c0, 0x11], [0x3c8, 0x05], [0x3c9, 0x11]);
    const copy = vga();
    copy.restore(throughJson(screen.save()));
    assert.deepEqual(copy.save(), screen.save());
    output(copy, [0x3c0, 0x2a]);
    assert.equal(input(copy, 0x3c1), 0x2a);
    assert.equal(input(screen, 0x3c1), 0x00);
  });
});

/** Sequencer (0x3c4), graphics (0x3ce), CRTC (0x3d4) registers from 0 on, and the attribute controller's. */
interface Mode {
  readonly miscellaneous: number;
  readonly sequencer: readonly number[];
  readonly crtc: readonly number[];
  readonly graphics: readonly number[];
  readonly attribute: readonly number[];
}

const IDENTITY = Array.from({ length: 16 }, (_, index) => index);

/** IBM VGA Technical Reference, "Video BIOS mode tables". */
const MODES = {
  '13h': {
    miscellaneous: 0x63,
    sequencer: [0x03, 0x01, 0x0f, 0x00, 0x0e],
    // prettier-ignore
    crtc: [
      0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x9c, 0x0e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff,
    ],
    graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff],
    attribute: [...IDENTITY, 0x41, 0x00, 0x0f, 0x00, 0x00],
  },
  '12h': {
    miscellaneous: 0xe3,
    sequencer: [0x03, 0x01, 0x0f, 0x00, 0x06],
    // prettier-ignore
    crtc: [
      0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0xea, 0x0c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff,
    ],
    graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff],
    attribute: [...IDENTITY, 0x01, 0x00, 0x0f, 0x00, 0x00],
  },
  '0Dh': {
    miscellaneous: 0x63,
    sequencer: [0x03, 0x09, 0x0f, 0x00, 0x06],
    // prettier-ignore
    crtc: [
      0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x9c, 0x0e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xe3, 0xff,
    ],
    graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff],
    attribute: [...IDENTITY, 0x01, 0x00, 0x0f, 0x00, 0x00],
  },
  '4': {
    miscellaneous: 0x63,
    sequencer: [0x03, 0x09, 0x03, 0x00, 0x02],
    // prettier-ignore
    crtc: [
      0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x9c, 0x0e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff,
    ],
    graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x0f, 0xff],
    attribute: [...IDENTITY, 0x01, 0x00, 0x03, 0x00, 0x00],
  },
} as const satisfies Readonly<Record<string, Mode>>;

function setMode(screen: Vga, mode: Mode): void {
  output(screen, [0x3c2, mode.miscellaneous], [0x3d4, 0x11], [0x3d5, 0x00]);
  for (const [port, values] of [
    [0x3c4, mode.sequencer],
    [0x3d4, mode.crtc],
    [0x3ce, mode.graphics],
  ] as const)
    values.forEach((value, index) => output(screen, [port, index], [port + 1, value]));
  input(screen, 0x3da);
  mode.attribute.forEach((value, index) => output(screen, [0x3c0, index], [0x3c0, value]));
  output(screen, [0x3c0, 0x20]);
}

function pictureOf(screen: Vga) {
  const { picture, rows } = screen.snapshot();
  assert.ok(picture);
  assert.equal(rows, 0);
  const pixel = (x: number, y: number): number | undefined => picture.pixels[y * picture.width + x];
  return { ...picture, pixel };
}

describe('VGA graphics', () => {
  it('mode 13h: 320 x 200, a byte a pixel, colours from the palette', () => {
    const screen = vga();
    setMode(screen, MODES['13h']);
    screen.memoryWrite(0xa0000, 32, 0x04030201);
    screen.memoryWrite(0xa0000 + 199 * 320 + 319, 8, 0xfe);
    output(screen, [0x3c8, 0xfe], [0x3c9, 0x3f], [0x3c9, 0x00], [0x3c9, 0x20]);
    const { width, height, pixel, palette } = pictureOf(screen);
    assert.deepEqual([width, height, screen.summary], [320, 200, 'graphics 320 x 200']);
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((x) => pixel(x, 0)),
      [1, 2, 3, 4, 0],
    );
    assert.equal(pixel(319, 199), 0xfe);
    assert.deepEqual([...palette.subarray(0xfe * 3, 0xff * 3)], [255, 0, 130]);
    assert.equal(screen.memoryRead(0xa0000, 32), 0x04030201);
  });

  it('mode X: 13h unchained, four pages by the start address, split by the line compare', () => {
    const screen = vga();
    setMode(screen, MODES['13h']);
    output(screen, [0x3c4, 0x04], [0x3c5, 0x06]);
    crtc(screen, [0x14, 0x00], [0x17, 0xe3]);
    output(screen, [0x3c4, 0x02], [0x3c5, 0x02]);
    // Plane 1 of the second page: pixel 1 of its groups of four.
    screen.memoryWrite(0xa0000 + 16_000, 8, 0x77);
    screen.memoryWrite(0xa0000, 8, 0x55);
    assert.equal(pictureOf(screen).pixel(1, 0), 0x55);
    crtc(screen, [0x0c, 16_000 >> 8], [0x0d, 16_000 & 0xff]);
    assert.equal(pictureOf(screen).pixel(1, 0), 0x77);
    // Scan line 200 begins at address 0: picture line 100.
    crtc(screen, [0x18, 199], [0x07, 0x0f], [0x09, 0x01]);
    assert.deepEqual([pictureOf(screen).pixel(1, 99), pictureOf(screen).pixel(1, 100)], [0, 0x55]);
  });

  it('mode 12h: 640 x 480, a bit of each plane a pixel, through the attribute palette', () => {
    const screen = vga();
    setMode(screen, MODES['12h']);
    output(screen, [0x3c4, 0x02], [0x3c5, 0x05]);
    screen.memoryWrite(0xa0000 + 80 + 1, 8, 0x90);
    const { width, height, pixel } = pictureOf(screen);
    assert.deepEqual([width, height], [640, 480]);
    assert.deepEqual(
      [7, 8, 9, 10, 11, 12].map((x) => pixel(x, 1)),
      [0, 5, 0, 0, 5, 0],
    );
    input(screen, 0x3da);
    output(screen, [0x3c0, 0x05], [0x3c0, 0x3b], [0x3c0, 0x33], [0x3c0, 0x03], [0x3c0, 0x20]);
    // Panned by three pixels.
    assert.deepEqual([pictureOf(screen).pixel(5, 1), pictureOf(screen).pixel(8, 1)], [0x3b, 0x3b]);
    input(screen, 0x3da);
    output(screen, [0x3c0, 0x12], [0x3c0, 0x01], [0x3c0, 0x20]);
    assert.equal(pictureOf(screen).pixel(5, 1), 0x01);
  });

  it('mode 0Dh: 320 x 200 from 400 lines', () => {
    const screen = vga();
    setMode(screen, MODES['0Dh']);
    screen.memoryWrite(0xa0000 + 199 * 40 + 39, 8, 0x01);
    const { width, height, pixel } = pictureOf(screen);
    assert.deepEqual([width, height, pixel(319, 199), pixel(318, 199)], [320, 200, 15, 0]);
  });

  it('mode 4: two bits a pixel at 0xb8000, odd lines 8 KiB further', () => {
    const screen = vga();
    setMode(screen, MODES['4']);
    screen.memoryWrite(0xb8000, 16, 0xe41b);
    screen.memoryWrite(0xba000, 8, 0x80);
    screen.memoryWrite(0xb8000 + 80, 8, 0x40);
    const { width, height, pixel } = pictureOf(screen);
    assert.deepEqual([width, height], [320, 200]);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((x) => pixel(x, 0)),
      [0, 1, 2, 3, 3, 2, 1, 0, 0],
    );
    assert.deepEqual([pixel(0, 1), pixel(0, 2)], [2, 1]);
  });

  it('puts itself in front of text memory only while that is more than text', () => {
    const ram = new Uint8Array(RAM_SIZE);
    const pages: [number, number, boolean][] = [];
    const video = { ram, setDevicePages: (...range: [number, number, boolean]) => void pages.push(range) };
    const screen = new Vga(new TestClock(), video, () => undefined);
    poke(ram, 0, 'kept', 0x1f);
    const text = screen.save();
    setMode(screen, MODES['13h']);
    setMode(screen, { ...MODES['13h'], sequencer: [3, 0, 3, 0, 2], graphics: [0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff] });
    assert.deepEqual(pages, [
      [0xa0000, 0xb7fff, true],
      [0xb8000, 0xbffff, true],
      [0xb8000, 0xbffff, false],
    ]);
    screen.restore(text);
    assert.equal(screen.snapshot().characters[0]?.trimEnd(), 'kept');
    assert.equal(screen.summary, 'text 80 x 25');
  });

  it('has 40 columns, 50 rows and a row of its own width when the CRTC says so', () => {
    const ram = new Uint8Array(RAM_SIZE);
    const screen = vga(ram);
    poke(ram, 100, 'x', 7);
    crtc(screen, [0x11, 0x0e], [0x01, 39], [0x09, 0x47], [0x13, 50]);
    const { columns, rows, characters, blinks } = screen.snapshot();
    assert.deepEqual([columns, rows, blinks], [40, 50, true]);
    assert.equal(characters[1], 'x'.padEnd(40));
    input(screen, 0x3da);
    output(screen, [0x3c0, 0x10], [0x3c0, 0x04], [0x3c0, 0x20]);
    assert.equal(screen.snapshot().blinks, false);
  });

  it('says when memory is touched that its registers do not map', () => {
    const gaps: string[] = [];
    const screen = new Vga(
      new TestClock(),
      { ram: new Uint8Array(RAM_SIZE), setDevicePages: () => undefined },
      (what) => gaps.push(what),
    );
    assert.equal(screen.memoryRead(0xa0010, 16), 0xffff);
    assert.equal(gaps[0], 'VGA memory at phys:0x000a0000: its registers do not map it there');
  });

  it('answers at 0x3b. instead of 0x3d. when the miscellaneous output says so', () => {
    const screen = vga();
    output(screen, [0x3c2, 0x66], [0x3b4, 0x0f], [0x3b5, 0x42]);
    assert.equal(input(screen, 0x3b5), 0x42);
    assert.equal(input(screen, 0x3d5), 0xff);
    output(screen, [0x3c2, 0x67]);
    assert.equal(input(screen, 0x3d5), 0x42);
    assert.equal(input(screen, 0x3b5), 0xff);
  });

  it('retraces 60 times a second in mode 12h', () => {
    const clock = new TestClock();
    const screen = vga(new Uint8Array(RAM_SIZE), clock);
    setMode(screen, MODES['12h']);
    let retraces = 0;
    let before = 0;
    for (clock.now = 0; clock.now < 100_000_000; clock.now += 1000) {
      const retrace = input(screen, 0x3da) & 0x08;
      if (retrace > before) retraces++;
      before = retrace;
    }
    // 25.175 MHz / (800 * 525) is 59.94 Hz.
    assert.equal(retraces, 60);
  });

  it('comes back from its state with planes and latches', () => {
    const screen = vga();
    setMode(screen, MODES['12h']);
    screen.memoryWrite(0xa1234, 8, 0x5a);
    screen.memoryRead(0xa1234, 8);
    const copy = vga();
    copy.restore(throughJson(screen.save()));
    output(copy, [0x3ce, 0x05], [0x3cf, 0x01]);
    copy.memoryWrite(0xa0000, 8, 0x00);
    assert.deepEqual([copy.memoryRead(0xa1234, 8), copy.memoryRead(0xa0000, 8)], [0x5a, 0x5a]);
  });
});
