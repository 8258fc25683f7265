import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { decodeInformation } from '../../src/boot/information.ts';
import { recogniseAll } from '../../src/boot/recognise.ts';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import type { InformationNode } from '../../src/boot/information-node.ts';
import type { LoadPlan } from '../../src/boot/protocol.ts';
import { plan, refusal, region } from './expect.ts';
import { buildKernel, MIB, withWord } from './kernels.ts';
import { memoryOf } from './plan-memory.ts';

const PVH_NOTE = (desc: string): string =>
  `.section .note.Xen, "a", @note\n.long 4, 8f - 7f, 18\n.asciz "Xen"\n7: ${desc}\n8:\n`;
/** Linked 3 GiB above where it lies, as Linux is. */
const SCRIPT = `
ENTRY(_start)
SECTIONS {
  . = 0xc0100000;
  .text : AT(0x100000) { *(.text) }
  .note.Xen : AT(0x101000) { *(.note.Xen) }
  .data : AT(0x102000) { *(.data) }
  .bss : AT(0x103000) { *(.bss) }
}
`;
const kernel = (test: Context, desc = '.long 0x100000'): Uint8Array =>
  buildKernel(test, { header: PVH_NOTE(desc), script: SCRIPT });

/** What QEMU 7.2 had at the first instruction of Linux 6.1 686-pae and of GRUB by PVH. */
const QEMU = {
  cr0: 0x11,
  cr4: 0,
  eflags: 0x06,
  cs: { base: 0, limit: 0xffffffff, flags: 0x00cf9a00 },
  data: { base: 0, limit: 0xffffffff, flags: 0x00cf9300 },
  information:
    '78c56e330100000000000000000000000000000000000000c011000000000000d0590f0000000000a80500000000000006000000',
} as const;

function child(node: InformationNode, name: string): InformationNode {
  return node.children?.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
}

function structure(made: LoadPlan): Buffer {
  return Buffer.from(memoryOf(made)(made.information?.address ?? assert.fail('nothing'), 56));
}

describe('PVH', () => {
  it('gives the machine state of pvh.pandoc, and nothing that it does not promise', function () {
    const { state, promises, physicalBias } = plan(kernel(this), {}, 'auto');
    assert.equal(state.eip, 0x100000);
    assert.equal(physicalBias, 0xc0000000);
    // PE; ET is no writable bit.
    assert.deepEqual([state.cr0, state.cr4], [QEMU.cr0, QEMU.cr4]);
    assert.equal(state.eflags & 0x20300, 0, 'VM, IF and TF');
    const flat = { base: 0, limit: 0xffffffff };
    const { segments } = state;
    assert.deepEqual({ ...segments.cs, selector: 0 }, { ...flat, selector: 0, access: 0xc09b00 });
    for (const name of ['ds', 'es', 'ss'] as const)
      assert.deepEqual({ ...segments[name], selector: 0 }, { ...flat, selector: 0, access: 0xc09300 });
    // A present, busy 32-bit TSS.
    assert.deepEqual(segments.tr, { selector: 0, base: 0, limit: 0x67, access: 0x8b00 });
    for (const name of ['fs', 'gs'] as const) assert.deepEqual(segments[name], segments.ds);
    const { ebx, ...rest } = state.registers;
    assert.ok(Object.values(rest).every((value) => value === 0x5eedface));
    assert.deepEqual(
      [state.gdtr, state.idtr],
      [
        { base: 0, limit: 0 },
        { base: 0, limit: 0 },
      ],
    );
    assert.notEqual(ebx, 0x5eedface);
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'EIP EBX CR0.PE CR0.PG CR4 CS DS ES SS TR EFLAGS.VM EFLAGS.IF EFLAGS.TF'.split(' '));
  });

  it('has the state that QEMU has, but for what is said here', function () {
    const { state } = plan(kernel(this), { poison: false }, 'pvh');
    assert.deepEqual([state.cr0, state.cr4], [QEMU.cr0, QEMU.cr4]);
    // PF is an arithmetic flag, and not promised.
    assert.equal(state.eflags, QEMU.eflags & ~4);
    // QEMU's CS is not marked accessed; a CPU that loaded it would have marked it (SDM 3, 3.4.5.1).
    assert.equal(state.segments.cs.access | 0xf0000, (QEMU.cs.flags | 0x100) & 0xffff00);
    for (const name of ['ds', 'es', 'ss', 'fs', 'gs'] as const)
      assert.equal(state.segments[name].access | 0xf0000, QEMU.data.flags & 0xffff00);
    // QEMU leaves the TSS of reset, limit 0xffff; pvh.pandoc has 0x67.
    assert.equal(state.segments.tr.limit, 0x67);
  });

  it('makes hvm_start_info with what it points to', function () {
    const initrd = { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11) };
    const modules = [
      { name: 'microcode', bytes: new Uint8Array(100).fill(0x22), cmdline: 'early' },
      { name: 'empty', bytes: new Uint8Array(), cmdline: '' },
    ];
    const made = plan(kernel(this), { memory: 64 * MIB, cmdline: 'console=hvc0', initrd, modules }, 'pvh');
    const memory = memoryOf(made);
    const address = made.state.registers.ebx;
    assert.deepEqual(made.information, { kind: 'hvm_start_info', register: 'ebx', address });
    const info = structure(made);
    const pointer = (offset: number): number => Number(info.readBigUInt64LE(offset));
    // magic, version, flags, nr_modules
    assert.deepEqual(
      [0, 4, 8, 12].map((at) => info.readUInt32LE(at)),
      [0x336ec578, 1, 0, 3],
    );
    assert.equal(Buffer.from(memory(pointer(24), 13)).toString(), 'console=hvc0\0');
    assert.equal(pointer(32), 0xf5a00);
    assert.deepEqual([info.readUInt32LE(48), info.readUInt32LE(52)], [4, 0]);
    const map = Buffer.from(memory(pointer(40), 4 * 24));
    const entries = [0, 1, 2, 3].map((n) => [
      Number(map.readBigUInt64LE(n * 24)),
      Number(map.readBigUInt64LE(n * 24 + 8)),
      map.readUInt32LE(n * 24 + 16),
      map.readUInt32LE(n * 24 + 20),
    ]);
    assert.deepEqual(entries, [
      [0, 0x9fc00, 1, 0],
      [0x9fc00, 0x400, 2, 0],
      [0xf0000, 0x10000, 2, 0],
      [MIB, 63 * MIB, 1, 0],
    ]);
    const list = Buffer.from(memory(pointer(16), 3 * 32));
    const row = (n: number): number[] => [0, 8, 16, 24].map((at) => Number(list.readBigUInt64LE(n * 32 + at)));
    // Behind .bss, which ends at 0x105000; the RAM disk is module 0.
    assert.deepEqual(row(0), [0x105000, 5000, 0, 0]);
    assert.equal(region(made, 'module initrd.img').address, 0x105000);
    const [start = 0, size, line = 0] = row(1);
    assert.deepEqual([start, size], [0x107000, 100]);
    assert.equal(Buffer.from(memory(line, 6)).toString(), 'early\0');
    assert.equal(row(2)[1], 0);
    // All of it lies where the guest may write, below 4 GiB, and not in its image.
    for (const at of [address, pointer(16), pointer(24), pointer(40), line]) assert.ok(at >= 0x10000 && at < 0x9fc00);
  });

  it('hands over the structure that QEMU hands over, but for addresses and the map', function () {
    const info = structure(plan(kernel(this), { cmdline: '' }, 'pvh'));
    const recorded = Buffer.from(QEMU.information, 'hex');
    // Magic, version, flags, no modules.
    assert.deepEqual(info.subarray(0, 24), recorded.subarray(0, 24));
    assert.equal(recorded.readUInt32LE(48), 6, 'QEMU adds its ACPI tables at the end of memory, and its flash');
    assert.equal(info.readUInt32LE(48), 4);
  });

  it('is decoded as a tree', function () {
    const initrd = { name: 'initrd.img', bytes: new Uint8Array(5000) };
    const made = plan(kernel(this), { cmdline: 'quiet', initrd }, 'pvh');
    const read = memoryOf(made);
    const node = decodeInformation(read, made.information ?? assert.fail('nothing'));
    assert.match(node.text, /^0x[0-9a-f]+ · version 1, 1 module$/);
    assert.equal(child(node, 'magic').text, '0x336ec578 · hvm_start_info');
    assert.match(child(node, 'cmdline_paddr').text, /^0x[0-9a-f]+ "quiet"$/);
    assert.match(child(node, 'memmap_paddr').text, / · 4 ranges, 15\.6 MiB of RAM$/);
    assert.equal(child(child(node, 'modlist_paddr'), '[0]').text, '0x105000 … 0x106387, 4.9 KiB');
    assert.equal(child(node, 'rsdp_paddr').pointer, 0xf5a00);
    // A guest that writes nonsense over it is shown, not followed to the end of the world.
    const wild = decodeInformation((at, length) => new Uint8Array(length).fill(at === node.address ? 0xff : 0x20), {
      ...(made.information ?? assert.fail('nothing')),
    });
    assert.match(child(wild, 'magic').text, /must be 0x336ec578/);
    assert.ok((child(wild, 'modlist_paddr').children?.length ?? 0) <= 64);
  });

  it('takes the entry of 4 or 8 bytes and refuses any other, with the field', function () {
    assert.equal(plan(kernel(this, '.quad 0x100001'), {}, 'pvh').state.eip, 0x100001);
    const short = refusal(kernel(this, '.word 0x10'), {}, 'pvh');
    assert.match(
      short.detail ?? '',
      /^PHYS32_ENTRY, ELF note 18 at file offset 0x[0-9a-f]+, has 2 bytes, needs 4 or 8$/,
    );
    const outside = refusal(kernel(this, '.long 0x2000000'), {}, 'auto');
    assert.equal(outside.code, 'pvh-entry');
    assert.match(outside.detail ?? '', /is 0x02000000; PT_LOAD 0 is at physical 0x00100000 … 0x00[0-9a-f]{6}/);
    assert.equal(refusal(buildKernel(this), {}, 'pvh').code, 'pvh-no-note');
    const files = [{ name: 'big', bytes: new Uint8Array(32 * MIB), cmdline: '' }];
    assert.equal(refusal(kernel(this), { modules: files }, 'pvh').code, 'module-too-large');
    assert.equal(refusal(kernel(this), { cmdline: 'x'.repeat(700_000) }, 'pvh').code, 'information-too-large');
  });

  it('refuses a 64-bit image until the machine has long mode', function () {
    const long = buildKernel(this, { header: PVH_NOTE('.quad 0x100000'), script: SCRIPT, bits: 64 });
    assert.equal(refusal(long, {}, 'pvh').title, 'kernel.elf cannot be entered by pvh: the machine has no long mode');
    assert.match(refusal(long, {}, 'auto').detail ?? '', /pvh \(the machine has no long mode\)/);
  });

  it('survives damaged notes and program headers', function () {
    const bytes = kernel(this);
    const image = openKernelImage('kernel.elf', bytes);
    const note = recogniseAll(image).find(({ entry }) => entry === 'pvh')?.fields[0]?.offset ?? assert.fail('no note');
    for (const value of [0, 1, 3, 0x7fffffff, 0x80000000, 0xffffffff])
      for (const at of [note, note + 4, note + 8, note + 16, 28, 32, 42, 52, 56, 60, 64, 68, 72, 80]) {
        const damaged = withWord(bytes, at, value);
        const { offered, summary } =
          recogniseAll(openKernelImage('kernel.elf', damaged)).find(({ entry }) => entry === 'pvh') ?? assert.fail();
        assert.ok(offered || summary.length > 10);
        if (!offered) refusal(damaged, {}, 'pvh');
      }
  });
});
