import assert from 'node:assert/strict';
import type { LoadPlan } from '../../src/boot/protocol.ts';
import { encodeBootParams, encodeMoreMap } from '../../src/boot/linux-boot-params.ts';
import { bzImage, CODE, CODE_OFFSET, SETUP_SECTORS } from './bz-image.ts';
import { plan, refusal, region, stringAt, wordAt } from './expect.ts';
import { buildKernel, MIB } from './kernels.ts';

const RAMDISK = { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11) };

/** A byte of the zero page. */
function byteAt(made: LoadPlan, offset: number): number {
  return 0xff & (wordAt(made, made.state.registers.esi + (offset & ~3)) >>> ((offset & 3) * 8));
}

describe('Linux 32-bit boot protocol', () => {
  it('gives the machine state of boot.rst', () => {
    const { state, promises, entry } = plan(bzImage(), {}, 'auto');
    assert.equal(entry, 'linux32');
    assert.equal(state.eip, 0x100000);
    assert.deepEqual([state.cr0, state.cr3, state.cr4, state.cpl], [0x11, 0, 0, 0]);
    assert.equal(state.eflags & 0x20200, 0, 'IF and VM');
    assert.deepEqual([state.registers.ebx, state.registers.ebp, state.registers.edi], [0, 0, 0]);
    assert.deepEqual(state.segments.cs, { selector: 0x10, base: 0, limit: 0xffffffff, access: 0xc09b00 });
    for (const name of ['ds', 'es', 'ss'] as const)
      assert.deepEqual(state.segments[name], { selector: 0x18, base: 0, limit: 0xffffffff, access: 0xc09300 });
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'EIP ESI EBX EBP EDI CS DS ES SS GDTR CR0.PE CR0.PG EFLAGS.IF'.split(' '));
  });

  it('poisons the registers that boot.rst does not promise; FS and GS are flat all the same', () => {
    const { state } = plan(bzImage(), {}, 'linux32');
    for (const register of ['eax', 'ecx', 'edx', 'esp'] as const) assert.equal(state.registers[register], 0x5eedface);
    for (const name of ['fs', 'gs'] as const) assert.deepEqual(state.segments[name], state.segments.ds);
    assert.equal(plan(bzImage(), { poison: false }, 'linux32').state.registers.eax, 0);
  });

  it('loads a GDT with __BOOT_CS and __BOOT_DS, poison or not', () => {
    for (const poison of [true, false]) {
      const made = plan(bzImage(), { poison }, 'linux32');
      assert.equal(made.state.gdtr.limit, 31);
      const words = [16, 20, 24, 28].map((at) => wordAt(made, made.state.gdtr.base + at));
      assert.deepEqual(words, [0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300]);
    }
  });

  it('makes a zero page of the setup header and what a loader writes, and nothing more', () => {
    const made = plan(
      bzImage(),
      { memory: 64 * MIB, cmdline: 'console=ttyS0', initrd: RAMDISK, hardwareSubarch: 3 },
      'linux32',
    );
    const page = made.state.registers.esi;
    assert.equal(page % 4096, 0);
    assert.deepEqual(made.information, { kind: 'boot_params', register: 'esi', address: page });
    const commandLine = wordAt(made, page + 0x228);
    assert.equal(stringAt(made, commandLine), 'console=ttyS0');
    assert.ok(commandLine < 0xa0000, 'between the setup heap and 0xa0000');
    // Every byte by zero-page.rst, boot.rst and linux/screen_info.h.
    const expected = Buffer.alloc(4096);
    expected.set(bzImage().subarray(0x1f1, 0x268), 0x1f1);
    // screen_info: 63 MiB above 1 MiB, mode 3, 80 columns, a VGA by INT 10h AH=12h, 25 lines, isVGA, 16 lines a character
    expected.writeUInt16LE(63 * 1024, 0x02);
    expected.set([3, 80], 0x06);
    expected.writeUInt16LE(3, 0x0a);
    expected.set([25, 1, 16, 0], 0x0e);
    // acpi_rsdp_addr, alt_mem_k
    expected.writeUInt32LE(0xf5a00, 0x70);
    expected.writeUInt32LE(63 * 1024, 0x1e0);
    // vid_mode normal, loader undefined, LOADED_HIGH alone
    expected.writeUInt16LE(0xffff, 0x1fa);
    expected.set([0xff, 0x01], 0x210);
    expected.writeUInt32LE(0x100000, 0x214);
    expected.writeUInt32LE(64 * MIB - 8192, 0x218);
    expected.writeUInt32LE(5000, 0x21c);
    expected.writeUInt32LE(commandLine, 0x228);
    expected.writeUInt32LE(3, 0x23c);
    // e820_entries, e820_table
    const map = [
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [MIB, 63 * MIB, 1],
    ] as const;
    expected.writeUInt8(map.length, 0x1e8);
    map.forEach(([address, size, type], index) => {
      expected.writeBigUInt64LE(BigInt(address), 0x2d0 + index * 20);
      expected.writeBigUInt64LE(BigInt(size), 0x2d8 + index * 20);
      expected.writeUInt32LE(type, 0x2e0 + index * 20);
    });
    const found = Buffer.from(region(made, 'boot_params').bytes);
    for (let at = 0; at < 4096; at += 16)
      assert.deepEqual(found.subarray(at, at + 16), expected.subarray(at, at + 16), `offset 0x${at.toString(16)}`);
  });

  it('puts a memory map of more than 128 entries into SETUP_E820_EXT', () => {
    const map = Array.from(
      { length: 131 },
      (_, index) => ({ address: index * 0x10000, size: 0x8000, type: 1 }) as const,
    );
    const params = { version: 0x20f, setupHeader: new Uint8Array(0x7b), memory: 64 * MIB, address: 0x10000 };
    const rest = { code32Start: 0, commandLine: 0, rootPointer: 0, ramdisk: undefined, hardwareSubarch: 0 };
    const page = Buffer.from(encodeBootParams({ ...params, ...rest, map, setupData: 0x12340 }));
    assert.equal(page[0x1e8], 128);
    assert.equal(page.readBigUInt64LE(0x250), 0x12340n);
    assert.equal(page.readBigUInt64LE(0x2d0 + 127 * 20), 127n * 0x10000n);
    assert.ok(page.subarray(0xcd0, 0xd00).every((byte) => byte === 0));
    const more = Buffer.from(encodeMoreMap(map) ?? assert.fail('no list'));
    // next, type, len, then three entries
    assert.deepEqual([more.readBigUInt64LE(0), more.readUInt32LE(8), more.readUInt32LE(12)], [0n, 1, 60]);
    assert.deepEqual([more.length, more.readBigUInt64LE(16)], [76, 128n * 0x10000n]);
    assert.equal(encodeMoreMap(map.slice(0, 128)), undefined);
  });

  it('puts the protected-mode code where the header says, with the memory it needs', () => {
    const made = plan(bzImage(), {}, 'linux32');
    const kernel = region(made, 'protected-mode kernel');
    assert.deepEqual([kernel.address, kernel.size], [0x100000, CODE.length]);
    assert.deepEqual(Buffer.from(kernel.bytes), Buffer.from(CODE));
    // boot.rst, "init_size": from the runtime start on, here align_up(0x100000, 0x200000).
    const memory = region(made, 'memory of the kernel');
    assert.deepEqual([memory.address, memory.size], [0x200000, 0x20000]);
    // A kernel that does not move runs at pref_address.
    const fixed = plan(bzImage({ relocatable: 0, prefAddress: 0x100000, initSize: 0x8000 }), {}, 'linux32');
    const rest = region(fixed, 'memory of the kernel');
    assert.deepEqual([rest.address, rest.size], [0x100000 + CODE.length, 0x8000 - CODE.length]);
    // pref_address above the aligned load address: where a kernel for 32 bits was configured to run.
    const high = plan(bzImage({ prefAddress: 0x400000 }), {}, 'linux32');
    assert.equal(region(high, 'memory of the kernel').address, 0x400000);
  });

  it('enters at code32_start; a kernel without LOADED_HIGH where its setup code would move it', () => {
    assert.equal(plan(bzImage({ code32Start: 0x100002 }), {}, 'linux32').state.eip, 0x100002);
    const low = plan(bzImage({ loadflags: 0, code32Start: 0x1000, version: 0x204 }), {}, 'linux32');
    assert.deepEqual([region(low, 'protected-mode kernel').address, low.state.eip], [0x1000, 0x1000]);
    assert.equal(byteAt(low, 0x211), 0);
    const old = plan(bzImage({ setupSectors: 0, loadflags: 0, version: 0x203 }), {}, 'linux32');
    assert.deepEqual([region(old, 'protected-mode kernel').address, old.state.eip], [0x10000, 0x10000]);
  });

  it('announces the command line to kernels before 2.02 in the old place', () => {
    const made = plan(bzImage({ version: 0x201 }), { cmdline: 'root=/dev/hda1' }, 'linux32');
    assert.equal(made.state.registers.esi, 0x90000);
    const word = wordAt(made, 0x90020);
    assert.equal(word & 0xffff, 0xa33f);
    assert.equal(stringAt(made, 0x90000 + (word >>> 16)), 'root=/dev/hda1');
    // cmd_line_ptr is not there yet: the bytes are the kernel's.
    assert.equal(wordAt(made, 0x90228), 0);
    assert.equal(wordAt(made, 0x9023c), 0);
  });

  it('hands over an initial RAM disk as high as memory and initrd_addr_max allow', () => {
    const place = (memory: number, initrdMax: number): number => {
      const made = plan(bzImage({ initrdMax }), { memory, initrd: RAMDISK }, 'linux32');
      const page = made.state.registers.esi;
      const address = wordAt(made, page + 0x218);
      assert.equal(wordAt(made, page + 0x21c), 5000);
      assert.equal(region(made, 'initial RAM disk initrd.img').address, address);
      return address;
    };
    assert.equal(place(16 * MIB, 0x37ffffff), 16 * MIB - 8192);
    // The example of boot.rst: the last byte of the RAM disk may be at initrd_addr_max.
    assert.equal(place(16 * MIB, 0x7fffff), 0x800000 - 8192);
    assert.equal(place(16 * MIB, 0x7ffffe), 0x800000 - 8192);
    assert.equal(place(16 * MIB, 0x7ff387), 0x7fe000);
    assert.equal(place(16 * MIB, 0x7ff386), 0x7fd000);
  });

  it('takes one module for the RAM disk, and an initrd by name, which Multiboot does not', function () {
    const modules = [{ ...RAMDISK, cmdline: '' }];
    assert.equal(region(plan(bzImage(), { modules }, 'linux32'), 'initial RAM disk initrd.img').size, 5000);
    const error = refusal(buildKernel(this), { initrd: RAMDISK }, 'multiboot');
    assert.equal(error.code, 'initrd-not-taken');
    assert.equal(error.title, 'Multiboot 1 has no initial RAM disk');
  });

  it('refuses what cannot be entered or handed over, with the field', () => {
    const refused = (header: Parameters<typeof bzImage>[0], options = {}, entry = 'linux32'): string[] => {
      const { code, detail = '' } = refusal(bzImage(header), options, entry);
      return [code, detail];
    };
    assert.equal(refusal(bzImage().subarray(0, CODE_OFFSET), {}, 'linux32').code, 'linux-no-code');
    const [size, jump] = refused({ jump: 0x90 });
    assert.equal(size, 'linux-header-size');
    assert.match(jump ?? '', /^jump at file offset 0x200 ends it at 0x292/);
    const [start, where] = refused({ code32Start: 0 }, {}, 'auto');
    assert.equal(start, 'linux-code32-start');
    assert.match(where ?? '', /^code32_start at file offset 0x214 is 0x00000000/);
    const [long, most] = refused({}, { cmdline: 'x'.repeat(256) });
    assert.equal(long, 'command-line-too-long');
    assert.match(most ?? '', /cmdline_size at file offset 0x238 allows 255$/);
    assert.equal(refused({ initSize: 0x40000000 })[0], 'image-too-large');
    assert.equal(refused({ version: 0x206 }, { hardwareSubarch: 1 })[0], 'hardware-subarch');
    assert.equal(refused({}, { hardwareSubarch: 2 ** 32 })[0], 'hardware-subarch');
    const module = { ...RAMDISK, cmdline: '' };
    assert.equal(refused({}, { modules: [module, module] })[0], 'module-not-taken');
    assert.equal(refused({}, { initrd: { name: 'a', bytes: new Uint8Array(32 * MIB) } })[0], 'module-too-large');
    const text = new TextEncoder().encode('#!/bin/sh\n');
    assert.match(refusal(text, {}, 'linux32').detail ?? '', /^The file has 10 bytes; a setup header reaches to/);
  });

  it('refuses a 64-bit kernel with the reason, and says so when it chooses', () => {
    const long = bzImage({ xloadflags: 1 });
    for (const entry of ['linux32', 'linux64'])
      assert.equal(
        refusal(long, {}, entry).title,
        `kernel.elf cannot be entered by ${entry}: the machine has no long mode`,
      );
    assert.match(refusal(long, {}, 'auto').detail ?? '', /linux64 \(the machine has no long mode\)/);
    assert.equal(SETUP_SECTORS, 2);
  });
});
