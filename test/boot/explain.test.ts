import assert from 'node:assert/strict';
import { explain, formatExplain } from '../../src/boot/explain.ts';
import { ENTRY_NAMES } from '../../src/boot/protocol.ts';
import { debianGuest } from '../support/guests.ts';
import { buildKernel } from './kernels.ts';

describe('Explain', () => {
  it('shows evidence, what is missing, what mends it, and what is chosen', function () {
    const text = formatExplain(explain('kernel.elf', buildKernel(this)));
    const lines = text.split('\n');
    assert.equal(lines[0], 'kernel.elf: 32-bit x86 ELF, 2 PT_LOAD segments');
    assert.equal(
      lines[2],
      'multiboot   yes  Header at file offset 0x1000, flags 0x3, checksum right; loaded by the ELF program headers, entry at physical 0x0010000c',
    );
    assert.equal(
      lines[4],
      '                 0x1004  flags     0x00000003  bit 0 modules on pages, bit 1 memory information',
    );
    assert.ok(lines.includes('linux16     no   No "HdrS" at file offset 0x202'));
    assert.match(text, /\n\nChose multiboot because .* This image offers nothing else\.\n$/);
  });

  it('shows a header that is too far in with its mend', function () {
    const script =
      'ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.text) . += 0x3000; . = ALIGN(4); *(.multiboot) *(.data) } }';
    const text = formatExplain(explain('kernel.elf', buildKernel(this, { script })));
    assert.match(text, /multiboot {3}no {3}A header with the right checksum is at file offset 0x4004, too far in/);
    assert.match(text, /\n {17}mend: Put the header section first in SECTIONS and wrap it in KEEP\(\)\.\n/);
    assert.match(text, /\n\nkernel\.elf has no Multiboot header in its first 8192 bytes\n/);
  });

  it('is plain data', function () {
    const report = explain('kernel.elf', buildKernel(this));
    assert.deepEqual(JSON.parse(JSON.stringify(report)), JSON.parse(JSON.stringify({ ...report })));
    assert.deepEqual(
      report.protocols.map(({ entry }) => entry),
      ENTRY_NAMES,
    );
    assert.equal(report.chosen?.entry, 'multiboot');
    assert.equal(report.refused, undefined);
  });

  it('says what is wrong with a file that cannot be entered', () => {
    const report = explain('notes.txt', new TextEncoder().encode('hello'));
    assert.equal(report.format, 'not an ELF file, 5 bytes');
    assert.equal(report.chosen, undefined);
    assert.equal(report.refused?.title, 'notes.txt is not an ELF file and offers no entry');
    const cut = explain('cut.elf', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1));
    assert.equal(
      cut.format,
      'damaged ELF file: the ELF header needs 52 bytes at file offset 0x0; the file has 6 bytes',
    );
  });
});

describe('Explain of guests that others wrote', () => {
  it('refuses hvmloader by every protocol, each with its reason and mend', function () {
    const { name, bytes } = debianGuest(this, 'hvmloader');
    const { protocols } = explain(name, bytes);
    // Any 32-bit ELF file can be entered natively, with nothing promised: that is no protocol of the image.
    for (const { entry, offered, summary, mend } of protocols.filter(({ entry: one }) => one !== 'native')) {
      assert.equal(offered, false, entry);
      assert.ok(summary.length > 0 && (mend ?? '').length > 0, entry);
    }
  });

  it('refuses 64-bit GRUB for Xen by every protocol: there is no long mode', function () {
    const { name, bytes } = debianGuest(this, 'grubXen64');
    const { protocols, refused, chosen } = explain(name, bytes);
    assert.equal(chosen, undefined);
    assert.ok(protocols.every(({ offered, mend }) => !offered && (mend ?? '').length > 0));
    assert.match(refused?.title ?? '', /64-bit Xen PV kernel, and the machine has no long mode$/);
  });

  it('shows both headers of Xen, and what is chosen', function () {
    const { name, bytes } = debianGuest(this, 'xen');
    const { protocols, chosen } = explain(name, bytes);
    const offered = protocols.filter((one) => one.offered).map(({ entry }) => entry);
    assert.deepEqual(offered, ['multiboot', 'multiboot2', 'native']);
    assert.equal(
      chosen?.sentence,
      'Chose multiboot2 because xen-4.17-amd64 has a Multiboot 2 header at file offset 0x98. It also offers multiboot.',
    );
  });
});
