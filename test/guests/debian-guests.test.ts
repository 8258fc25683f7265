import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { after, before, describe, it } from 'mocha';
import { debianGuest } from '../support/guests.ts';

interface Report {
  readonly stop: { readonly reason: string; readonly description: string };
  readonly instructions: number;
  readonly registers: Readonly<Record<string, string>>;
  readonly serial: string;
  readonly vga: readonly string[];
  readonly faults: readonly unknown[];
}

/** Kernels that nobody here wrote, run from the command line as a user would. */
describe('kernels of Debian, by boot --json', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'guests-'))));
  after(() => rmSync(folder, { recursive: true }));

  function boot(test: Context, guest: 'invaders' | 'gnumach', ...options: string[]): Report {
    const { name, bytes } = debianGuest(test, guest);
    const file = join(folder, name);
    writeFileSync(file, bytes);
    const { stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'boot', file, '--json', ...options], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    assert.equal(stderr, '');
    return JSON.parse(stdout) as Report;
  }

  // Text mode positions and glyphs are those that QEMU shows for the same file.
  const INVADERS = '           -*-    -*-    -*-    -*-    -*-    -*-    -*-    -*-                 ';

  it('boots grub-invaders by its address fields to the game screen, with no exception', function () {
    this.timeout(60_000);
    const { stop, faults, vga, registers } = boot(this, 'invaders', '--max', '3000000');
    assert.equal(stop.reason, 'max-instructions');
    assert.deepEqual(faults, []);
    assert.deepEqual(vga.slice(0, 9), [
      INVADERS,
      ' '.repeat(80),
      INVADERS,
      ' '.repeat(80),
      INVADERS,
      ' '.repeat(80),
      INVADERS,
      ' '.repeat(80),
      INVADERS,
    ]);
    assert.equal(vga[24]?.trim(), '/ \\');
    assert.equal(registers['cr0'], '0x00000011');
  });

  it('lets the game react to keys: P pauses it, the space bar fires', function () {
    this.timeout(120_000);
    const paused = boot(this, 'invaders', '--max', '25000000', '--type', 'p@3000000');
    const written = paused.vga.map((line) => line.trim());
    assert.deepEqual(written.slice(written.indexOf('PAUSE'), written.indexOf('PAUSE') + 2), ['PAUSE', "PRESS 'P'"]);
    const idle = boot(this, 'invaders', '--max', '25000000');
    const fired = boot(this, 'invaders', '--max', '25000000', '--type', ' @3000000');
    const shots = ({ vga }: Report): number => vga.join('').split('|').length - 1;
    assert.equal(shots(fired), shots(idle) + 1);
  });

  it('takes GNU Mach from its virtual entry through paging to the x87 unit that this machine does not have', function () {
    this.timeout(60_000);
    const { stop, serial, registers, vga } = boot(
      this,
      'gnumach',
      '--append',
      'gnumach console=com0',
      '--max',
      '30000000',
    );
    // What the kernel itself prints: its banner, and the number of symbols that readelf counts in its symbol table.
    assert.match(serial, /^GNU Mach 1\.8\+git20221224-486-dbg\r\n/);
    assert.match(serial, /Loaded ELF symbol table\tfor mach \(4678 symbols\)/);
    assert.match(serial, /biosmem: 000000000000100000:000000000008000000, available/);
    assert.match(serial, /panic \.\.\/i386\/i386\/fpu\.c:\d+: init_fpu: No FPU!/);
    assert.equal(vga[0]?.trim(), '**** using COM port 1 for console ****');
    assert.equal(stop.reason, 'triple-fault');
    assert.equal(Number(registers['cr0']) >>> 31, 1);
    assert.ok(Number(registers['eip']) >= 0xc1000000);
  });
});
