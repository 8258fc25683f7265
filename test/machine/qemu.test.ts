import assert from 'node:assert/strict';
import { requireTool } from '../support/tools.ts';
import { qemuImage, underOurs, underQemu } from './beside-qemu.ts';

/** A register access of the test guest: `[port]` reads a byte and prints it, with `'discard'` it only reads; `[port, value]` writes. */
/** From 0xa0000 on it is an address of memory. */
type Step = readonly [port: number] | readonly [port: number, value: number | 'discard'];

/** Set and graphics registers in order, from 0: index port, then data port. */
const registers = (index: number, values: Readonly<Record<number, number>>): Step[] =>
  Object.entries(values).flatMap(([register, value]): Step[] => [
    [index, Number(register)],
    [index + 1, value],
  ]);

const SEQUENCER = 0x3c4;
const GRAPHICS = 0x3ce;
/** Mode 12h as far as the CPU sees it: planes at 0xa0000. */
const PLANAR = [
  ...registers(SEQUENCER, { 2: 0x0f, 4: 0x06 }),
  ...registers(GRAPHICS, { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0x00, 6: 0x05, 7: 0x0f, 8: 0xff }),
];
const TEXT = [
  ...registers(SEQUENCER, { 2: 0x03, 4: 0x02 }),
  ...registers(GRAPHICS, { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0x10, 6: 0x0e, 7: 0x0f, 8: 0xff }),
];
/** What each plane holds at an address. */
const planes = (address: number): Step[] =>
  [0, 1, 2, 3].flatMap((plane): Step[] => [...registers(GRAPHICS, { 4: plane }), [address]]);

const at = (index: number, data: number, registers: readonly number[]): Step[] =>
  registers.flatMap((register): Step[] => [[index, register], [data]]);

/** A byte for the mouse, and its answer of `answers` bytes. */
const mouse = (byte: number, answers = 1): Step[] => [
  [0x64, 0xd4],
  [0x60, byte],
  ...new Array<Step>(answers).fill([0x60]),
];

/**
 * What both must read. Left out is what QEMU does not model: the change bits of MSR in loopback, bit 3 of the 8042's status
 * after a data write, the gate of the 8254; where text and chained bytes lie in their planes; and what depends on time.
 */
// prettier-ignore
const SEQUENCES: Readonly<Record<string, readonly Step[]>> = {
  'as the firmware left them: masks, serial port, screen': [
    [0x21], [0xa1], [0x92],
    ...[1, 2, 3, 5, 6].map((register): Step => [0x3f8 + register]),
    [0x3fb, 0x80], [0x3f8], [0x3f9], [0x3fb, 0x00],
    [0x3cc],
    // Without 0x0e and 0x0f: the firmware has printed.
    ...at(0x3d4, 0x3d5, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 20, 21, 22, 23, 24]),
    ...at(0x3c4, 0x3c5, [1, 2, 3, 4]),
    ...at(0x3ce, 0x3cf, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    [0x3c7, 0x00], ...new Array<Step>(64 * 3).fill([0x3c9]),
  ],
  '8259A: remap, masks, ELCR, automatic EOI, poll': [
    [0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, 0x01], [0x21],
    [0xa0, 0x11], [0xa1, 0x28], [0xa1, 0x02], [0xa1, 0x03], [0xa1],
    [0x21, 0xfb], [0xa1, 0xff], [0x21], [0xa1],
    [0xa0, 0x0b], [0xa0], [0xa0, 0x0a], [0xa0], [0x20, 0x0b], [0x20],
    [0xa0, 0x0c], [0xa0], [0x4d0, 0xff], [0x4d1, 0xff], [0x4d0], [0x4d1], [0x4d0, 0x00], [0x4d1, 0x00],
  ],
  '16550A: scratch, divisor, FIFO, loopback, THRE interrupt': [
    [0x3ff, 0xa5], [0x3ff], [0x3fb, 0x83], [0x3f8, 0x01], [0x3f9, 0x00], [0x3f8], [0x3f9], [0x3fb], [0x3fb, 0x03],
    [0x3fa, 0xc7], [0x3fa], [0x3f9, 0x02], [0x3fa], [0x3fa], [0x3f9, 0x00],
    [0x3fc, 0x1e], [0x3fc], [0x3f8, 0xae],
    // Under QEMU the byte is there at once, here after the time of its frame.
    [0x3fd, 'discard'], [0x3fd, 'discard'], [0x3fd], [0x3f8], [0x3fd], [0x3fe, 'discard'], [0x3fe], [0x3fc, 0x1f], [0x3fe, 'discard'], [0x3fe],
    [0x3f9, 0xff], [0x3f9], [0x3f9, 0x00], [0x3fa, 0x00], [0x3fa],
  ],
  '8042: self-test, interfaces, command byte, keyboard': [
    [0x64, 0xaa], [0x64], [0x60], [0x64, 0xab], [0x60], [0x64, 0xa9], [0x60],
    [0x64, 0x60], [0x60, 0x64], [0x64, 0x20], [0x60], [0x64, 0xad], [0x64, 0x20], [0x60],
    [0x64, 0xa8], [0x64, 0xae], [0x64, 0x20], [0x60], [0x64, 0xd2], [0x60, 0x77], [0x60],
    [0x60, 0xee], [0x60], [0x60, 0xf2], [0x60], [0x60], [0x60], [0x60, 0xed], [0x60], [0x60, 0x02], [0x60],
    [0x60, 0xf0], [0x60], [0x60, 0x01], [0x60], [0x60, 0xff], [0x60], [0x60],
    [0x64, 0xd3], [0x60, 0x11], [0x60], [0x64, 0xd3], [0x64],
  ],
  '8042 and PS/2 mouse: reset, identity, status, IntelliMouse, remote, wrap': [
    [0x64, 0xa8], [0x64, 0x60], [0x60, 0x40],
    ...[0xff, 0xf2, 0xf6, 0xe9].flatMap((command) => mouse(command, { 0xff: 3, 0xf2: 2, 0xe9: 4 }[command])),
    ...[0xf3, 200, 0xf3, 100, 0xf3, 80].flatMap((byte) => mouse(byte)), ...mouse(0xf2, 2),
    ...[0xf3, 200, 0xf3, 200, 0xf3, 80].flatMap((byte) => mouse(byte)), ...mouse(0xf2, 2),
    ...[0xe8, 3, 0xe7, 0xf4].flatMap((byte) => mouse(byte)), ...mouse(0xe9, 4),
    ...mouse(0xf0), ...mouse(0xe9, 4), ...mouse(0xeb, 5), ...mouse(0xea),
    ...mouse(0xee), ...mouse(0x55), ...mouse(0xf2), ...mouse(0xec), ...mouse(0xff, 3),
    [0x64, 0xa7], [0x64, 0x20], [0x60], ...mouse(0xf5), [0x64, 0x20], [0x60],
  ],
  'A20 through the 8042': [
    // The guest lies at an odd megabyte: without A20 it would be gone.
    [0x64, 0xd0], [0x60], [0x64, 0xdf], [0x64, 0xd0], [0x60],
    [0x64, 0xd1], [0x60, 0xdf], [0x92, 0x02], [0x92],
  ],
  '8237A: masks, addresses, counts, pages': [
    [0x0d, 0], [0x0f], [0x0e, 0], [0x0f], [0x0a, 0x06], [0x0f], [0x0f, 0x0f], [0x0f], [0x0a, 0x02], [0x0f], [0x08],
    [0x0c, 0], [0x04, 0x34], [0x04, 0x12], [0x05, 0xff], [0x05, 0x01], [0x0c, 0], [0x04], [0x04], [0x05], [0x05],
    [0x81, 0x5a], [0x81], [0x87, 0xa5], [0x87], [0x8f, 0x11], [0x8f],
    [0xda, 0], [0xde], [0xd8, 0], [0xc4, 0x78], [0xc4, 0x56], [0xd8, 0], [0xc4], [0xc4],
  ],
  'MC146818: setting the time and the alarm': [
    [0x70, 0x0b], [0x71, 0x82], [0x70, 0x0b], [0x71],
    ...[0x00, 0x02, 0x04, 0x07, 0x08, 0x09].flatMap((register): Step[] => [[0x70, register], [0x71, 0x12]]),
    [0x70, 0x06], [0x71, 0x04],
    ...at(0x70, 0x71, [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09]),
    [0x70, 0x0b], [0x71, 0x02], ...at(0x70, 0x71, [0x02, 0x04, 0x06, 0x07, 0x08, 0x09]),
    [0x70, 0x05], [0x71, 0xc5], [0x70, 0x05], [0x71],
  ],
  'CMOS: format, memory sizes, a byte of memory': [
    ...at(0x70, 0x71, [0x0b, 0x0d, 0x15, 0x16, 0x30, 0x31, 0x34, 0x35]),
    [0x70, 0x4f], [0x71, 0x5a], [0x70, 0x4f], [0x71],
  ],
  'VGA planes: map mask, write modes 0 to 3, logical operations, latches': [
    ...PLANAR, [0xa0000, 0xc5], ...planes(0xa0000),
    ...registers(SEQUENCER, { 2: 0x05 }), [0xa0000, 0x3a], ...planes(0xa0000), ...registers(SEQUENCER, { 2: 0x0f }),
    // Set/reset with a rotated value and a bit mask.
    ...registers(GRAPHICS, { 0: 0x09, 1: 0x0c, 3: 0x03, 8: 0x3c }), [0xa0000, 'discard'], [0xa0001, 0xd1], ...planes(0xa0001),
    // AND, OR, XOR with the latches.
    ...[0x08, 0x10, 0x18].flatMap((operation): Step[] => [
      ...registers(GRAPHICS, { 0: 0, 1: 0, 3: operation, 8: 0x7e }), [0xa0000, 'discard'], [0xa0002, 0x95], ...planes(0xa0002),
    ]),
    // Write mode 1 copies the latches.
    ...registers(GRAPHICS, { 3: 0, 5: 0x01 }), [0xa0001, 'discard'], [0xa0003, 0xff], ...planes(0xa0003),
    // Write mode 2: a colour under the bit mask.
    ...registers(GRAPHICS, { 5: 0x02, 8: 0x0f }), [0xa0000, 'discard'], [0xa0004, 0x0a], ...planes(0xa0004),
    // Write mode 3: set/reset under the rotated value and the bit mask.
    ...registers(GRAPHICS, { 0: 0x06, 3: 0x02, 5: 0x03, 8: 0xf3 }), [0xa0001, 'discard'], [0xa0005, 0x5d], ...planes(0xa0005),
    ...TEXT,
  ],
  'VGA planes: read mode 1 compares colours': [
    ...PLANAR, ...registers(GRAPHICS, { 5: 0x02 }),
    ...[0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80].flatMap((bit, colour): Step[] => [
      ...registers(GRAPHICS, { 8: bit }), [0xa0010, 'discard'], [0xa0010, colour * 2 + 1],
    ]),
    ...[[0x05, 0x0f], [0x05, 0x07], [0x08, 0x08], [0x00, 0x00], [0x0f, 0x0f]].flatMap(([colour = 0, care = 0]): Step[] => [
      ...registers(GRAPHICS, { 2: colour, 5: 0x08, 7: care }), [0xa0010],
    ]),
    ...TEXT,
  ],
  'VGA mode 13h memory: chain 4': [
    ...PLANAR, ...registers(SEQUENCER, { 4: 0x0e }), ...registers(GRAPHICS, { 5: 0x40 }),
    ...[0, 1, 2, 3, 4, 5, 319, 320, 63_999].map((offset, index): Step => [0xa0000 + offset, index * 7 + 1]),
    ...[0, 1, 2, 3, 4, 5, 319, 320, 63_999].map((offset): Step => [0xa0000 + offset]),
    // The window of 64 KiB ends at 0xaffff.
    [0xb0000], ...TEXT,
  ],
  'VGA text memory: character, attribute and a font beside them, while it is plain and while it is not': [
    [0xb8000, 0x41], [0xb8001, 0x1f], [0xb8f9e, 0x5a], [0xb8f9f, 0x70],
    // A font goes to plane 2, as every console driver writes it.
    ...registers(SEQUENCER, { 2: 0x04, 4: 0x07 }), ...registers(GRAPHICS, { 4: 0x02, 5: 0x00, 6: 0x04 }),
    [0xa0000 + 0x41 * 32, 0x7e], [0xa0000 + 0x41 * 32 + 1, 0x81], [0xa0000 + 0x41 * 32], [0xa0000 + 0x41 * 32 + 1],
    ...planes(0xa0000), [0xb8000],
    ...TEXT, [0xb8000], [0xb8001], [0xb8f9e], [0xb8f9f],
    ...PLANAR, ...planes(0xa0000), ...registers(GRAPHICS, { 4: 0x02 }), [0xa0000 + 0x41 * 32], ...TEXT, [0xb8001],
    // Only attributes through the map mask, then the monochrome window.
    ...registers(SEQUENCER, { 2: 0x02 }), [0xb8000, 0x55], [0xb8001, 0x66], ...TEXT, [0xb8000], [0xb8001],
    ...registers(GRAPHICS, { 6: 0x0a }), [0xb0000], [0xb0001], [0xb8000], ...TEXT,
  ],
  'VGA: write protection, flip-flop, palette': [
    [0x3d4, 0x00], [0x3d5, 0x11], [0x3d5], [0x3d4, 0x07], [0x3d5, 0x0f], [0x3d5], [0x3d4, 0x0e], [0x3d5, 0x12], [0x3d5],
    [0x3c4, 0x02], [0x3c5, 0x0f], [0x3c5], [0x3ce, 0x08], [0x3cf, 0x55], [0x3cf],
    [0x3da, 'discard'], [0x3c0, 0x31], [0x3da, 'discard'], [0x3c0], [0x3c1],
    [0x3c8, 0x10], [0x3c9, 0x01], [0x3c9, 0x02], [0x3c9, 0x03], [0x3c7, 0x10], [0x3c9], [0x3c9], [0x3c9],
  ],
};

/** Source that makes the accesses and prints what it reads through port 0xe9. */
function guest(steps: readonly Step[]): string {
  const body = steps.map(([port, value]) => {
    if (port >= 0xa0000) {
      if (value === undefined) return `mov al, [${port}]\nout 0xe9, al`;
      return value === 'discard' ? `mov al, [${port}]` : `mov byte [${port}], ${value}`;
    }
    if (value === undefined) return `mov edx, ${port}\nin al, dx\nout 0xe9, al`;
    if (value === 'discard') return `mov edx, ${port}\nin al, dx`;
    return `mov edx, ${port}\nmov al, ${value}\nout dx, al`;
  });
  return body.join('\n');
}

/** Readings with their place in the sequence, so that a difference says where it is. */
function labelled(steps: readonly Step[], bytes: readonly number[]): string[] {
  let read = 0;
  return steps.map(([port, value], index) => {
    if (value !== undefined) return `${index}: ${port.toString(16)} ${value}`;
    return `${index}: ${port.toString(16)} reads ${bytes[read++]?.toString(16) ?? 'nothing'}`;
  });
}

describe('devices beside QEMU', () => {
  before(function () {
    requireTool(this, 'nasm');
    requireTool(this, 'qemu-system-i386');
  });

  for (const [name, steps] of Object.entries(SEQUENCES)) {
    it(name, () => {
      const image = qemuImage(guest(steps));
      assert.deepEqual(labelled(steps, underOurs(image)), labelled(steps, underQemu(image)));
    }).timeout(60_000);
  }
});
