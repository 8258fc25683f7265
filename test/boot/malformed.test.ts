import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { chooseEntry } from '../../src/boot/choose-entry.ts';
import { explain, formatExplain } from '../../src/boot/explain.ts';
import { ENTRY_NAMES } from '../../src/boot/protocol.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { Random } from '../support/random.ts';
import { buildKernel, headerSource, headerTag, MIB, multiboot2Source, OPTIONS } from './kernels.ts';

/** Where {@link buildKernel} puts the section with the headers. */
const HEADERS = 0x1000;
const ROUNDS = 150;
/** Set SEED to see a failure again. */
const SEED = Number(process.env['SEED'] ?? 20061);
const VALUES = [0, 1, 7, 8, 9, 16, 0x7fff, 0xffff, 0x100000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];

const NOTES = [
  '.section .note.Xen, "a", @note',
  ...[1, 3, 18].map((type) => `.long 4, 4, ${type}\n.asciz "Xen"\n.long 0x100000`),
].join('\n');

const SOURCES: Readonly<Record<string, { readonly header: string; readonly code?: string }>> = {
  'Multiboot 1': { header: headerSource(0x10007, 'header', 'header', '0', '0', '_start', '0', '1024', '768', '32') },
  'Multiboot 2 tags': {
    header: multiboot2Source(
      headerTag(1, [3, 6]),
      headerTag(3, ['_start']),
      headerTag(4, [2]),
      headerTag(5, [0, 0, 0], 1),
      headerTag(6),
      headerTag(10, [0x100000, '0xffffffff', 0x1000, 2]),
      headerTag(77, [1], 1),
    ),
  },
  'Multiboot 2 addresses': {
    header: multiboot2Source(headerTag(2, ['header2', 'header2', 0, 0]), headerTag(3, ['_start'])),
  },
  'paravirt header': { header: `${headerSource(3)}\n.long 0x1badb006, 0, -0x1badb006, _start` },
  '.paravirtprobe': {
    header: '.section .multiboot, "a"\n.long 0',
    code: '.text\n.globl _start\n_start: hlt\n.section .paravirtprobe, "a"\n.long _start, _start\n',
  },
  notes: { header: `.section .multiboot, "a"\n.long 0\n${NOTES}` },
  __xen_guest: {
    header:
      '.section .multiboot, "a"\n.long 0\n.section __xen_guest, ""\n.asciz "GUEST_OS=x,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000"',
  },
};

/** One to four changes of the header's neighbourhood or of the ELF headers, or a cut. Half of the time the checksum is made right again. */
function damage(original: Uint8Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(original);
  const view = new DataView(bytes.buffer);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.oneIn(4)
      ? random.below(0x100)
      : random.oneIn(4)
        ? bytes.length - 4 - random.below(0x400)
        : HEADERS + random.below(0xc0);
    const value = random.oneIn(3) ? random.word() : random.pick(VALUES);
    if (random.oneIn(2)) view.setUint8(at, value & 0xff);
    else if (random.oneIn(2)) view.setUint16(at & ~1, value & 0xffff, true);
    else view.setUint32(at & ~3, value, true);
  }
  if (random.oneIn(2)) {
    const word = (index: number): number => view.getUint32(HEADERS + index * 4, true);
    if (word(0) === 0x1badb002) view.setUint32(HEADERS + 8, -(word(0) + word(1)), true);
    if (word(0) === 0xe85250d6) view.setUint32(HEADERS + 12, -(word(0) + word(1) + word(2)), true);
  }
  return random.oneIn(8) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

/** A damaged image is refused with a message that says what, where and what mends it, or it is placed in memory that there is. */
function check(bytes: Uint8Array): void {
  const report = explain('kernel.elf', bytes);
  assert.ok(formatExplain(report).length > 0);
  for (const { offered, summary, mend, problem } of report.protocols) {
    assert.ok(summary.length > 0);
    if (!offered) assert.ok(mend !== undefined && mend.length > 0, `nothing mends: ${summary}`);
    if (problem !== undefined) assert.match(`${problem.title} ${problem.detail ?? ''}`, /0x[0-9a-f]+|Note \d+/);
  }
  for (const entry of ['auto', ...ENTRY_NAMES]) {
    try {
      const options = entry === 'multiboot' ? { ...OPTIONS, paravirtMagic: 1 } : OPTIONS;
      const { regions, reservedMemory = 0 } = chooseEntry({ name: 'kernel.elf', bytes }, entry, options);
      for (const { name, address, size, bytes: content } of regions) {
        const where = `${name} at 0x${address.toString(16)}, 0x${size.toString(16)} bytes`;
        assert.ok(Number.isInteger(address) && address >= 0 && size >= content.length, where);
        assert.ok(address + size <= 16 * MIB + reservedMemory, where);
      }
    } catch (error) {
      assert.ok(error instanceof StartOfDayError, `${entry}: ${String(error)}`);
      assert.notEqual(error.blame, 'internal', error.message);
      assert.ok(error.title.length > 0 && (error.mend ?? error.detail ?? '').length > 0, `${entry}: ${error.message}`);
    }
  }
}

describe('A malformed image', () => {
  function fuzz(test: Context, source: { readonly header: string; readonly code?: string }): void {
    test.timeout(300_000);
    const original = buildKernel(test, source);
    check(original);
    const random = new Random(SEED);
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = damage(original, random);
      try {
        check(bytes);
      } catch (error) {
        throw new Error(`SEED=${SEED}, round ${round}`, { cause: error });
      }
    }
  }

  for (const [what, source] of Object.entries(SOURCES))
    it(`(${what}) is refused with a reason or fits memory, in ${ROUNDS} ways`, function () {
      fuzz(this, source);
    });
});
