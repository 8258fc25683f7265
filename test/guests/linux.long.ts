import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianLinux } from '../support/guests.ts';

/** Debian's kernel for 32-bit CPUs, some minutes: `npm run test:guests`, not part of `npm test`. */
describe('Linux of Debian, by boot --json', function () {
  this.timeout(1_800_000);

  for (const entry of ['linux32', 'linux16'])
    it(`goes from its ${entry} entry to where it wants a root file system, and restarts as panic=-1 says`, function () {
      const { release, bytes } = debianLinux(this);
      const folder = mkdtempSync(join(tmpdir(), 'linux-'));
      try {
        const file = join(folder, `vmlinuz-${release}`);
        writeFileSync(file, bytes);
        const cmdline = 'console=ttyS0 earlyprintk=serial,ttyS0 nokaslr panic=-1';
        const options = ['--entry', entry, '--memory', '256M', '--append', cmdline, '--max', '20000000000'];
        const { stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'boot', file, '--json', ...options], {
          encoding: 'utf8',
          maxBuffer: 1 << 24,
        });
        assert.equal(stderr, '');
        const { stop, serial } = JSON.parse(stdout) as { stop: { reason: string }; serial: string };
        // Texts of init/version.c, arch/x86, init/main.c and init/do_mounts.c of Linux.
        for (const text of [
          `Linux version ${release} `,
          `Kernel command line: ${cmdline}`,
          'NX (Execute Disable) protection: active',
          'ACPI: Interpreter enabled',
          'clk: Disabling unused clocks',
          'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)',
        ])
          assert.ok(serial.includes(text), `${text}\n${serial}`);
        assert.doesNotMatch(serial, /\b(BUG|Oops|WARNING):/);
        assert.equal(stop.reason, 'shutdown');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});
