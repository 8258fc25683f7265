import assert from 'node:assert/strict';
import { decodeInformation } from '../../src/boot/information.ts';
import type { LoadOptions, LoadPlan } from '../../src/boot/protocol.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { Random } from '../support/random.ts';
import { bzImage, CODE, CODE_OFFSET, type Header } from './bz-image.ts';
import { plan, refusal, region, stringAt, wordAt } from './expect.ts';
import { MIB } from './kernels.ts';
import { memoryOf } from './plan-memory.ts';

const BASE = 0x90000;
const SETUP = 'setup code, heap and stack';

const enter = (header: Header = {}, options: Partial<LoadOptions> = {}): LoadPlan =>
  plan(bzImage(header), options, 'linux16');
const refuse = (header: Header, options: Partial<LoadOptions> = {}): string =>
  refusal(bzImage(header), options, 'linux16').code;
/** 16 bits of the setup code, by its offset. */
const word = (made: LoadPlan, offset: number): number => 0xffff & wordAt(made, BASE + offset);

describe('Linux 16-bit boot protocol', () => {
  it('gives the machine state of boot.rst, "Running the Kernel"', () => {
    const { state, promises } = enter();
    const data = { selector: 0x9000, base: BASE, limit: 0xffff, access: 0x9300 };
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) assert.deepEqual(state.segments[name], data);
    assert.deepEqual(state.segments.cs, { ...data, selector: 0x9020, base: 0x90200 });
    assert.equal(state.eip, 0);
    assert.equal(state.registers.esp, 0xe000);
    assert.equal(state.eflags & 0x20200, 0, 'IF and VM');
    assert.deepEqual([state.cr0, state.cr3, state.cr4, state.cpl], [0x10, 0, 0, 0]);
    assert.deepEqual(state.idtr, { base: 0, limit: 0x3ff });
    assert.equal(state.registers.eax, 0x5eedface);
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'CS EIP DS ES SS FS GS ESP EFLAGS.IF CR0.PE IDTR'.split(' '));
  });

  it('writes the fields of the sample loader into the setup header, and leaves the rest of the setup code', () => {
    const initrd = { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11) };
    const made = enter({}, { memory: 64 * MIB, cmdline: 'console=ttyS0', initrd, hardwareSubarch: 3 });
    const ramdisk = region(made, 'initial RAM disk initrd.img');
    assert.equal(ramdisk.address, 64 * MIB - 8192);
    const expected = Buffer.from(bzImage().subarray(0, CODE_OFFSET));
    expected.writeUInt8(0xff, 0x210);
    // CAN_USE_HEAP is 0x80.
    expected.writeUInt8(0xc3, 0x211);
    expected.writeUInt32LE(ramdisk.address, 0x218);
    expected.writeUInt32LE(5000, 0x21c);
    expected.writeUInt16LE(0xe000 - 0x200, 0x224);
    expected.writeUInt32LE(0x9e000, 0x228);
    expected.writeUInt32LE(3, 0x23c);
    assert.deepEqual(Buffer.from(region(made, SETUP).bytes), expected);
    assert.equal(stringAt(made, 0x9e000), 'console=ttyS0');
    const kernel = region(made, 'protected-mode kernel');
    assert.equal(kernel.address, 0x100000);
    assert.deepEqual(kernel.bytes, CODE);
  });

  it('loads at 1 MiB whatever code32_start says, and low without LOADED_HIGH', () => {
    assert.equal(region(enter({ code32Start: 0 }), 'protected-mode kernel').address, 0x100000);
    const low = enter({ loadflags: 0 });
    assert.equal(region(low, 'protected-mode kernel').address, 0x10000);
    assert.equal(low.state.registers.esp, 0x9800);
    assert.equal(word(low, 0x224), 0x9600);
  });

  it('speaks older protocols: command line by its magic, no heap before 2.01', () => {
    const old = enter({ version: 0x201, loadflags: 1 }, { cmdline: 'auto' });
    assert.deepEqual([word(old, 0x20), word(old, 0x22), word(old, 0x212)], [0xa33f, 0x9800, 0x9800 + 5]);
    assert.equal(stringAt(old, BASE + 0x9800), 'auto');
    assert.equal(word(old, 0x224), 0x9600);
    assert.equal(wordAt(old, BASE + 0x228), 0, 'no cmd_line_ptr');
    const first = enter({ version: 0x200, loadflags: 1 });
    assert.equal(word(first, 0x224), 0x1122, 'no heap_end_ptr');
    assert.equal(word(first, 0x210), 0x01ff, 'no CAN_USE_HEAP');
    assert.equal(enter({ setupSectors: 0 }).state.eip, 0);
  });

  it('takes vga= out of the command line for vid_mode', () => {
    const modes = {
      'vga=ask': 0xfffd,
      'quiet vga=normal': 0xffff,
      'vga=ext x': 0xfffe,
      'vga=0x0f01': 0xf01,
      'vga=5': 5,
    };
    for (const [cmdline, mode] of Object.entries(modes)) assert.equal(word(enter({}, { cmdline }), 0x1fa), mode);
    assert.equal(word(enter({}, { cmdline: 'xvga=5' }), 0x1fa), 0x1234, "the image's own");
    for (const cmdline of ['vga=', 'vga=big', 'vga=65536', 'vga=-1'])
      assert.equal(refuse({}, { cmdline }), 'video-mode', cmdline);
  });

  it('puts the BIOS into memory: vectors, data area, ROM', () => {
    const made = enter();
    assert.equal(wordAt(made, 0x10 * 4), 0xf000f065, 'INT 10h, where the IBM PC AT has it');
    assert.equal(wordAt(made, 0x413) & 0xffff, 639);
    assert.equal(wordAt(made, 0x449) & 0xff, 3, 'video mode');
    assert.equal(wordAt(made, 0xffff0), 0x00e05bea, 'a far jump to f000:e05b');
    const names = made.regions.map(({ name }) => name);
    for (const name of ['interrupt vectors', 'BIOS data area', 'BIOS ROM']) assert.ok(names.includes(name), name);
  });

  it('shows the setup header as it stands in memory', () => {
    const made = enter({}, { cmdline: 'console=ttyS0' });
    assert.deepEqual(made.information, { kind: 'setup_header', register: 'ds', address: BASE });
    const node = decodeInformation(memoryOf(made), { kind: 'setup_header', register: 'ds', address: BASE });
    assert.deepEqual([node.name, node.address], ['setup_header', 0x901f1]);
    const field = (name: string): string => node.children?.find((child) => child.name === name)?.text ?? '';
    assert.match(field('cmd_line_ptr'), /0x9e000 "console=ttyS0"/);
    assert.match(field('heap_end_ptr'), /0xde00/);
    const outside = decodeInformation(memoryOf(made), { kind: 'setup_header', register: 'ds', address: 0x7ffff00 });
    assert.match(outside.text, /outside memory/);
  });

  it('refuses what cannot be entered or handed over, by field', () => {
    assert.equal(refusal(bzImage().subarray(0, CODE_OFFSET), {}, 'linux16').code, 'linux-no-code');
    assert.equal(refuse({ setupSectors: 120 }), 'linux-no-heap');
    assert.equal(refuse({ setupSectors: 80, loadflags: 0 }), 'linux-no-heap');
    assert.equal(refuse({ version: 0x1ff }), 'linux-version');
    assert.equal(refuse({}, { cmdline: 'x'.repeat(256) }), 'command-line-too-long');
    assert.equal(refuse({ commandLineSize: 0xffffffff }, { cmdline: 'x'.repeat(8000) }), 'command-line-too-long');
    assert.equal(refuse({ initSize: 0x40000000 }), 'image-too-large');
    assert.equal(refuse({ prefAddress: 0x1000000 }), 'image-too-large');
    assert.equal(refuse({ loadflags: 0, code: new Uint8Array(0x80001) }), 'image-overlap');
    assert.equal(refuse({ version: 0x206 }, { hardwareSubarch: 1 }), 'hardware-subarch');
    assert.equal(refuse({}, { initrd: { name: 'a', bytes: new Uint8Array(32 * MIB) } }), 'module-too-large');
    const elf = refusal(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), {}, 'linux16');
    assert.equal(elf.code, 'entry-not-offered');
  });

  it('plans or refuses any damaged file, and says why', () => {
    const random = new Random(0x16);
    for (let round = 0; round < 3000; round++) {
      const bytes = bzImage({ setupSectors: random.below(130) });
      for (let n = random.below(6); n >= 0; n--) bytes[0x1f1 + random.below(0x80)] = random.word();
      if (!random.oneIn(8)) bytes.set([0x55, 0xaa], 0x1fe);
      if (!random.oneIn(8)) bytes.set(Buffer.from('HdrS'), 0x202);
      const file = random.oneIn(4) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      try {
        const { state, regions } = plan(file, { cmdline: random.oneIn(2) ? '' : 'vga=ask' }, 'linux16');
        assert.equal(state.segments.cs.selector, 0x9020);
        assert.ok(regions.every(({ address, size }) => address + size <= 16 * MIB));
      } catch (error) {
        assert.ok(error instanceof StartOfDayError && error.blame === 'user', String(error));
        assert.ok(error.title !== '' && error.detail !== '');
      }
    }
  });
});
