import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireTool } from '../support/tools.ts';
import { outputs, programMode } from '../machine/video/mode-assembly.ts';

/** A Multiboot kernel that sets mode 13h, makes colour 1 pure red and paints the screen with it. */
function paintingKernel(): string {
  return `bits 32
    org 0x100000
  header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000), header, 0x100000, end, end, start
  start:
    cld
    ${programMode('13h')}
    ${outputs([
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
