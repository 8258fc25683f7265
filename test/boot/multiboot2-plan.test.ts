import assert from 'node:assert/strict';
import { decodeInformation } from '../../src/boot/information.ts';
import type { InformationNode } from '../../src/boot/information-node.ts';
import { applyPlan } from '../../src/boot/load.ts';
import type { LoadOptions, LoadPlan } from '../../src/boot/protocol.ts';
import { ElfFile } from '../../src/image/elf.ts';
import { acpiRootPointer } from '../../src/machine/firmware/acpi-tables.ts';
import { Machine } from '../../src/machine/machine.ts';
import { plan as planAny, refusal, region, wordAt } from './expect.ts';
import { buildKernel, headerTag, MIB, multiboot2Source } from './kernels.ts';

const MODULES = [
  { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11), cmdline: 'initrd.img root' },
  { name: 'empty', bytes: new Uint8Array(), cmdline: '' },
];

function plan(bytes: Uint8Array, options: Partial<LoadOptions> = {}): LoadPlan {
  return planAny(bytes, options, 'multiboot2');
}

/** The bytes of the information structure. */
function structure(made: LoadPlan): Buffer {
  return Buffer.from(region(made, 'multiboot2_info').bytes);
}

interface Tag {
  readonly type: number;
  readonly bytes: Buffer;
}

/** The tags, walked as 3.6.2 says: the next one is at the next multiple of 8. */
function tagsOf(made: LoadPlan): Tag[] {
  const bytes = structure(made);
  const tags: Tag[] = [];
  for (let at = 8; at < bytes.readUInt32LE(0); at += (bytes.readUInt32LE(at + 4) + 7) & ~7)
    tags.push({ type: bytes.readUInt32LE(at), bytes: bytes.subarray(at, at + bytes.readUInt32LE(at + 4)) });
  return tags;
}

function tag(made: LoadPlan, type: number): string {
  return (tagsOf(made).find((one) => one.type === type)?.bytes ?? assert.fail(`no tag ${type}`)).toString('hex');
}

function child(node: InformationNode, name: string): InformationNode {
  return node.children?.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
}

describe('Multiboot 2 plan', () => {
  it('promises and gives the machine state of 3.3', function () {
    const { state, promises, information } = plan(buildKernel(this, { header: multiboot2Source() }));
    assert.equal(state.registers.eax, 0x36d76289);
    assert.deepEqual(information, { kind: 'multiboot2_info', register: 'ebx', address: state.registers.ebx });
    assert.equal(state.registers.ebx % 8, 0);
    assert.equal(state.eip, 0x100018);
    assert.deepEqual([state.cr0, state.cr3, state.cr4, state.cpl, state.eflags], [0x11, 0, 0, 0, 0x402]);
    assert.deepEqual(state.segments.cs, { selector: 8, base: 0, limit: 0xffffffff, access: 0xc09b00 });
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const)
      assert.deepEqual(state.segments[name], { selector: 0x10, base: 0, limit: 0xffffffff, access: 0xc09300 });
    for (const name of ['ecx', 'edx', 'esp', 'ebp', 'esi', 'edi'] as const)
      assert.equal(state.registers[name], 0x5eedface);
    assert.deepEqual([state.gdtr.limit, state.idtr.limit], [0, 0]);
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'EIP EAX EBX CS DS ES FS GS SS A20 CR0.PG CR0.PE EFLAGS.VM EFLAGS.IF'.split(' '));
    assert.ok(promises.slice(1).every(({ source }) => source === 'Multiboot 2.0, 3.3 I386 machine state'));
  });

  it('gives information to the byte, as 3.6 draws it', function () {
    const bytes = buildKernel(this, { header: multiboot2Source() });
    const made = plan(bytes, { memory: 128 * MIB, cmdline: 'a b', bootLoaderName: 'Xen', modules: MODULES });
    const whole = structure(made);
    assert.equal(whole.readUInt32LE(0), whole.length);
    assert.equal(whole.readUInt32LE(4), 0);
    assert.equal(whole.length % 8, 0);
    assert.deepEqual(
      tagsOf(made).map(({ type }) => type),
      [1, 2, 3, 3, 6, 9, 4, 8, 0],
    );
    assert.equal(tag(made, 1), '01000000' + '0c000000' + '61206200');
    assert.equal(tag(made, 2), '02000000' + '0c000000' + '58656e00');
    const [first, second] = tagsOf(made).filter(({ type }) => type === 3);
    const name = Buffer.from('initrd.img root\0').toString('hex');
    // The kernel's .bss ends at 0x103004.
    assert.equal(first?.bytes.toString('hex'), '03000000' + '20000000' + '00401000' + '88531000' + name);
    assert.equal(second?.bytes.toString('hex'), '03000000' + '11000000' + '00601000' + '00601000' + '00');
    assert.equal(tag(made, 4), '04000000' + '10000000' + '7f020000' + '00fc0100');
    const entry = (base: string, length: string, type: string): string =>
      `${base}00000000${length}00000000${type}00000000000000`;
    assert.equal(
      tag(made, 6),
      '06000000' +
        '70000000' +
        '18000000' +
        '00000000' +
        entry('00000000', '00fc0900', '01') +
        entry('00fc0900', '00040000', '02') +
        entry('00000f00', '00000100', '02') +
        entry('00001000', '0000f007', '01'),
    );
    assert.equal(
      tag(made, 8),
      '08000000' + '20000000' + '00800b0000000000' + 'a0000000' + '50000000' + '19000000' + '10020000',
    );
    assert.equal(tag(made, 0), '00000000' + '08000000');
  });

  it('hands over the section headers, with what is not loaded put into memory', function () {
    const bytes = buildKernel(this, { header: multiboot2Source() });
    const elf = new ElfFile('kernel.elf', bytes);
    const made = plan(bytes);
    const sections = tagsOf(made).find(({ type }) => type === 9)?.bytes ?? assert.fail('no tag 9');
    assert.deepEqual(
      [8, 12, 16].map((at) => sections.readUInt32LE(at)),
      [elf.sections.length, 40, elf.header.sections.nameIndex],
    );
    assert.equal(sections.length, 20 + 40 * elf.sections.length);
    for (const section of elf.sections) {
      const address = sections.readUInt32LE(20 + section.index * 40 + 12);
      if ((section.flags & 2) !== 0) assert.equal(BigInt(address), section.address);
      if (!['.symtab', '.strtab', '.shstrtab'].includes(section.name)) continue;
      assert.deepEqual(made.regions.findLast((one) => one.address === address)?.bytes, section.bytes);
    }
  });

  it('copies the ACPI root pointer of the machine, whose tables are in its memory', function () {
    const rootPointer = acpiRootPointer(true);
    const made = plan(buildKernel(this, { header: multiboot2Source() }), { rootPointer });
    const machine = new Machine({ memory: 16 * MIB });
    const copy = Buffer.from(machine.memory.read(rootPointer.address, 36)).toString('hex');
    assert.equal(tag(made, 14), '0e000000' + '1c000000' + copy.slice(0, 40));
    assert.equal(tag(made, 15), '0f000000' + '2c000000' + copy);
    assert.match(copy, new RegExp(`^${Buffer.from('RSD PTR ').toString('hex')}`));
  });

  it('loads by the address tag where there is one, and does not look at the ELF headers', function () {
    const words = ['header2', '0xffffffff', 0, 'bss_end'];
    const script =
      'ENTRY(_start) SECTIONS { . = 0x100000; .multiboot : { *(.multiboot) } .text : { *(.text) *(.data) } .bss : { *(.bss) bss_end = .; } }';
    const elf = buildKernel(this, { header: multiboot2Source(headerTag(2, words), headerTag(3, ['_start'])), script });
    const header = elf.subarray(0x1000);
    const made = plan(header);
    const kernel = region(made, 'kernel image');
    assert.equal(kernel.address, 0x100000);
    assert.deepEqual(kernel.bytes, header);
    assert.equal(made.state.eip, 0x100040);
    assert.equal(
      tagsOf(made).some(({ type }) => type === 9),
      false,
    );
    // Behind the ELF header the same fields would load from below 1 MiB.
    assert.equal(refusal(elf, {}, 'multiboot2').title, 'kernel image lies where a PC has no memory');
  });

  it('enters at the entry address tag, with the bias of its segment', function () {
    const script =
      'ENTRY(_start) SECTIONS { . = 0xc0100000; .all : AT(0x100000) { *(.multiboot) *(.text) *(.data) } .bss : AT(ADDR(.bss) - 0xc0000000) { *(.bss) } }';
    const made = plan(
      buildKernel(this, { header: multiboot2Source(headerTag(3, ['_start - 0xc0000000 + 1'])), script }),
    );
    assert.equal(made.state.eip, 0x100029);
    assert.equal(made.physicalBias, 0xc0000000);
  });

  describe('of a relocatable kernel', () => {
    const relocatable = (min: number, max: string | number, align: number, preference: number): string =>
      multiboot2Source(headerTag(10, [min, max, align, preference]));
    const cases: readonly (readonly [header: string, memory: number, base: number])[] = [
      [relocatable(0, '0xffffffff', 0x200000, 2), 128, 0x7e00000],
      [relocatable(0x180000, '0xffffffff', 0x1000, 1), 16, 0x180000],
      [relocatable(0x100001, '0xffffffff', 0x10000, 1), 16, 0x110000],
      // Between the end of the image's 0x3004 bytes and 4 MiB.
      [relocatable(0x100000, 0x400000, 0, 2), 16, 0x3fcffc],
      // Without a preference it stays where it is linked, when it may.
      [relocatable(0x100000, '0xffffffff', 0x1000, 0), 16, 0x100000],
      [relocatable(0x200000, '0xffffffff', 0x200000, 0), 16, 0x200000],
      // Conventional memory is memory, but for the first page, where the BIOS keeps its data.
      [relocatable(0, '0xffffffff', 0x1000, 1), 16, 0x1000],
    ];
    for (const [header, memory, base] of cases)
      it(`goes to 0x${base.toString(16)} with ${memory} MiB`, function () {
        const made = plan(buildKernel(this, { header }), { memory: memory * MIB, modules: MODULES });
        assert.equal(region(made, 'kernel PT_LOAD 0').address, base);
        assert.equal(made.state.eip, base + 0x30);
        assert.equal((made.physicalBias + made.state.eip) >>> 0, 0x100030);
        assert.equal(tag(made, 21), `150000000c000000${Buffer.from(Uint32Array.of(base).buffer).toString('hex')}`);
        const taken = made.regions.filter(({ name, size }) => size > 0 && !name.startsWith('section '));
        taken
          .sort((a, b) => a.address - b.address)
          .reduce((end, one) => {
            assert.ok(one.address >= end, `${one.name} overlaps`);
            return one.address + one.size;
          }, 0);
        assert.equal(wordAt(made, base), 0xe85250d6);
      });

    it('says so', function () {
      const moved = plan(buildKernel(this, { header: relocatable(0x100000, '0xffffffff', 0x200000, 2) }));
      assert.match(
        moved.chosen,
        / Loaded at physical 0x00e00000 instead of 0x00100000, the highest address that its relocatable tag allows; entry at 0x00e00030\.$/,
      );
      const stays = plan(buildKernel(this, { header: relocatable(0, '0xffffffff', 1, 0) }));
      assert.match(stays.chosen, / Its relocatable tag allows the address that it is linked for, 0x00100000\.$/);
    });

    it('is refused where no memory fits', function () {
      const error = refusal(
        buildKernel(this, { header: relocatable(0x1000000, '0xffffffff', 1, 0) }),
        {},
        'multiboot2',
      );
      assert.equal(error.title, 'No memory fits the relocatable tag of kernel.elf');
      assert.match(error.detail ?? '', /^The tag at file offset 0x1010 allows 0x01000000 … 0xffffffff/);
      const small = refusal(buildKernel(this, { header: relocatable(0x100000, 0x100fff, 1, 0) }), {}, 'multiboot2');
      assert.equal(small.code, 'relocatable-no-memory');
    });
  });
});

describe('Multiboot 2 information', () => {
  function decode(made: LoadPlan): InformationNode {
    const machine = new Machine({ memory: 16 * MIB });
    applyPlan(made, machine);
    assert.ok(made.information !== undefined);
    return decodeInformation((at, length) => machine.memory.read(at, length), made.information);
  }

  it('is decoded as a tree, tag by tag', function () {
    const header = multiboot2Source(headerTag(10, [0x100000, '0xffffffff', 0x1000, 0]));
    const rootPointer = acpiRootPointer(true);
    const root = decode(plan(buildKernel(this, { header }), { cmdline: 'quiet', modules: MODULES, rootPointer }));
    assert.match(root.text, /^0x9500 · [\d,]+ bytes, 12 tags$/);
    const text = (name: string): string => child(root, name).text;
    assert.equal(text('1 command line'), '"quiet"');
    assert.equal(text('2 boot loader name'), '"Start of Day"');
    assert.equal(text('3 module'), '0x104000 … 0x105387, 4.9 KiB "initrd.img root"');
    assert.equal(text('4 basic memory information'), '639 KiB below 1 MiB, 15 MiB above');
    assert.equal(text('6 memory map'), '4 ranges of 24 bytes');
    assert.deepEqual(
      child(root, '6 memory map')
        .children?.slice(4)
        .map(({ name, text: range, offset }) => `+${offset} ${name}: ${range}`),
      [
        '+16 [0] available: 0x0 … 0x9fbff, 639 KiB',
        '+40 [1] reserved: 0x9fc00 … 0x9ffff, 1 KiB',
        '+64 [2] reserved: 0xf0000 … 0xfffff, 64 KiB',
        '+88 [3] available: 0x100000 … 0xffffff, 15 MiB',
      ],
    );
    assert.equal(text('8 framebuffer'), '80 by 25, EGA text, at 0xb8000');
    assert.match(text('9 ELF sections'), /^\d+ section headers of 40 bytes, names in section \d+$/);
    assert.match(text('14 ACPI 1.0 RSDP'), /^copy of the RSDP, RSDT at 0xf[0-9a-f]{4}$/);
    assert.equal(text('21 image load base'), '0x00100000');
    assert.equal(text('0 end'), 'end of the structure');
    assert.equal(child(child(root, '8 framebuffer'), 'framebuffer_addr').value, 0xb8000);
  });

  it('of any bytes is decoded without an end and without a throw', () => {
    const at = 0x1000;
    const decoded = (...values: number[]): InformationNode => {
      const memory = new Uint8Array(0x2000);
      new Uint32Array(memory.buffer).set(values, at / 4);
      const read = (address: number, length: number): Uint8Array => memory.slice(address, address + length);
      return decodeInformation(read, { kind: 'multiboot2_info', register: 'ebx', address: at });
    };
    const last = (node: InformationNode): string => node.children?.at(-1)?.text ?? '';
    assert.equal(last(decoded(16, 0)), 'size is 0x0, must be 8 to 0x8');
    assert.equal(last(decoded(8, 0)), 'total_size 0x8 ends before an end tag');
    assert.equal(decoded(32, 0, 8, 16, 0, 0, 0, 8).children?.[2]?.text, '16 bytes, must be 32 or more');
    assert.equal(decoded(32, 0, 99, 24).children?.[2]?.text, '24 bytes, not defined');
    assert.equal(decoded(32, 0, 6, 24, 0, 0).children?.[2]?.text, '0 ranges of 0 bytes');
  });
});
