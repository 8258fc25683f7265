import assert from 'node:assert/strict';
import { ElfFile } from '../../src/image/elf.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { buildKernel, readelf, withWord } from '../boot/kernels.ts';

const NOTES = `
.section .note.Xen, "a", @note
.long 4, 4, 18
.asciz "Xen"
.long 0x100123
.long 4, 7, 6
.asciz "Xen"
.ascii "Mini-OS"
.balign 4
.long 6, 0, 257
.asciz "Linux"
.balign 4
`;
const NOTES_SCRIPT = `
PHDRS { text PT_LOAD; note PT_NOTE; }
SECTIONS {
  . = 0x100000;
  .text : { *(.multiboot) *(.text) *(.data) } :text
  .note.Xen : { *(.note.Xen) } :text :note
  .bss : { *(.bss) } :text
}
`;

/** What the error of a damaged file says. */
function problem(bytes: Uint8Array, use: (elf: ElfFile) => unknown = () => undefined): StartOfDayError {
  try {
    use(new ElfFile('kernel.elf', bytes));
  } catch (error) {
    assert.ok(error instanceof StartOfDayError, String(error));
    return error;
  }
  return assert.fail('the file was accepted');
}

describe('ELF file', () => {
  for (const bits of [32, 64] as const)
    it(`reads what readelf reads of ${bits} bits`, function () {
      const bytes = buildKernel(this, { bits });
      const elf = new ElfFile('kernel.elf', bytes);
      assert.equal(elf.bits, bits);
      const header = readelf(this, bytes, '-h');
      assert.equal(`0x${elf.header.entry.toString(16)}`, /Entry point address:\s+(0x[0-9a-f]+)/.exec(header)?.[1]);
      const segments = [
        ...readelf(this, bytes, '-lW').matchAll(/^ +LOAD +(0x\S+) (0x\S+) (0x\S+) (0x\S+) (0x\S+)/gm),
      ].map((row) => row.slice(1).map(BigInt));
      assert.ok(segments.length >= 2);
      assert.deepEqual(
        elf.loads.map(({ offset, address, physical, fileSize, size }) => [
          BigInt(offset),
          address,
          physical,
          BigInt(fileSize),
          BigInt(size),
        ]),
        segments,
      );
      const sections = [
        ...readelf(this, bytes, '-SW').matchAll(
          /^ +\[ *(\d+)\] (\S+) +([A-Z]+) +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)/gm,
        ),
      ].map(([, index, name, , address, offset, size]) => [index, name, address, offset, size]);
      assert.ok(sections.length >= 6);
      const word = (value: number | bigint): string => value.toString(16).padStart(bits / 4, '0');
      assert.deepEqual(
        elf.sections
          .slice(1)
          .map(({ index, name, address, offset, size }) => [
            index.toString(),
            name,
            word(address),
            offset.toString(16).padStart(6, '0'),
            size.toString(16).padStart(6, '0'),
          ]),
        sections,
      );
    });

  it('gives the contents of sections and segments', function () {
    const elf = new ElfFile('kernel.elf', buildKernel(this));
    assert.deepEqual([...(elf.section('.data')?.bytes ?? [])], [0x44, 0x33, 0x22, 0x11]);
    assert.equal(elf.section('.bss')?.bytes.length, 0);
    assert.equal(elf.section('.bss')?.size, 0x2000);
    assert.equal(elf.section('.nothing'), undefined);
    assert.deepEqual([...(elf.section('.text')?.bytes ?? [])], [0xfa, 0xf4, 0xeb, 0xfd]);
  });

  for (const script of [NOTES_SCRIPT, NOTES_SCRIPT.replace('note PT_NOTE;', '').replace(' :note', '')])
    it(`reads notes from ${script.includes('PT_NOTE') ? 'PT_NOTE segments' : 'SHT_NOTE sections'}`, function () {
      const bytes = buildKernel(this, { header: NOTES, script });
      const elf = new ElfFile('kernel.elf', bytes);
      const start = elf.section('.note.Xen')?.offset ?? 0;
      assert.deepEqual(
        elf
          .notes()
          .map(({ name, type, desc, offset }) => [name, type, Buffer.from(desc).toString('latin1'), offset - start]),
        [
          ['Xen', 18, '\x23\x01\x10\0', 0],
          ['Xen', 6, 'Mini-OS', 20],
          ['Linux', 257, '', 44],
        ],
      );
    });

  it('takes a last descriptor as far as it is there, and ends at a name that reaches past the end', function () {
    const bytes = buildKernel(this, { header: NOTES, script: NOTES_SCRIPT });
    const at = new ElfFile('kernel.elf', bytes).section('.note.Xen')?.offset ?? 0;
    const names = (changed: Uint8Array): string[] => new ElfFile('kernel.elf', changed).notes().map(({ name }) => name);
    assert.deepEqual(names(withWord(bytes, at + 24, 0xffffffff)), ['Xen', 'Xen']);
    const [, last] = new ElfFile('kernel.elf', withWord(bytes, at + 24, 0xffffffff)).notes();
    assert.equal((last?.desc.length ?? 0) + (last?.missing ?? 0), 0xffffffff);
    assert.deepEqual(names(withWord(bytes, at, 0xffffffff)), []);
  });

  describe('refuses', () => {
    it('what is not ELF', () => {
      const error = problem(new TextEncoder().encode('MZ\x90\0'));
      assert.equal(error.code, 'not-elf');
      assert.equal(error.title, 'kernel.elf is not an ELF file');
      assert.equal(error.detail, 'e_ident[EI_MAG0] at file offset 0x0 is 4d 5a c2 90; needed: 7f 45 4c 46');
      assert.equal(
        problem(new Uint8Array()).detail,
        'e_ident[EI_MAG0] at file offset 0x0 is not there; needed: 7f 45 4c 46',
      );
    });

    it('another byte order, class and processor, by name', function () {
      const bytes = buildKernel(this);
      const changed = (offset: number, ...values: number[]): Uint8Array => {
        const copy = new Uint8Array(bytes);
        copy.set(values, offset);
        return copy;
      };
      assert.equal(problem(changed(5, 2)).title, 'kernel.elf is a big-endian ELF file');
      assert.equal(
        problem(changed(4, 3)).detail,
        'e_ident[EI_CLASS] at file offset 0x4 is 3; needed: 1 (32-bit) or 2 (64-bit)',
      );
      assert.equal(problem(changed(0x12, 40, 0)).title, 'kernel.elf is a 32-bit ELF file for ARM');
      assert.equal(problem(changed(0x12, 62, 0)).title, 'kernel.elf is a 32-bit ELF file for x86-64');
      assert.equal(problem(changed(0x12, 0x34, 0x12)).title, 'kernel.elf is a 32-bit ELF file for machine 4660');
    });

    it('headers of the wrong size and tables past the end', function () {
      const bytes = buildKernel(this);
      const size = bytes.length.toLocaleString('en-US');
      const entrySize = new Uint8Array(bytes);
      entrySize[0x2a] = 56;
      assert.equal(
        problem(entrySize).detail,
        'e_phentsize at file offset 0x2a is 56; needed: 32, the size of a 32-bit program header',
      );
      const { count } = new ElfFile('kernel.elf', bytes).header.segments;
      const far = problem(withWord(bytes, 0x1c, 0xfffffff0));
      assert.equal(far.title, 'kernel.elf has its program header table past its end');
      assert.equal(
        far.detail,
        `e_phoff at file offset 0x1c is 0xfffffff0, so that ${count} entries of 32 bytes end at 0x${(0xfffffff0 + count * 32).toString(16)}; needed: an end within the file's ${size} bytes`,
      );
      const sections = problem(withWord(bytes, 0x20, 0xfffffff0), (elf) => elf.sections);
      assert.equal(sections.title, 'kernel.elf has its section header table past its end');
      const small = new Uint8Array(bytes);
      small[0x2e] = 39;
      assert.equal(
        problem(small, (elf) => elf.sections).detail,
        'e_shentsize at file offset 0x2e is 39; needed: 40, the size of a 32-bit section header',
      );
    });

    it('contents of 4 GiB', function () {
      const bytes = buildKernel(this);
      const first = new ElfFile('kernel.elf', bytes).header.segments.offset;
      const error = problem(withWord(bytes, first + 0x10, 0xffffffff), (elf) => elf.segments[0]?.bytes);
      assert.equal(error.title, 'kernel.elf ends before what p_filesz of program header 0 counts');
      assert.equal(
        error.detail,
        `p_filesz of program header 0 at file offset 0x${(first + 0x10).toString(16)} is 0xffffffff, so that the contents from 0x1000 end at 0x100000fff; needed: an end within the file's ${bytes.length.toLocaleString('en-US')} bytes`,
      );
    });

    it('a file cut at any length, with its own error', function () {
      const bytes = buildKernel(this);
      const use = (elf: ElfFile): void => {
        elf.notes();
        for (const part of [...elf.segments, ...elf.sections]) assert.ok(part.bytes);
      };
      assert.equal(
        problem(bytes.subarray(0, 0x20)).detail,
        'the ELF header needs 52 bytes at file offset 0x0; the file has 32 bytes',
      );
      for (let length = 0; length < bytes.length; length += length < 256 ? 1 : 97)
        problem(bytes.subarray(0, length), use);
    });

    it('nothing else: any header word may hold anything', function () {
      const bytes = buildKernel(this);
      const { segments, sections } = new ElfFile('kernel.elf', bytes).header;
      const words = [
        ...Array.from({ length: 13 }, (_, index) => index * 4),
        ...Array.from({ length: segments.count * 8 }, (_, index) => segments.offset + index * 4),
        ...Array.from({ length: sections.count * 10 }, (_, index) => sections.offset + index * 4),
      ];
      for (const at of words)
        for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff])
          try {
            const elf = new ElfFile('kernel.elf', withWord(bytes, at, value));
            elf.notes();
            for (const part of [...elf.segments, ...elf.sections]) assert.ok(part.bytes);
          } catch (error) {
            assert.ok(error instanceof StartOfDayError, `word at ${at} = ${value}: ${String(error)}`);
          }
    });
  });
});
