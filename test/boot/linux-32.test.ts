import assert from 'node:assert/strict';
import { plan, refusal, region, stringAt, wordAt } from './expect.ts';
import { buildKernel, MIB } from './kernels.ts';

/** Sectors of setup code behind the boot sector. */
const SETUP_SECTORS = 2;
const CODE_OFFSET = (SETUP_SECTORS + 1) * 512;
const CODE = Uint8Array.of(0xfa, 0xf4, 0xeb, 0xfd);

interface Header {
  readonly version?: number;
  readonly loadflags?: number;
  readonly setupSectors?: number;
  readonly initSize?: number;
  readonly commandLineSize?: number;
}

/** A bzImage with the fields of boot.rst, "The Real-Mode Kernel Header", and four bytes of protected-mode code. */
function bzImage(header: Header = {}): Uint8Array {
  const { version = 0x20c, loadflags = 0xc1, setupSectors = SETUP_SECTORS } = header;
  const { initSize = 0x20000, commandLineSize = 255 } = header;
  const bytes = Buffer.alloc(((setupSectors === 0 ? 4 : setupSectors) + 1) * 512 + CODE.length);
  bytes.fill(0xff, 0x1ef, 0x1f1);
  bytes.writeUInt8(setupSectors, 0x1f1);
  bytes.writeUInt16LE(0xaa55, 0x1fe);
  // A jump over the header, which ends at 0x202 + 0x66 = 0x268; what follows is code and must not be copied.
  bytes.writeUInt16LE(0x66eb, 0x200);
  bytes.write('HdrS', 0x202);
  bytes.writeUInt16LE(version, 0x206);
  bytes.writeUInt8(loadflags, 0x211);
  bytes.writeUInt32LE(0x100000, 0x214);
  bytes.writeUInt32LE(0xdeadbeef, 0x218);
  bytes.writeUInt32LE(commandLineSize, 0x238);
  bytes.writeUInt32LE(initSize, 0x260);
  bytes.fill(0xee, 0x268, 0x300);
  bytes.set(CODE, bytes.length - CODE.length);
  return bytes;
}

describe('Linux 32-bit boot protocol', () => {
  it('gives the machine state of boot.rst', () => {
    const { state, promises, entry } = plan(bzImage(), {}, 'auto');
    assert.equal(entry, 'linux32');
    assert.equal(state.eip, 0x100000);
    assert.equal(state.cr0, 0x11);
    assert.equal(state.eflags & 0x200, 0);
    assert.deepEqual([state.registers.ebx, state.registers.ebp, state.registers.edi], [0, 0, 0]);
    assert.deepEqual(state.segments.cs, { selector: 0x10, base: 0, limit: 0xffffffff, access: 0xc09b00 });
    for (const name of ['ds', 'es', 'ss'] as const)
      assert.deepEqual(state.segments[name], { selector: 0x18, base: 0, limit: 0xffffffff, access: 0xc09300 });
    const kept = promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'EIP ESI EBX EBP EDI CS DS ES SS GDTR CR0.PE CR0.PG EFLAGS.IF'.split(' '));
    for (const register of ['eax', 'ecx', 'edx', 'esp'] as const) assert.equal(state.registers[register], 0x5eedface);
  });

  it('loads a GDT with __BOOT_CS and __BOOT_DS, poison or not', () => {
    for (const poison of [true, false]) {
      const made = plan(bzImage(), { poison }, 'linux32');
      assert.equal(made.state.gdtr.limit, 31);
      const words = [16, 20, 24, 28].map((at) => wordAt(made, made.state.gdtr.base + at));
      assert.deepEqual(words, [0x0000ffff, 0x00cf9b00, 0x0000ffff, 0x00cf9300]);
    }
  });

  it('puts the protected-mode code where the header says, with the memory it needs', () => {
    const kernel = region(plan(bzImage(), {}, 'linux32'), 'protected-mode kernel');
    assert.deepEqual([kernel.address, kernel.size], [0x100000, 0x20000]);
    assert.deepEqual(Buffer.from(kernel.bytes), Buffer.from(CODE));
    // setup_sects 0 means 4; without LOADED_HIGH the code goes to 0x10000; init_size came with 2.10.
    const old = region(
      plan(bzImage({ setupSectors: 0, loadflags: 0, version: 0x203 }), {}, 'linux32'),
      'protected-mode kernel',
    );
    assert.deepEqual([old.address, old.size], [0x10000, CODE.length]);
  });

  it('makes a zero page of the setup header and nothing more of the file', () => {
    const made = plan(bzImage(), { memory: 64 * MIB, cmdline: 'console=ttyS0' }, 'linux32');
    const page = made.state.registers.esi;
    const byteAt = (offset: number): number => 0xff & (wordAt(made, page + (offset & ~3)) >>> ((offset & 3) * 8));
    assert.equal(page % 4096, 0);
    assert.equal(byteAt(0x1ef), 0, 'sentinel');
    assert.equal(byteAt(0x1f1), SETUP_SECTORS);
    assert.equal(wordAt(made, page + 0x200) >>> 16, 0x6448, 'the H and d of HdrS');
    assert.equal(byteAt(0x268), 0, 'behind the header');
    assert.equal(byteAt(0x210), 0xff, 'type_of_loader');
    assert.equal(byteAt(0x211), 1, 'LOADED_HIGH, and no KEEP_SEGMENTS, no heap');
    assert.deepEqual([wordAt(made, page + 0x218), wordAt(made, page + 0x21c)], [0, 0], 'no RAM disk');
    assert.equal(stringAt(made, wordAt(made, page + 0x228)), 'console=ttyS0');
    // screen_info: mode 3, 80 columns, 25 lines, VGA
    assert.deepEqual([byteAt(6), byteAt(7), byteAt(0xe), byteAt(0xf)], [3, 80, 25, 1]);
  });

  it('describes memory as the BIOS would', () => {
    const made = plan(bzImage(), { memory: 64 * MIB }, 'linux32');
    const page = made.state.registers.esi;
    const count = wordAt(made, page + 0x1e8) & 0xff;
    const entries = Array.from({ length: count }, (_, n) => {
      const word = (at: number): number => wordAt(made, page + 0x2d0 + n * 20 + at);
      assert.deepEqual([word(4), word(12)], [0, 0]);
      return [word(0), word(8), word(16)];
    });
    assert.deepEqual(entries[0], [0, 0x9fc00, 1]);
    assert.deepEqual(entries.at(-1), [MIB, 63 * MIB, 1]);
  });

  it('hands over an initial RAM disk', () => {
    const modules = [{ name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11), cmdline: '' }];
    const made = plan(bzImage(), { modules }, 'linux32');
    const page = made.state.registers.esi;
    assert.deepEqual([wordAt(made, page + 0x218), wordAt(made, page + 0x21c)], [0x120000, 5000]);
    assert.equal(region(made, 'initial RAM disk initrd.img').address, 0x120000);
  });

  it('takes an initial RAM disk by name, which Multiboot does not', function () {
    const initrd = { name: 'initrd.img', bytes: new Uint8Array(5000).fill(0x11) };
    assert.deepEqual(region(plan(bzImage(), { initrd }, 'linux32'), 'initial RAM disk initrd.img').bytes, initrd.bytes);
    const error = refusal(buildKernel(this), { initrd }, 'multiboot');
    assert.equal(error.code, 'initrd-not-taken');
    assert.equal(error.title, 'Multiboot 1 has no initial RAM disk');
  });

  it('refuses what cannot be entered or handed over', () => {
    const cut = bzImage().subarray(0, CODE_OFFSET);
    assert.equal(refusal(cut, {}, 'linux32').code, 'linux-no-code');
    assert.equal(refusal(bzImage(), { cmdline: 'x'.repeat(256) }, 'linux32').code, 'command-line-too-long');
    assert.equal(refusal(bzImage({ initSize: 0x40000000 }), {}, 'linux32').code, 'image-too-large');
    const module = { name: 'a', bytes: new Uint8Array(1), cmdline: '' };
    assert.equal(refusal(bzImage(), { modules: [module, module] }, 'linux32').code, 'module-not-taken');
    assert.equal(
      refusal(bzImage(), { modules: [{ ...module, bytes: new Uint8Array(32 * MIB) }] }, 'linux32').code,
      'module-too-large',
    );
  });
});
