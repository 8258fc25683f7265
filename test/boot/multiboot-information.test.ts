import assert from 'node:assert/strict';
import type { InformationNode } from '../../src/boot/information-node.ts';
import { decodeMultibootInformation } from '../../src/boot/multiboot-information.ts';
import { applyPlan } from '../../src/boot/load.ts';
import { Machine } from '../../src/machine/machine.ts';
import { plan } from './expect.ts';
import { buildKernel, MIB } from './kernels.ts';

/** What QEMU 7.2 hands to GNU Mach at 0x9500, up to the last byte that is not zero. */
const QEMU =
  '4f0200007f02000080fb0100ffff0080008014010000000000801401000000000000' +
  '00000000000000000000900000000090000000000000000000000000000021801401';

function child(node: InformationNode, name: string): InformationNode {
  return node.children?.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
}

/** Guest memory of 1 MiB with bytes at addresses. */
function memory(contents: Readonly<Record<number, Uint8Array>>): Machine {
  const machine = new Machine({ memory: MIB });
  for (const [address, bytes] of Object.entries(contents)) machine.memory.write(Number(address), bytes);
  return machine;
}

function decode(machine: Machine, address: number): InformationNode {
  return decodeMultibootInformation((at, length) => machine.memory.read(at, length), address);
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}

describe('Multiboot information', () => {
  it('reads what QEMU gives to GNU Mach', () => {
    const root = decode(memory({ 0x9500: Buffer.from(QEMU, 'hex') }), 0x9500);
    assert.equal(root.text, '0x9500 · flags say 6 of 13 parts are given');
    const text = (name: string): string => child(root, name).text;
    assert.equal(text('flags'), '0x24F · MEMORY BOOTDEV CMDLINE MODS MMAP LOADER_NAME');
    assert.equal(text('mem_lower'), '639 KiB');
    assert.equal(text('mem_upper'), '129920 KiB = 126.9 MiB');
    assert.equal(text('boot_device'), '0x8000ffff · BIOS drive 0x80, partition 0');
    assert.equal(text('mods_count'), '0 · no modules');
    assert.equal(text('syms'), 'absent: flags bits 4 and 5 are 0');
    assert.equal(text('vbe_mode'), 'absent: flags bit 11 is 0');
    assert.equal(child(root, 'vbe_mode').present, false);
    assert.equal(text('cmdline'), '0x1148000 · outside memory');
    assert.equal(child(root, 'cmdline').pointer, 0x1148000);
    assert.equal(child(root, 'mmap_length').value, 144);
    assert.equal(child(root, 'mmap_addr').pointer, 0x9000);
    const { offset, address, size, value } = child(root, 'boot_loader_name');
    assert.deepEqual([offset, address, size, value], [64, 0x9540, 4, 0x1148021]);
    const bits = child(root, 'flags').children ?? [];
    assert.deepEqual(
      bits.slice(0, 3).map(({ name, text: meaning }) => `${name}: ${meaning}`),
      [
        'bit 0 MEMORY: 1 · mem_lower, mem_upper given',
        'bit 1 BOOTDEV: 1 · boot_device given',
        'bit 2 CMDLINE: 1 · cmdline given',
      ],
    );
  });

  it('places every field where the specification does', () => {
    const offsets = (decode(memory({}), 0x9500).children ?? []).map(({ name, offset }) => `${offset} ${name}`);
    // GRUB's multiboot.h, offsetof by gcc -m32.
    assert.equal(
      offsets.join(', '),
      '0 flags, 4 mem_lower, 8 mem_upper, 12 boot_device, 16 cmdline, 20 mods_count, 24 mods_addr, 28 syms, 44 mmap_length, ' +
        '48 mmap_addr, 52 drives_length, 56 drives_addr, 60 config_table, 64 boot_loader_name, 68 apm_table, ' +
        '72 vbe_control_info, 76 vbe_mode_info, 80 vbe_mode, 82 vbe_interface_seg, 84 vbe_interface_off, ' +
        '86 vbe_interface_len, 88 framebuffer_addr, 96 framebuffer_pitch, 100 framebuffer_width, ' +
        '104 framebuffer_height, 108 framebuffer_bpp, 109 framebuffer_type',
    );
  });

  it('reads what the plan wrote', function () {
    const modules = [{ name: 'initrd.img', bytes: new Uint8Array(MIB), cmdline: 'initrd.img root' }];
    const made = plan(buildKernel(this), { modules, cmdline: 'mykernel quiet' });
    const machine = new Machine({ memory: 16 * MIB });
    applyPlan(made, machine);
    const root = decode(machine, made.state.registers.ebx);
    const cmdline = child(root, 'cmdline');
    assert.equal(cmdline.text, `0x${cmdline.value.toString(16)} "mykernel quiet"`);
    assert.match(child(root, 'boot_loader_name').text, /^0x[0-9a-f]+ "Start of Day"$/);
    assert.match(child(root, 'mods_addr').text, /^0x[0-9a-f]+ · 1 module$/);
    const [module] = child(root, 'mods_addr').children ?? [];
    assert.equal(module?.text, '0x104000 … 0x203fff, 1 MiB "initrd.img root"');
    assert.equal(module.pointer, 0x104000);
    assert.equal(child(root, 'mmap_length').text, '96 · 4 entries of 24 bytes');
    const map = child(root, 'mmap_addr');
    assert.match(map.text, /^0x[0-9a-f]+ · 4 ranges, 15.6 MiB available$/);
    assert.deepEqual(
      map.children?.map(({ name, text, offset }) => `+${offset} ${name}: ${text}`),
      [
        '+0 [0] available: 0x0 … 0x9fbff, 639 KiB',
        '+24 [1] reserved: 0x9fc00 … 0x9ffff, 1 KiB',
        '+48 [2] reserved: 0xf0000 … 0xfffff, 64 KiB',
        '+72 [3] available: 0x100000 … 0xffffff, 15 MiB',
      ],
    );
    const symbols = child(root, 'syms');
    assert.match(symbols.text, /^\d+ section headers of 40 bytes at 0x[0-9a-f]+, names in section \d+$/);
    assert.deepEqual(
      symbols.children?.map(({ name, offset }) => `${name} +${offset}`),
      ['num +28', 'size +32', 'addr +36', 'shndx +40'],
    );
  });

  it('says that a structure is outside memory', () => {
    assert.deepEqual(decode(memory({}), 0x7fffff00), {
      name: 'multiboot_info',
      offset: 0,
      address: 0x7fffff00,
      size: 120,
      value: 0x7fffff00,
      pointer: 0x7fffff00,
      text: '0x7fffff00 · outside memory',
      present: false,
    });
  });

  it('does not believe lengths that a guest wrote', () => {
    const all = new Uint8Array(120).fill(0xff);
    const wild = decode(memory({ 0x9500: all }), 0x9500);
    assert.equal(child(wild, 'syms').text, 'flags bits 4 and 5 are both 1, which the specification forbids');
    assert.equal(child(wild, 'mods_addr').children?.length, 1);
    // 4 GiB of entries that are all zero: the first says that it has no size.
    const header = new Uint8Array(120);
    header.set(words(0x48), 0);
    header.set(words(0xffffffff, 0x20000), 20);
    header.set(words(0xffffffff, 0x10000), 44);
    const zeros = decode(memory({ 0x9500: header }), 0x9500);
    assert.deepEqual(
      child(zeros, 'mmap_addr').children?.map(({ text }) => text),
      ['size is 0, must be at least 20'],
    );
    assert.equal(child(zeros, 'mods_addr').children?.length, 64);
  });

  it('reads a map to its cap, and strings to the end of memory or 4096 bytes', () => {
    const entry = words(20, 0, 0, 1, 0, 1);
    const header = new Uint8Array(120);
    header.set(words(0x44), 0);
    header.set(words(0xffff8), 16);
    header.set(words(200 * 24, 0x10000), 44);
    const contents: Record<number, Uint8Array> = { 0x9500: header, 0xffff8: new TextEncoder().encode('endless!') };
    for (let index = 0; index < 200; index++) contents[0x10000 + index * 24] = entry;
    const root = decode(memory(contents), 0x9500);
    assert.equal(child(root, 'mmap_addr').children?.length, 128);
    assert.equal(child(root, 'cmdline').text, '0xffff8 "endless!"');
    header.set(words(0x20001), 16);
    const long = decode(memory({ 0x9500: header, 0x20000: new Uint8Array(10000).fill(0x61) }), 0x9500);
    assert.ok(child(long, 'cmdline').text.length < 4096 + 80);
  });
});
