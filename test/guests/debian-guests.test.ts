import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { after, before, describe, it } from 'mocha';
import { underGdbAndQemu } from '../support/gdb-and-qemu.ts';
import { debianGuest } from '../support/guests.ts';
import { requireTool } from '../support/tools.ts';

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

  /** Where the game waits for the first time, with its screen drawn; found by running it, and meaning nothing else. */
  const GAME_WAITS = '0x100230';

  it('boots grub-invaders by its address fields to the game screen that QEMU shows, with no exception', function () {
    this.timeout(60_000);
    for (const tool of ['gdb', 'qemu-system-i386']) requireTool(this, tool);
    const { stop, faults, vga, registers } = boot(this, 'invaders', '--until', GAME_WAITS);
    assert.equal(stop.reason, 'breakpoint');
    assert.deepEqual(faults, []);
    assert.equal(registers['cr0'], '0x00000011');
    const dump = join(folder, 'text-memory');
    const script = [`hbreak *${GAME_WAITS}`, 'continue', `dump binary memory ${dump} 0xb8000 0xb8fa0`];
    underGdbAndQemu(join(folder, 'invaders.exec'), script, '0x100024');
    const characters = Buffer.from(readFileSync(dump).filter((_, index) => index % 2 === 0));
    // Glyph 0 of the VGA font is as blank as the space.
    const text = characters.toString('latin1').replaceAll('\0', ' ');
    assert.equal(vga.join(''), text);
    assert.equal(vga.join('').split('-*-').length - 1, 40);
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

  it('takes GNU Mach from its virtual entry to the panic and the prompt of its debugger that QEMU shows', function () {
    this.timeout(180_000);
    // After the prompt its debugger asks for a character for the first time.
    const options = ['--append', 'gnumach console=com0', '--until', 'cngetc', '--max', '1000000000'];
    const { stop, serial, registers, vga } = boot(this, 'gnumach', ...options);
    // Texts of the run in QEMU, and the number of symbols that readelf counts in its symbol table.
    assert.match(serial, /^GNU Mach 1\.8\+git20221224-486-dbg\r\n/);
    assert.match(serial, /Loaded ELF symbol table\tfor mach \(4678 symbols\)/);
    assert.match(serial, /biosmem: 000000000000100000:000000000008000000, available/);
    assert.match(serial, /vm_page: page table size: 32752 entries/);
    for (const text of [
      'Probing PCI hardware.',
      'scsi : detected total.',
      'panic ../kern/bootstrap.c:181: bootstrap_create: No bootstrap code loaded with the kernel!',
      'Debugger invoked: panic',
      'Kernel Breakpoint trap, eip 0xc1022484',
    ])
      assert.ok(serial.includes(text), `${text}\n${serial}`);
    // The debugger of the kernel names the frames that QEMU's run shows as addresses, and that nm finds at them.
    const frames = serial.slice(serial.indexOf('Stopped')).split(/\r?\n/).slice(1);
    const names = [
      'Debugger',
      'Panic',
      'bootstrap_create',
      'start_kernel_threads',
      'thread_continue',
      'Thread_continue',
    ];
    assert.deepEqual(
      frames.slice(0, names.length).map((line) => line.replace(/\(.*/, '').trim()),
      names,
    );
    assert.equal(frames.at(-1)?.trim(), 'db>');
    assert.equal(vga[0]?.trim(), '**** using COM port 1 for console ****');
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(Number(registers['cr0']) >>> 31, 1);
    // By nm, as the frames above.
    assert.equal(registers['eip'], '0xc1042220');
  });
});
