import assert from 'node:assert/strict';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import { multiboot2 } from '../../src/boot/multiboot2.ts';
import type { Recognition } from '../../src/boot/protocol.ts';
import { debianGuest } from '../support/guests.ts';
import { refusal } from './expect.ts';
import { buildKernel, headerTag, multiboot2Source, withWord } from './kernels.ts';

function recognise(bytes: Uint8Array, name = 'kernel.elf'): Recognition {
  return multiboot2.recognise(openKernelImage(name, bytes));
}

/** File offset of the header in what {@link buildKernel} links. */
const HEADER = 0x1000;

describe('Multiboot 2 header', () => {
  it('is found by magic number and checksum, 8-byte aligned', function () {
    const bytes = buildKernel(this, { header: multiboot2Source() });
    const { offered, summary, evidence, fields } = recognise(bytes);
    assert.equal(offered, true);
    assert.equal(evidence, 'a Multiboot 2 header at file offset 0x1000');
    assert.equal(
      summary,
      'Header at file offset 0x1000, 24 bytes, checksum right; loaded by the ELF program headers, entry at physical 0x00100018',
    );
    assert.deepEqual(
      fields.map(({ name, offset, value, verdict }) => [name, offset, value, verdict]),
      [
        ['magic', 0x1000, '0xe85250d6', 'right'],
        ['architecture', 0x1004, '0', 'right'],
        ['header_length', 0x1008, '24', 'information'],
        ['checksum', 0x100c, '0x17adaf12', 'right'],
        ['tag 0 end', 0x1010, '8 bytes', 'information'],
      ],
    );
  });

  it('has its tags explained, field by field', function () {
    const bytes = buildKernel(this, {
      header: multiboot2Source(
        headerTag(1, [5, 6]),
        headerTag(1, [99], 1),
        headerTag(3, ['_start']),
        headerTag(4, [2], 1),
        headerTag(5, [1024, 768, 32], 1),
        headerTag(6),
        headerTag(7, [], 1),
        headerTag(8, [0x100000], 1),
        headerTag(9, [0x100000], 1),
        headerTag(10, [0x100000, '0xffffffff', 0x200000, 2], 1),
        headerTag(77, [], 1),
      ),
    });
    const { offered, fields } = recognise(bytes);
    assert.equal(offered, true);
    const text = fields.slice(4).map(({ name, value, meaning }) => `${name}: ${value}, ${meaning}`);
    assert.deepEqual(text, [
      'tag 1 information request: 16 bytes, information that must be given where there is any',
      '  mbi_tag_types[0]: 5, BIOS boot device: not given, nothing is read from a BIOS disk',
      '  mbi_tag_types[1]: 6, memory map',
      'tag 1 information request: 12 bytes, optional, information that must be given where there is any',
      '  mbi_tag_types[0]: 99, not defined',
      'tag 3 entry address: 12 bytes, entry, instead of e_entry',
      '  entry_addr: 0x001000c0, physical address of the first instruction',
      'tag 4 console flags: 12 bytes, optional, what the kernel can write to',
      '  console_flags: 0x00000002, no console required, bit 1 EGA text supported',
      'tag 5 framebuffer: 20 bytes, optional, graphics mode that the kernel would like; it gets EGA text, as 3.1.10 permits',
      '  width: 1024, columns',
      '  height: 768, lines',
      '  depth: 32, bits per pixel',
      'tag 6 module alignment: 8 bytes, modules on pages, as they always are here',
      'tag 7 EFI boot services: 8 bytes, optional, can start with EFI boot services; there is no EFI',
      'tag 8 EFI i386 entry address: 12 bytes, optional, entry on 32-bit EFI only; there is no EFI',
      '  entry_addr: 0x00100000, physical address of the first instruction',
      'tag 9 EFI amd64 entry address: 12 bytes, optional, entry on 64-bit EFI only; there is no EFI',
      '  entry_addr: 0x00100000, physical address of the first instruction',
      'tag 10 relocatable: 24 bytes, optional, may be loaded elsewhere than it is linked for',
      '  min_addr: 0x00100000, no part of the image lies below',
      '  max_addr: 0xffffffff, the image ends at or below',
      '  align: 0x00200000, of the image in memory',
      '  preference: 2, highest possible address',
      'tag 77: 8 bytes, optional, not defined, and ignored',
      'tag 0 end: 8 bytes, end of the header',
    ]);
  });

  it('of Xen 4.17 has the tags that the record of its headers lists', function () {
    const { bytes, name } = debianGuest(this, 'xen');
    const { offered, summary, fields } = recognise(bytes, name);
    assert.equal(offered, true);
    assert.equal(
      summary,
      'Header at file offset 0x98, 136 bytes, checksum right; loaded by the ELF program headers, entry at physical 0x00200000, relocatable',
    );
    const tags = fields.filter((field) => field.name.startsWith('tag '));
    assert.deepEqual(
      tags.map((field) => field.name.split(' ')[1]),
      ['1', '6', '10', '4', '5', '7', '9', '0'],
    );
    const value = (field: string): string | undefined => fields.find((one) => one.name.trim() === field)?.value;
    assert.deepEqual(
      ['mbi_tag_types[0]', 'mbi_tag_types[1]', 'min_addr', 'max_addr', 'align', 'preference', 'console_flags'].map(
        value,
      ),
      ['4', '6', '0x00200000', '0xffffffff', '0x00200000', '2', '0x00000002'],
    );
  });

  describe('is refused', () => {
    const cases: readonly (readonly [what: string, tags: string[], title: string, detail: string])[] = [
      [
        'with a required tag that is not defined',
        [headerTag(77)],
        'The Multiboot 2 header requires tag 77, which is not defined',
        'type at file offset 0x1010 is 77 and bit 0 (optional) of flags at 0x1012 is 0; Multiboot 2.0 defines 0 to 10',
      ],
      [
        'with a required request for information that is not defined',
        [headerTag(1, [6, 99])],
        'The Multiboot 2 header requests information 99, which is not defined',
        'mbi_tag_types[1] at file offset 0x101c is 99 and bit 0 (optional) of flags at 0x1012 is 0; Multiboot 2.0 defines 0 to 21',
      ],
      [
        'with a tag that is too short',
        ['.short 10, 0\n.long 20, 0, 0, 0'],
        'The relocatable tag of the Multiboot 2 header is too short',
        'size of tag 10 (relocatable) at file offset 0x1014 is 20; needed: 24',
      ],
      [
        'with a tag that is larger than the header',
        ['.short 6, 0\n.long 0x800'],
        'A tag of the Multiboot 2 header has an impossible size',
        'size of tag 6 (module alignment) at file offset 0x1014 is 0x800; needed: 8 to 0x10, where the header ends',
      ],
      [
        'with an address tag and no entry',
        [headerTag(2, ['header2', 'header2', 0, 0])],
        'The Multiboot 2 header of kernel.elf has an address tag and no entry address tag',
        'The address tag is at file offset 0x1010; with it the ELF header is not asked for the entry',
      ],
      [
        'with a console that the machine does not have',
        [headerTag(4, [1])],
        'The Multiboot 2 header requires a console that the machine does not have',
        'console_flags at file offset 0x1018 is 0x1: bit 0 requires a console and bit 1 (EGA text) is 0; the machine has EGA text, 80 by 25',
      ],
      [
        'with an entry outside the kernel',
        [headerTag(3, [0x500000])],
        'The entry of kernel.elf lies in no segment',
        'entry_addr at file offset 0x1018 is 0x00500000, and no PT_LOAD segment has that physical address',
      ],
    ];
    for (const [what, tags, title, detail] of cases)
      it(what, function () {
        const error = refusal(buildKernel(this, { header: multiboot2Source(...tags) }), {}, 'multiboot2');
        assert.equal(error.title, title);
        assert.equal(error.detail, detail);
        assert.ok((error.mend ?? '').length > 0);
      });

    it('without an end tag, cut short, or too far in', function () {
      const bytes = buildKernel(this, { header: multiboot2Source(headerTag(6)) });
      const length = (value: number): Uint8Array => {
        const changed = withWord(bytes, HEADER + 8, value);
        return withWord(changed, HEADER + 12, -(0xe85250d6 + value) >>> 0);
      };
      const short = refusal(length(24), {}, 'multiboot2');
      assert.equal(short.title, 'The Multiboot 2 header has no end tag');
      assert.equal(
        short.detail,
        'header_length at file offset 0x1008 is 24, so that the header ends at file offset 0x1018; the next tag would begin at 0x1018, and none before it has type 0',
      );
      assert.equal(refusal(length(0x100000), {}, 'multiboot2').title, 'The Multiboot 2 header at 0x1000 is cut short');
      const script =
        'ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.text) . += 0x7000; . = ALIGN(8); *(.multiboot) *(.data) } }';
      const far = buildKernel(this, { header: multiboot2Source(headerTag(6)), script });
      const tooFar = refusal(far, {}, 'multiboot2');
      assert.equal(tooFar.title, 'kernel.elf has no Multiboot 2 header in its first 32768 bytes');
      assert.match(tooFar.detail ?? '', /^A header with the right checksum is at file offset 0x8008, too far in/);
    });

    it('with a wrong checksum, unaligned, or for another architecture', function () {
      const bytes = buildKernel(this, { header: multiboot2Source() });
      const checksum = recognise(withWord(bytes, HEADER + 12, 1));
      assert.equal(checksum.problem?.title, 'The Multiboot 2 header at 0x1000 has a wrong checksum');
      assert.equal(checksum.mend, 'For these words the checksum is 0x17adaf12 (at file offset 0x100c).');
      const mips = withWord(withWord(bytes, HEADER + 4, 4), HEADER + 12, 0x17adaf0e);
      assert.equal(
        recognise(mips).summary,
        'architecture at file offset 0x1004 is 4; 0 is 32-bit protected mode of i386, 4 is MIPS32',
      );
      const moved = new Uint8Array(bytes.length);
      moved.set(bytes.subarray(HEADER, HEADER + 24), HEADER + 4);
      assert.equal(
        recognise(moved).summary,
        'A header with the right checksum is at file offset 0x1004; it must be at a multiple of 8',
      );
      assert.equal(
        recognise(new Uint8Array(3)).summary,
        'No magic number 0xe85250d6 stands at a multiple of 8 below file offset 0x8000',
      );
    });

    it('in a 64-bit ELF file, with the reason', function () {
      const error = refusal(buildKernel(this, { header: multiboot2Source(), bits: 64 }), {}, 'multiboot2');
      assert.equal(error.title, 'kernel.elf is a 64-bit ELF file, and this machine has no long mode');
      assert.match(error.detail ?? '', /e_ident\[EI_CLASS\] at file offset 0x4 is 2/);
    });
  });
});
