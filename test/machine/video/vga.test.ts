import assert from 'node:assert/strict';
import { cp437 } from '../../../src/machine/video/cp437.ts';
import { input, output, TestClock, throughJson } from '../support.ts';
import { crtc, poke, RAM_SIZE, vga } from './vga-bench.ts';

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
    // Mode 3 leaves the lines 13 and 14 of 16.
    assert.deepEqual(screen.snapshot().cursor, { row: 8, column: 5, firstLine: 13, lastLine: 14 });
    assert.equal(input(screen, 0x3d5), 0x85);
    crtc(screen, [0x0a, 0x2d]);
    assert.equal(screen.snapshot().cursor, undefined);
    crtc(screen, [0x0a, 0x0d], [0x0e, 0x07], [0x0f, 0xd0]);
    assert.equal(screen.snapshot().cursor, undefined);
  });

  it('has a cursor of the scan lines in CRTC 0x0a and 0x0b, none when it ends before it starts or lies below the cell', () => {
    const screen = vga();
    const lines = (start: number, end: number) => {
      crtc(screen, [0x0a, start], [0x0b, end]);
      const { cursor, cellLines } = screen.snapshot();
      return cursor && [cursor.firstLine, cursor.lastLine, cellLines];
    };
    assert.deepEqual(lines(0x00, 0x0f), [0, 15, 16]);
    assert.deepEqual(lines(0x0e, 0x7f), [14, 15, 16]);
    assert.equal(lines(0x0e, 0x0d), undefined);
    assert.equal(lines(0x10, 0x1f), undefined);
    crtc(screen, [0x11, 0x0e], [0x09, 0x47]);
    assert.deepEqual(lines(0x06, 0x07), [6, 7, 8]);
  });

  for (const [way, off, on] of [
    [
      'the clocking mode',
      [
        [0x3c4, 0x01],
        [0x3c5, 0x20],
      ],
      [[0x3c5, 0x00]],
    ],
    [
      'the attribute index',
      [[0x3c0, 0x00]],
      [
        [0x3c0, 0x00],
        [0x3c0, 0x20],
      ],
    ],
  ] as const)
    it(`is black while ${way} turns the display off, and its memory stays`, () => {
      const ram = new Uint8Array(RAM_SIZE);
      const screen = vga(ram);
      poke(ram, 0, 'kept', 0x1f);
      output(screen, ...off);
      const { characters, attributes, cursor } = screen.snapshot();
      assert.deepEqual([characters[0]?.trim(), attributes[0], cursor], ['', 0, undefined]);
      assert.equal(screen.summary, 'text 80 x 25, off');
      output(screen, ...on);
      assert.equal(screen.snapshot().characters[0]?.trim(), 'kept');
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
