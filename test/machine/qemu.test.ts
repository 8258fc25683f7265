import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../support/tools.ts';
import { assemble, GUEST_BASE, machineWith } from './guest.ts';

const HEADER_SIZE = 32;
const MEMORY = 0x1000000;

/** A register access of the test guest: `[port]` reads a byte and prints it, with `'discard'` it only reads; `[port, value]` writes. */
type Step = readonly [port: number] | readonly [port: number, value: number | 'discard'];

const at = (index: number, data: number, registers: readonly number[]): Step[] =>
  registers.flatMap((register): Step[] => [[index, register], [data]]);

/**
 * What both must read. Left out is what QEMU does not model: the change bits of MSR in loopback, bit 3 of the 8042's status
 * after a data write, the gate of the 8254; and what depends on time.
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
    [0x3fc, 0x1e], [0x3fc], [0x3f8, 0xae], [0x3fd], [0x3f8], [0x3fd], [0x3fe, 'discard'], [0x3fe], [0x3fc, 0x1f], [0x3fe, 'discard'], [0x3fe],
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
  'CMOS: format, memory sizes, a byte of memory': [
    ...at(0x70, 0x71, [0x0b, 0x0d, 0x15, 0x16, 0x30, 0x31, 0x34, 0x35]),
    [0x70, 0x4f], [0x71, 0x5a], [0x70, 0x4f], [0x71],
  ],
  'VGA: write protection, flip-flop, palette': [
    [0x3d4, 0x00], [0x3d5, 0x11], [0x3d5], [0x3d4, 0x07], [0x3d5, 0x0f], [0x3d5], [0x3d4, 0x0e], [0x3d5, 0x12], [0x3d5],
    [0x3c4, 0x02], [0x3c5, 0x0f], [0x3c5], [0x3ce, 0x08], [0x3cf, 0x55], [0x3cf],
    [0x3da, 'discard'], [0x3c0, 0x31], [0x3da, 'discard'], [0x3c0], [0x3c1],
    [0x3c8, 0x10], [0x3c9, 0x01], [0x3c9, 0x02], [0x3c9, 0x03], [0x3c7, 0x10], [0x3c9], [0x3c9], [0x3c9],
  ],
};

/** A Multiboot image by the a.out kludge that makes the accesses and prints what it reads through port 0xe9. */
function guest(steps: readonly Step[]): string {
  const body = steps.map(([port, value]) => {
    if (value === undefined) return `mov edx, ${port}\nin al, dx\nout 0xe9, al`;
    if (value === 'discard') return `mov edx, ${port}\nin al, dx`;
    return `mov edx, ${port}\nmov al, ${value}\nout dx, al`;
  });
  return `
header:
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  dd header, header, 0, 0, start
start:
  ${body.join('\n')}
  mov al, 0
  out 0xf4, al
  hlt`;
}

function underQemu(image: Uint8Array): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'start-of-day-'));
  try {
    const kernel = join(folder, 'kernel');
    const output = join(folder, 'output');
    writeFileSync(kernel, image);
    const { status, stderr } = spawnSync(
      'qemu-system-i386',
      [
        ...['-kernel', kernel, '-m', `${MEMORY / 0x100000}M`, '-display', 'none', '-no-reboot', '-serial', 'null'],
        ...['-debugcon', `file:${output}`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
      ],
      { encoding: 'utf8', timeout: 30_000 },
    );
    assert.equal(status, 1, stderr);
    return [...readFileSync(output)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function underOurs(image: Uint8Array): number[] {
  const machine = machineWith(image, { memory: MEMORY, entry: GUEST_BASE + HEADER_SIZE });
  const bytes: number[] = [];
  machine.console.on((character) => bytes.push(character.charCodeAt(0)));
  assert.equal(machine.run({ maxInstructions: 1_000_000 }).reason, 'debug-exit');
  return bytes;
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
      const image = assemble(guest(steps));
      assert.deepEqual(labelled(steps, underOurs(image)), labelled(steps, underQemu(image)));
    }).timeout(60_000);
  }
});
