import assert from 'node:assert/strict';
import { plan, refusal, region } from './expect.ts';
import { buildKernel, headerSource, MIB, withWord } from './kernels.ts';

/** Linked at 3 GiB + 1 MiB, loaded at 1 MiB. */
const HIGHER_HALF = `
ENTRY(_start)
SECTIONS {
  . = 0xC0100000;
  .text : AT(ADDR(.text) - 0xC0000000) { *(.multiboot) *(.text) }
  .data : AT(ADDR(.data) - 0xC0000000) { *(.data) }
  .bss ALIGN(4096) : AT(ADDR(.bss) - 0xC0000000) { *(.bss) }
}
`;
const HEADER_BEHIND = `
ENTRY(_start)
SECTIONS {
  . = 0x100000;
  .text : { *(.text) . = ALIGN(4096); . += 0x2000; *(.multiboot) *(.data) *(.bss) }
}
`;
const at = (address: string): string => `
ENTRY(_start)
SECTIONS { . = ${address}; .text : { *(.multiboot) *(.text) *(.data) } .bss : { *(.bss) } }
`;
const KLUDGE = 0x10003;
/** A flat binary: the header's addresses are all there is. */
const BINARY = (
  entry = 'start',
  loadEnd = 'data_end',
  bssEnd = 'bss_end',
): { header: string; code: string; script: string } => ({
  header: headerSource(KLUDGE, 'header', 'image', loadEnd, bssEnd, entry),
  code: '.text\n.globl start\nstart: cli\nhlt\n.data\n.long 1\n.bss\n.skip 0x123\n',
  script: `
OUTPUT_FORMAT(binary)
SECTIONS {
  . = 0x200000;
  image = .;
  .head : { LONG(0) LONG(0) }
  .text : { *(.multiboot) *(.text) }
  .data : { *(.data) data_end = .; }
  .bss : { *(.bss) bss_end = .; }
}
`,
});

describe('Multiboot image', () => {
  it('loads an ELF file by p_paddr and enters it at its physical address', function () {
    const loaded = plan(buildKernel(this, { script: HIGHER_HALF }));
    const [text, bss] = loaded.regions.filter(({ name }) => name.startsWith('kernel'));
    assert.equal(text?.name, 'kernel PT_LOAD 0');
    assert.equal(text.address, 0x100000);
    assert.equal(bss?.address, 0x101000);
    assert.equal(bss.bytes.length, 0);
    assert.equal(bss.size, 0x2000);
    // Twelve bytes of header, then _start, linked at 0xc010000c.
    assert.equal(loaded.state.eip, 0x10000c);
    assert.equal(loaded.physicalBias, 0xc0000000);
    assert.deepEqual(
      [...text.bytes.subarray(0, 16)],
      [0x02, 0xb0, 0xad, 0x1b, 3, 0, 0, 0, 0xfb, 0x4f, 0x52, 0xe4, 0xfa, 0xf4, 0xeb, 0xfd],
    );
  });

  it('takes an entry that no segment is linked at as physical', function () {
    const bytes = buildKernel(this, { script: HIGHER_HALF });
    const loaded = plan(withWord(bytes, 0x18, 0x10000d));
    assert.equal(loaded.state.eip, 0x10000d);
    assert.equal(loaded.physicalBias, 0xc0000000);
    assert.equal(
      refusal(withWord(bytes, 0x18, 0x300000)).detail,
      'e_entry at file offset 0x18 is 0x00300000; PT_LOAD 0 is linked at 0xc0100000 … 0xc0100013, PT_LOAD 1 is linked at 0xc0101000 … 0xc0102fff',
    );
  });

  it('loads by the addresses of the header', function () {
    const bytes = buildKernel(this, BINARY());
    const loaded = plan(bytes);
    // Eight bytes before the header, 32 of header, 2 of code, 4 of data.
    const kernel = region(loaded, 'kernel image');
    assert.equal(kernel.address, 0x200000);
    assert.equal(kernel.bytes.length, 46);
    assert.equal(kernel.size, bytes.length + 0x123);
    assert.equal(loaded.state.eip, 0x200028);
    assert.equal(loaded.physicalBias, 0);
  });

  it('loads to the end of the file with load_end_addr 0, and no .bss with bss_end_addr 0', function () {
    const bytes = buildKernel(this, BINARY('start', '0', '0'));
    const padded = Buffer.concat([bytes, Buffer.alloc(100, 0xaa)]);
    const kernel = region(plan(padded), 'kernel image');
    assert.equal(kernel.size, bytes.length + 100);
    assert.equal(kernel.bytes.at(-1), 0xaa);
  });

  it('believes the addresses of the header rather than the ELF headers, also of a 64-bit file', function () {
    for (const bits of [32, 64] as const) {
      const script = at('0x100000');
      const bytes = buildKernel(this, {
        bits,
        script,
        header: headerSource(KLUDGE, 'header', 'header', '0', '0', '_start'),
      });
      const loaded = plan(bytes);
      assert.equal(loaded.state.eip, 0x100020);
      assert.equal(region(loaded, 'kernel image').address, 0x100000);
    }
  });

  it('finds the linked addresses of a higher-half kernel that its header loads', function () {
    const physical = (symbol: string): string => `${symbol} - 0xC0000000`;
    const header = headerSource(KLUDGE, physical('header'), physical('header'), '0', '0', physical('_start'));
    const loaded = plan(buildKernel(this, { script: HIGHER_HALF, header }));
    assert.equal(loaded.state.eip, 0x100020);
    assert.equal(loaded.physicalBias, 0xc0000000);
  });

  describe('is refused', () => {
    const kludge = (field: number, value: number) =>
      function (this: Mocha.Context): string | undefined {
        const bytes = buildKernel(this, BINARY());
        return refusal(withWord(bytes, 8 + field, value)).detail;
      };

    it('when an address field does not fit the file', function () {
      assert.equal(
        kludge(16, 0x300000).call(this),
        'load_addr at file offset 0x18 is 0x00300000; needed: at most header_addr, 0x00200008',
      );
      assert.equal(
        kludge(12, 0x200009).call(this),
        'header_addr at file offset 0x14 is 0x00200009; needed: at most 0x00200008: only 0x8 bytes stand before the header',
      );
      assert.match(
        kludge(20, 0x1fffff).call(this) ?? '',
        /^load_end_addr at file offset 0x1c is 0x001fffff; needed: 0x00200000 …/,
      );
      assert.match(kludge(20, 0xffffffff).call(this) ?? '', /the file has \d+ bytes from load_addr on$/);
      assert.match(
        kludge(24, 0x200001).call(this) ?? '',
        /^bss_end_addr at file offset 0x20 is 0x00200001; needed: 0, or at least 0x002000/,
      );
      assert.match(
        kludge(28, 0x100000).call(this) ?? '',
        /^entry_addr at file offset 0x24 is 0x00100000; needed: an address in what is loaded/,
      );
    });

    it('without a header', function () {
      const error = refusal(buildKernel(this, { header: '' }));
      assert.equal(error.title, 'kernel.elf has no Multiboot header in its first 8192 bytes');
      assert.equal(error.detail, 'No magic number 0x1badb002 stands at a multiple of 4 below file offset 0x2000');
    });

    it('with the header too far in', function () {
      const error = refusal(buildKernel(this, { script: HEADER_BEHIND }));
      assert.equal(error.title, 'kernel.elf has no Multiboot header in its first 8192 bytes');
      assert.equal(
        error.detail,
        'A header with the right checksum is at file offset 0x4000, too far in: it must end below 0x2000',
      );
      assert.equal(error.mend, 'Put the header section first in SECTIONS and wrap it in KEEP().');
    });

    it('with a wrong checksum, which is added up', function () {
      const header = '.section .multiboot, "a"\n.long 0x1badb002, 7, 0xe4524ffb';
      const error = refusal(buildKernel(this, { header }));
      assert.equal(error.title, 'The Multiboot header at 0x1000 has a wrong checksum');
      assert.equal(
        error.detail,
        'magic 0x1badb002 + flags 0x00000007 + checksum 0xe4524ffb = 0x00000004, must be 0. It was right for flags 0x3',
      );
      assert.equal(error.mend, 'For these flags the checksum is 0xe4524ff7 (at file offset 0x1008).');
    });

    it('with a requirement that the specification does not define', function () {
      const error = refusal(buildKernel(this, { header: headerSource(0xb) }));
      assert.equal(error.title, 'kernel.elf requires Multiboot feature 3, which is not defined');
      assert.match(
        error.detail ?? '',
        /^flags at file offset 0x1004 is 0x0000000b; a loader must refuse a bit from 0 to 15/,
      );
      assert.equal(error.mend, 'Clear bit 3: flags 0x00000003, checksum 0xe4524ffb.');
    });

    it('as a 64-bit ELF file', function () {
      const error = refusal(buildKernel(this, { bits: 64 }));
      assert.equal(error.title, 'kernel.elf is a 64-bit ELF file, and a Multiboot 1 kernel is entered in 32-bit mode');
      assert.match(error.mend ?? '', /objcopy -O elf32-i386/);
    });

    it('as an object file, which has nothing to load', function () {
      const bytes = new Uint8Array(buildKernel(this));
      bytes.set([0, 0], 0x2c);
      assert.equal(refusal(bytes).title, 'kernel.elf has no PT_LOAD segment');
    });

    it('cut short in its headers, its segments and its sections', function () {
      const bytes = buildKernel(this);
      const titles = [0x2000, 0x100e, 0x30, 4, 0].map((length) => refusal(bytes.subarray(0, length)).title);
      assert.deepEqual(titles, [
        'kernel.elf ends before what p_filesz of program header 1 counts',
        'kernel.elf ends before what p_filesz of program header 0 counts',
        'kernel.elf has no Multiboot header in its first 8192 bytes',
        'kernel.elf has no Multiboot header in its first 8192 bytes',
        'kernel.elf has no Multiboot header in its first 8192 bytes',
      ]);
      assert.equal(
        refusal(bytes.subarray(0, bytes.length - 1)).title,
        'kernel.elf has its section header table past its end',
      );
    });

    it('when it does not fit in memory', function () {
      const error = refusal(buildKernel(this, { script: at('180M') }), { memory: 128 * MIB });
      assert.equal(error.title, 'The kernel does not fit in 128 MiB');
      assert.equal(
        error.detail,
        'kernel PT_LOAD 0 ends at physical 0x0b402014 (180.0 MiB with .bss); memory ends at 0x08000000',
      );
      assert.equal(error.mend, 'Set "memory": "256M" or more.');
    });

    it('when it was linked at 3 GiB and forgot to say where to load it', function () {
      const error = refusal(buildKernel(this, { script: at('0xC0100000') }));
      assert.match(error.mend ?? '', /AT\(\) in the linker script/);
    });

    it('in video memory or ROM', function () {
      const error = refusal(buildKernel(this, { script: at('0x9f000') }));
      assert.equal(error.title, 'kernel PT_LOAD 0 lies where a PC has no memory');
      assert.match(error.detail ?? '', /^It covers physical 0x0009f000 … 0x000a1013;/);
      assert.equal(
        refusal(buildKernel(this, { script: at('0xf0000') })).title,
        'kernel PT_LOAD 0 lies where a PC has no memory',
      );
    });

    it('when two segments want the same memory', function () {
      const script = `
PHDRS { one PT_LOAD; two PT_LOAD; }
SECTIONS {
  . = 0x100000;
  .text : { *(.multiboot) *(.text) } :one
  .data 0x200000 : AT(0x100008) { *(.data) *(.bss) } :two
}`;
      const error = refusal(buildKernel(this, { script }));
      assert.equal(error.title, 'kernel PT_LOAD 1 covers part of kernel PT_LOAD 0');
    });
  });
});
