import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianGuest } from '../support/guests.ts';

/** iPXE waits by polling the timer, which takes minutes: `npm run test:guests`, not part of `npm test`. */
describe('iPXE of Debian, by boot --json', function () {
  this.timeout(1_800_000);

  it('looks for network devices as in QEMU, finds none, and gives the boot back to the BIOS', function () {
    const { bytes } = debianGuest(this, 'ipxe');
    const folder = mkdtempSync(join(tmpdir(), 'ipxe-'));
    try {
      const file = join(folder, 'ipxe.lkrn');
      writeFileSync(file, bytes);
      const options = ['--entry', 'linux16', '--max', '400000000', '--json'];
      const { stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'boot', file, ...options], {
        encoding: 'utf8',
        maxBuffer: 1 << 24,
      });
      assert.equal(stderr, '');
      const { stop, vga, faults } = JSON.parse(stdout) as {
        stop: { reason: string; description: string };
        vga: readonly string[];
        faults: readonly unknown[];
      };
      const lines = vga.map((line) => line.trimEnd());
      const shown = lines.filter((line) => line !== '');
      assert.deepEqual(shown.slice(0, 5), [
        'iPXE initialising devices...ok',
        'iPXE 1.0.0+git-20190125.36a4c85-5.1 -- Open Source Network Boot Firmware -- http',
        '://ipxe.org',
        'Features: DNS HTTP iSCSI NFS TFTP SRP AoE ELF MBOOT PXE bzImage Menu PXEXT',
        'No more network devices',
      ]);
      assert.deepEqual(faults, []);
      assert.equal(stop.reason, 'shutdown');
      assert.match(stop.description, /^INT 0x18 at .* gave up booting: there is no boot device\.$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
