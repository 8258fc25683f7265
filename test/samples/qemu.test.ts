import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requireTool } from '../support/tools.ts';
import { samplePath, type SampleName } from './samples.ts';
import {
  KEYBOARD_SERIAL,
  KEYBOARD_SERIAL_TYPED,
  PARAVIRT_FAULT_LINE,
  PARAVIRT_SERIAL,
  TRIPLE_FAULT_SERIAL,
} from './serial-truth.ts';

const QEMU = 'qemu-system-i386';

const options = (name: SampleName): string[] => [
  ...['-kernel', samplePath(name), '-m', '128M', '-display', 'none', '-no-reboot'],
  ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
];

function run(name: SampleName, cmdline: string, timeout: number): { serial: string; status: number | null } {
  const done = spawnSync(QEMU, [...options(name), '-serial', 'stdio', '-append', cmdline], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
  });
  return { serial: done.stdout.replaceAll('\r', ''), status: done.status };
}

/** Waits until `file` holds `text` (or matches it). */
async function serialShows(file: string, text: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (existsSync(file) && readFileSync(file, 'utf8').replaceAll('\r', '').includes(text)) return;
    await sleep(50);
  }
  assert.fail(`COM1 never showed ${JSON.stringify(text)}`);
}

describe('sample kernels under QEMU', function () {
  this.timeout(60000);

  before(function () {
    requireTool(this, QEMU);
  });

  it('paravirt prints its memory map and leaves by the debug exit', () => {
    assert.deepEqual(run('multiboot', 'exit', 30000), { serial: PARAVIRT_SERIAL, status: 1 });
  });

  it('paravirt catches its own UD2 at the instruction that objdump shows', () => {
    const { serial } = run('multiboot', 'fault', 3000);
    const address = PARAVIRT_FAULT_LINE.exec(serial)?.[1] ?? '';
    const code = execFileSync('objdump', ['-d', '--start-address', address, samplePath('multiboot')], {
      encoding: 'utf8',
    });
    assert.match(code, new RegExp(`^ +${Number(address).toString(16)}:\\t0f 0b +\\tud2`, 'm'));
  });

  it('triple-fault prints one line and resets the machine', () => {
    assert.deepEqual(run('triple-fault', '', 30000), { serial: TRIPLE_FAULT_SERIAL, status: 0 });
  });

  it('keyboard counts ticks, echoes keys and leaves at q', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keyboard-'));
    const serial = join(folder, 'serial');
    const qemu = spawn(QEMU, [...options('keyboard'), '-serial', `file:${serial}`, '-monitor', 'stdio'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const exit = once(qemu, 'exit');
    try {
      await serialShows(serial, KEYBOARD_SERIAL);
      let echoed = KEYBOARD_SERIAL;
      for (const [key, character] of [
        ['h', 'h'],
        ['i', 'i'],
        ['spc', ' '],
        ['1', '1'],
        ['ret', '\n'],
      ] as const) {
        qemu.stdin.write(`sendkey ${key}\n`);
        await serialShows(serial, (echoed += character));
      }
      qemu.stdin.write('sendkey q\n');
      assert.deepEqual(await exit, [1, null]);
      assert.match(readFileSync(serial, 'utf8').replaceAll('\r', ''), KEYBOARD_SERIAL_TYPED);
    } finally {
      qemu.kill();
      rmSync(folder, { recursive: true });
    }
  });
});
