import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { buildGuest } from '../../bench/guests.ts';
import { compareWithQemu } from '../../scripts/compare-with-qemu/comparison.ts';
import { qemuImage } from '../machine/beside-qemu.ts';
import { sample } from '../support/samples.ts';
import { requireTool } from '../support/tools.ts';

/** Registers, segments, tables and the whole of memory, at equal instruction counts. */
describe('equal states in QEMU after equal instructions', function () {
  this.timeout(120_000);
  let folder: string;

  before(function () {
    for (const tool of ['qemu-system-i386', 'gcc', 'nasm']) requireTool(this, tool);
    folder = mkdtempSync(join(tmpdir(), 'equal-count-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('the paravirt sample from its entry to where it halts', async () => {
    const { checkpoints, difference } = await compareWithQemu({
      file: sample('multiboot'),
      until: 100_000,
      every: 8000,
    });
    assert.equal(difference, undefined);
    assert.ok(checkpoints.length >= 4);
    assert.ok((checkpoints.at(-1)?.count ?? 0) > 30_000);
  });

  it('compiled C: sorting, checksums, lists, indirect calls', async () => {
    const file = buildGuest({ name: 'compared', sources: ['mix-start.S', 'mix.c'], iterations: 1 });
    const { checkpoints, difference } = await compareWithQemu({ file, until: 400_000, every: 100_000 });
    assert.equal(difference, undefined);
    assert.ok(checkpoints.length >= 3);
  });

  it('finds the instruction that differs: RDTSC, behind a loop that is too long to stop in', async () => {
    const turns = 10_000;
    const file = join(folder, 'time');
    writeFileSync(
      file,
      qemuImage(`
        mov ecx, ${turns}
      again:
        dec ecx
        jnz again
        rdtsc
        mov [0x110000], eax
        nop
        nop`),
    );
    const { difference } = await compareWithQemu({ file, until: 50_000, every: 5000 });
    assert.equal(difference?.count, 1 + 2 * turns + 1);
    assert.match(difference.instruction?.ours ?? '', /rdtsc/);
    assert.match(difference.instruction?.qemu ?? '', /rdtsc/);
    assert.deepEqual(
      difference.differences.map(({ what }) => what).filter((what) => !['eax', 'edx'].includes(what)),
      [],
    );
  });
});
