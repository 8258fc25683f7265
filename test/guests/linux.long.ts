import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { debianLinux } from '../support/guests.ts';
import { requireTool } from '../support/tools.ts';

const PANIC = 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)';
const CMDLINE = 'console=ttyS0 earlyprintk=serial,ttyS0 nokaslr panic=-1';

/** The vmlinux that a Debian bzImage unpacks, by the xz of this system, which does not mind the size behind its data. */
function vmlinuxOf(test: Context, bytes: Uint8Array): Uint8Array {
  requireTool(test, 'xz');
  const file = Buffer.from(bytes);
  const start = (file.readUInt8(0x1f1) + 1) * 512 + file.readUInt32LE(0x248);
  const payload = file.subarray(start, start + file.readUInt32LE(0x24c));
  const { stdout } = spawnSync('xz', ['-dc', '--single-stream'], { input: payload, maxBuffer: 1 << 26 });
  assert.equal(stdout.toString('latin1', 1, 4), 'ELF');
  return stdout;
}

/** Debian's kernel for 32-bit CPUs, some minutes for each: `npm run test:guests`, not part of `npm test`. */
describe('Linux of Debian, by boot --json', function () {
  this.timeout(1_800_000);

  for (const [entry, kind] of [
    ['linux16', 'bzImage'],
    ['linux32', 'bzImage'],
    ['linux32', 'vmlinux'],
    ['pvh', 'vmlinux'],
  ] as const)
    it(`goes as ${kind} by ${entry} to where it wants a root file system, and restarts as panic=-1 says`, function () {
      const { release, bytes } = debianLinux(this);
      const folder = mkdtempSync(join(tmpdir(), 'linux-'));
      try {
        const file = join(folder, kind);
        writeFileSync(file, kind === 'vmlinux' ? vmlinuxOf(this, bytes) : bytes);
        const options = ['--entry', entry, '--memory', '256M', '--append', CMDLINE, '--max', '20000000000'];
        const { stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'boot', file, '--json', ...options], {
          encoding: 'utf8',
          maxBuffer: 1 << 24,
        });
        assert.equal(stderr, '');
        const { stop, serial } = JSON.parse(stdout) as { stop: { reason: string }; serial: string };
        // Texts of init/version.c, arch/x86, init/main.c and init/do_mounts.c of Linux.
        for (const text of [
          `Linux version ${release} `,
          `Kernel command line: ${CMDLINE}`,
          'NX (Execute Disable) protection: active',
          'ACPI: Interpreter enabled',
          'clk: Disabling unused clocks',
          PANIC,
        ])
          assert.ok(serial.includes(text), `${text}\n${serial}`);
        assert.doesNotMatch(serial, /\b(BUG|Oops|WARNING):/);
        assert.equal(stop.reason, 'shutdown');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});
