import assert from 'node:assert/strict';
import { Vga } from '../../../src/machine/video/vga.ts';
import { input, output, TestClock, throughJson } from '../support.ts';
import { crtc, MODES, poke, RAM_SIZE, setMode, vga } from './vga-bench.ts';

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

  it('shows black while the display is off', () => {
    const screen = vga();
    setMode(screen, MODES['13h']);
    screen.memoryWrite(0xa0000, 8, 0x0f);
    output(screen, [0x3c4, 0x01], [0x3c5, 0x21]);
    const { pixel, palette } = pictureOf(screen);
    assert.deepEqual([pixel(0, 0), palette.length, palette.some((part) => part > 0)], [0, 768, false]);
    output(screen, [0x3c5, 0x01]);
    assert.equal(pictureOf(screen).pixel(0, 0), 0x0f);
  });

  it('lets a debugger see what the CPU would read, latches untouched', () => {
    const screen = vga();
    assert.deepEqual([screen.memoryPeek(0xa0000), screen.memoryPeek(0xb8000)], [0xff, undefined]);
    setMode(screen, MODES['12h']);
    // Plane 1 holds 0x22 at 1; the latches hold what is at 0.
    output(screen, [0x3c4, 0x02], [0x3c5, 0x01]);
    screen.memoryWrite(0xa0000, 8, 0x11);
    output(screen, [0x3c5, 0x02]);
    screen.memoryWrite(0xa0001, 8, 0x22);
    screen.memoryRead(0xa0000, 8);
    const before = screen.save();
    output(screen, [0x3ce, 0x04], [0x3cf, 0x01]);
    assert.deepEqual([screen.memoryPeek(0xa0000), screen.memoryPeek(0xa0001)], [0x00, 0x22]);
    // Read mode 1: the bits where all planes are 0 (IBM VGA Technical Reference, "Color Compare").
    output(screen, [0x3ce, 0x05], [0x3cf, 0x08]);
    assert.equal(screen.memoryPeek(0xa0001), 0xdd);
    assert.equal(screen.memoryPeek(0xb8000), 0xff);
    assert.deepEqual(screen.save()['planes'], before['planes']);
    setMode(screen, MODES['13h']);
    screen.memoryWrite(0xa0000, 32, 0x04030201);
    assert.deepEqual(
      [0, 1, 2, 3].map((offset) => screen.memoryPeek(0xa0000 + offset)),
      [1, 2, 3, 4],
    );
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
