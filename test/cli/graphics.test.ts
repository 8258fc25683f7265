import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireTool } from '../support/tools.ts';
import { MODES } from '../machine/video/vga-bench.ts';

/** OUT instructions for pairs of port and byte. */
function outputs(writes: readonly (readonly [port: number, value: number])[]): string {
  return writes.map(([port, value]) => `mov dx, ${port}\n mov al, ${value}\n out dx, al`).join('\n');
}

/** A Multiboot kernel that sets mode 13h, makes colour 1 pure red and paints the screen with it. */
function paintingKernel(): string {
  const mode = MODES['13h'];
  const indexed = (port: number, values: readonly number[]): (readonly [number, number])[] =>
    values.flatMap((value, index): [number, number][] => [
      [port, index],
      [port + 1, value],
    ]);
  return `bits 32
    org 0x100000
  header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, 0x100000, end, end, start
  start:
    cld
    ${outputs([
      [0x3c2, mode.miscellaneous],
      ...indexed(0x3c4, mode.sequencer),
      [0x3d4, 0x11],
      [0x3d5, 0x00],
      ...indexed(0x3d4, mode.crtc),
      ...indexed(0x3ce, mode.graphics),
    ])}
    mov dx, 0x3da
    in al, dx
    ${outputs(
      mode.attribute.flatMap((value, index): [number, number][] => [
        [0x3c0, index],
        [0x3c0, value],
      ]),
    )}
    ${outputs([
      [0x3c0, 0x20],
      [0x3c8, 1],
      [0x3c9, 63],
      [0x3c9, 0],
      [0x3c9, 0],
    ])}
    mov edi, 0xa0000
    mov ecx, 64000 / 4
    mov eax, 0x01010101
    rep stosd
    cli
    hlt
  end:`;
}

describe('start-of-day boot --json of a graphics mode', () => {
  it('gives the size of the picture and the hash of its colours', function () {
    requireTool(this, 'nasm');
    const folder = mkdtempSync(path.join(os.tmpdir(), 'start-of-day-'));
    try {
      const [source, kernel] = [path.join(folder, 'paint.asm'), path.join(folder, 'paint')];
      writeFileSync(source, paintingKernel());
      execFileSync('nasm', ['-f', 'bin', '-o', kernel, source]);
      const { stdout } = spawnSync(process.execPath, ['dist/cli.js', 'boot', kernel, '--json'], { encoding: 'utf8' });
      const red = Buffer.alloc(320 * 200 * 3).map((_, n) => (n % 3 === 0 ? 255 : 0));
      const { picture } = JSON.parse(stdout) as { readonly picture?: unknown };
      assert.deepEqual(picture, { width: 320, height: 200, sha256: createHash('sha256').update(red).digest('hex') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
