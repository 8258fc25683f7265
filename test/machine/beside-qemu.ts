import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, GUEST_BASE, machineWith } from './guest.ts';

const HEADER_SIZE = 32;
const MEMORY = 0x1000000;

/** A Multiboot image by the a.out kludge that runs the 32-bit NASM source and then writes 0 to the debug exit port. */
export function qemuImage(source: string): Uint8Array {
  return assemble(`
header:
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  dd header, header, 0, 0, start
start:
  ${source}
  mov al, 0
  out 0xf4, al
  hlt`);
}

/** What the image prints to port 0xe9 under QEMU until it writes 0 to the debug exit port. */
export function underQemu(image: Uint8Array): number[] {
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

/** What it prints on our machine. */
export function underOurs(image: Uint8Array): number[] {
  const machine = machineWith(image, { memory: MEMORY, entry: GUEST_BASE + HEADER_SIZE });
  const bytes: number[] = [];
  machine.console.on((character) => bytes.push(character.charCodeAt(0)));
  assert.equal(machine.run({ maxInstructions: 1_000_000 }).reason, 'debug-exit');
  return bytes;
}
