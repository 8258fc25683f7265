import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianGuest } from '../support/guests.ts';

/** Names of its tests, as they stand in the image. */
const TESTS = ['Address test', 'Moving inversions', 'Modulo', 'Block move', 'Random'];

/** memtest86+ 6.10 of Debian, which nobody here wrote, by the Linux 32-bit boot protocol. */
describe('memtest86+, by boot --json', function () {
  this.timeout(180_000);
  let file: string;
  let folder: string | undefined;

  before(function () {
    const { name, bytes } = debianGuest(this, 'memtest');
    folder = mkdtempSync(join(tmpdir(), 'memtest-'));
    file = join(folder, name);
    writeFileSync(file, bytes);
    assert.ok(TESTS.every((text) => Buffer.from(bytes).includes(text)));
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** The screen after so many instructions, with Enter pressed when it asks whether to begin. */
  function screenAfter(instructions: number): string {
    const options = ['--entry', 'linux32', '--memory', '8M', '--type', '\n@8000000', '--max', instructions.toString()];
    const { stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', 'boot', file, '--json', ...options], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    assert.equal(stderr, '');
    const report = JSON.parse(stdout) as {
      readonly stop: { readonly reason: string };
      readonly faults: readonly unknown[];
      readonly vga: readonly string[];
    };
    assert.equal(report.stop.reason, 'max-instructions');
    assert.deepEqual(report.faults, []);
    return report.vga.join('\n');
  }

  const number = (screen: string, pattern: RegExp): number => Number(pattern.exec(screen)?.[1] ?? NaN);

  it('draws its screen and waits for a key', () => {
    const screen = screenAfter(7_500_000);
    assert.match(screen, /^ +Memtest86\+ v6\.10/);
    assert.match(screen, /Memory {2}: {4}8MB/);
    assert.match(screen, /Press <F1> to configure, <F2> to disable SMP, <Enter> to start testing/);
  });

  it('counts its tests and finds no error in memory', () => {
    const [early, late] = [screenAfter(14_000_000), screenAfter(60_000_000)];
    for (const screen of [early, late]) {
      assert.match(screen, /Status: Testing/);
      assert.equal(number(screen, /Errors: +(\d+)/), 0);
      assert.ok(TESTS.some((name) => screen.includes(name)));
    }
    assert.ok(number(late, /Test #(\d+)/) > number(early, /Test #(\d+)/), `${early}\n${late}`);
  });
});
