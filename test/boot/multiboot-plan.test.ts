import assert from 'node:assert/strict';
import { applyPlan } from '../../src/boot/load.ts';
import { SEGMENT } from '../../src/cpu/state.ts';
import { ElfFile } from '../../src/image/elf.ts';
import { Machine } from '../../src/machine/machine.ts';
import { information, plan, refusal, region, stringAt, wordAt } from './expect.ts';
import { buildKernel, headerSource, MIB } from './kernels.ts';

const MODULES = [
  { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11), cmdline: 'initrd.img root' },
  { name: 'empty', bytes: new Uint8Array(), cmdline: '' },
  { name: 'last', bytes: new Uint8Array(1).fill(0x22), cmdline: 'last' },
];

describe('Multiboot plan', () => {
  it('promises and gives the machine state of 3.2', function () {
    const { state, promises, information: structure } = plan(buildKernel(this));
    assert.equal(state.registers.eax, 0x2badb002);
    assert.equal(state.registers.ebx, structure?.address);
    assert.deepEqual(structure, { kind: 'multiboot_info', register: 'ebx', address: 0x9500 });
    assert.equal(state.cr0, 0x11);
    assert.equal(state.cpl, 0);
    // QEMU's truth at the same entry, but for the accessed bit of CS: flags 00cf9a00 and 00cf9300.
    assert.deepEqual(state.segments.cs, { selector: 8, base: 0, limit: 0xffffffff, access: 0xc09b00 });
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const)
      assert.deepEqual(state.segments[name], { selector: 0x10, base: 0, limit: 0xffffffff, access: 0xc09300 });
    assert.deepEqual(state.segments.ldtr, { selector: 0, base: 0, limit: 0xffff, access: 0x8200 });
    assert.deepEqual(state.segments.tr, { selector: 0, base: 0, limit: 0xffff, access: 0x8b00 });
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    const items = 'EIP EAX EBX CS DS ES FS GS SS A20 CR0.PG CR0.PE EFLAGS.VM EFLAGS.IF';
    assert.deepEqual(kept, items.split(' '));
    const free = promises.filter(({ promise }) => promise === undefined).map(({ item }) => item);
    assert.deepEqual(free, 'EFLAGS.DF ESP GDTR IDTR ECX EDX EBP ESI EDI'.split(' '));
    assert.ok(promises.slice(1).every(({ source }) => source === 'Multiboot 0.6.96, 3.2 Machine state'));
  });

  it('fills what is not promised with a pattern', function () {
    const { state } = plan(buildKernel(this));
    for (const name of ['ecx', 'edx', 'esp', 'ebp', 'esi', 'edi'] as const)
      assert.equal(state.registers[name], 0x5eedface);
    assert.equal(state.eflags, 0x402);
    assert.deepEqual([state.gdtr.limit, state.idtr.limit], [0, 0]);
  });

  it('gives a kernel without poison zeros and a table to reload segments from', function () {
    const made = plan(buildKernel(this), { poison: false });
    const { state } = made;
    for (const name of ['ecx', 'edx', 'esp', 'ebp', 'esi', 'edi'] as const) assert.equal(state.registers[name], 0);
    assert.equal(state.eflags, 2);
    assert.deepEqual(state.idtr, { base: 0, limit: 0x3ff });
    assert.equal(state.gdtr.limit, 23);
    assert.ok(state.gdtr.base >= 0x500 && state.gdtr.base + 24 <= 0x9fc00);
    const words = [0, 4, 8, 12, 16, 20].map((at) => wordAt(made, state.gdtr.base + at));
    assert.deepEqual(words, [0, 0, 0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300]);
  });

  it('describes memory to the byte', function () {
    const made = plan(buildKernel(this), { memory: 128 * MIB });
    assert.equal(information(made, 0) & 0b1001101, 0b1001101);
    assert.equal(information(made, 0) & 0b10, 0, 'there is no boot device');
    assert.equal(information(made, 4), 639);
    assert.equal(information(made, 8), 130048);
    assert.equal(information(made, 44), 96);
    const map = made.regions.find(({ address }) => address === information(made, 48));
    const entry = (base: string, length: string, type: string): string =>
      `14000000${base}00000000${length}00000000${type}000000`;
    assert.equal(
      Buffer.from(map?.bytes ?? []).toString('hex'),
      entry('00000000', '00fc0900', '01') +
        entry('00fc0900', '00040000', '02') +
        entry('00000f00', '00000100', '02') +
        entry('00001000', '0000f007', '01'),
    );
  });

  it('passes command line and loader name as they are', function () {
    const made = plan(buildKernel(this), { cmdline: 'console=com0 "a b"', bootLoaderName: 'größer' });
    assert.equal(stringAt(made, information(made, 16)), 'console=com0 "a b"');
    assert.equal(stringAt(made, information(made, 64)), 'größer');
    const none = plan(buildKernel(this), { cmdline: '' });
    assert.equal(information(none, 0) & 4, 4);
    assert.equal(stringAt(none, information(none, 16)), '');
  });

  it('puts modules on pages of their own above the kernel', function () {
    const made = plan(buildKernel(this), { modules: MODULES });
    assert.equal(information(made, 20), 3);
    const list = information(made, 24);
    const rows = MODULES.map((_, index) => [0, 4, 8, 12].map((at) => wordAt(made, list + index * 16 + at)));
    // The kernel's .bss ends at 0x103004.
    assert.deepEqual(
      rows.map(([start, end, , reserved]) => [start, end, reserved]),
      [
        [0x104000, 0x104000 + 5000, 0],
        [0x106000, 0x106000, 0],
        [0x106000, 0x106001, 0],
      ],
    );
    assert.deepEqual(
      rows.map(([, , string]) => stringAt(made, string ?? 0)),
      ['initrd.img root', '', 'last'],
    );
    assert.equal(region(made, 'module initrd.img').bytes[4999], 0x11);
    const none = plan(buildKernel(this));
    assert.deepEqual([information(none, 20), information(none, 24)], [0, 0]);
  });

  it('refuses a module that does not fit', function () {
    const modules = [{ name: 'initrd.img', bytes: new Uint8Array(20 * MIB), cmdline: '' }];
    const error = refusal(buildKernel(this), { modules });
    assert.equal(error.title, 'initrd.img does not fit in 16 MiB');
    assert.equal(
      error.detail,
      'The module has 20,971,520 bytes; memory behind the kernel and the modules before it is 0x00103004 … 0x00ffffff',
    );
    assert.equal(error.mend, 'Set "memory": "32M" or more.');
  });

  it('hands over the section headers, with what is not loaded put into memory', function () {
    const bytes = buildKernel(this);
    const before = Buffer.from(bytes);
    const made = plan(bytes);
    const elf = new ElfFile('kernel.elf', bytes);
    assert.equal(information(made, 0) & 0x20, 0x20);
    assert.deepEqual(
      [28, 32, 40].map((at) => information(made, at)),
      [elf.sections.length, 40, elf.header.sections.nameIndex],
    );
    const table = information(made, 36);
    for (const section of elf.sections) {
      const at = table + section.index * 40;
      const address = wordAt(made, at + 12);
      if ((section.flags & 2) !== 0) assert.equal(BigInt(address), section.address);
      if (!['.symtab', '.strtab', '.shstrtab'].includes(section.name)) continue;
      const copy = made.regions.find((one) => one.address === address);
      assert.deepEqual(copy?.bytes, section.bytes);
      assert.ok(address >= 0x104000);
      assert.equal(wordAt(made, at + 16), section.offset);
    }
    assert.ok(before.equals(bytes), 'the file is left as it is');
  });

  it('leaves the section headers out where memory has no room, and with addresses in the header', function () {
    const padding = { code: '.text\n.globl _start\n_start: hlt\n.section .debug, ""\n.skip 0x100000\n' };
    const bytes = buildKernel(this, padding);
    assert.equal(information(plan(bytes, { memory: 2 * MIB }), 0) & 0x20, 0);
    assert.equal(information(plan(bytes, { memory: 4 * MIB }), 0) & 0x20, 0x20);
    const kludge = buildKernel(this, { header: headerSource(0x10003, 'header', 'header', '0', '0', '_start') });
    assert.equal(information(plan(kludge), 0) & 0x20, 0);
  });

  it('answers a wish for a video mode with EGA text', function () {
    const words = ['0', '0', '0', '0', '0', '0', '1024', '768', '32'];
    const made = plan(buildKernel(this, { header: headerSource(7, ...words) }));
    assert.equal(information(made, 0) & 0x1000, 0x1000);
    assert.deepEqual(
      [88, 92, 96, 100, 104].map((at) => information(made, at)),
      [0xb8000, 0, 160, 80, 25],
    );
    assert.equal(information(made, 108) & 0xffff, 0x0210);
    assert.equal(information(plan(buildKernel(this)), 0) & 0x1000, 0);
  });

  it('keeps clear of a kernel in conventional memory', function () {
    const script = 'ENTRY(_start) SECTIONS { . = 0x8000; .text : { *(.multiboot) *(.text) *(.data) *(.bss) } }';
    const made = plan(buildKernel(this, { script }), { modules: MODULES, poison: false });
    assert.equal(made.information?.address, 0xa018);
    const low = made.regions.filter(({ address }) => address < MIB).sort((a, b) => a.address - b.address);
    low.reduce((end, one) => {
      assert.ok(one.address >= end, `${one.name} overlaps`);
      return one.address + one.size;
    }, 0);
    assert.equal(region(made, 'module initrd.img').address, MIB);
  });

  it('refuses boot information that conventional memory cannot hold', function () {
    const error = refusal(buildKernel(this), { cmdline: 'x'.repeat(700_000) });
    assert.equal(error.code, 'information-too-large');
    assert.match(error.detail ?? '', /^The command line needs 700,001 bytes/);
  });

  it('refuses a machine with less than 1 MiB', function () {
    assert.equal(refusal(buildKernel(this), { memory: 0x80000 }).title, '512 KiB of memory is too little');
  });

  it('puts a machine at the entry, ready to run', function () {
    const bytes = buildKernel(this);
    const machine = new Machine({ memory: 16 * MIB });
    machine.memory.write(0x101000, new Uint8Array(0x3000).fill(0xee));
    applyPlan(plan(bytes), machine);
    const { state } = machine.cpu;
    assert.equal(state.ip, 0x10000c);
    assert.equal(state.register32(0), 0x2badb002);
    assert.equal(state.register32(3), 0x9500);
    assert.equal(state.register32(4), 0x5eedface);
    assert.equal(state.eflags, 0x402);
    assert.equal(state.control(0), 0x11);
    assert.equal(state.segment(SEGMENT.cs).access, 0xc09b00);
    assert.deepEqual([state.gdtr.limit, state.idtr.limit, state.cpl], [0, 0, 0]);
    assert.equal(machine.memory.read32(0x100000), 0x1badb002);
    assert.equal(machine.memory.read32(0x101000), 0x11223344);
    assert.ok(
      machine.memory.read(0x101004, 0x2000).every((byte) => byte === 0),
      '.bss is zero',
    );
    assert.equal(machine.memory.read8(0x103004), 0xee);
  });
});
