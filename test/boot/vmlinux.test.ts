import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { explain } from '../../src/boot/explain.ts';
import { decodeInformation } from '../../src/boot/information.ts';
import type { InformationNode } from '../../src/boot/information-node.ts';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import type { LoadOptions } from '../../src/boot/protocol.ts';
import { recogniseAll } from '../../src/boot/recognise.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { Random } from '../support/random.ts';
import { compress } from '../image/compression/compressors.ts';
import { bzImage, CODE } from './bz-image.ts';
import { plan, refusal, region, stringAt } from './expect.ts';
import { buildKernel, MIB } from './kernels.ts';
import { memoryOf } from './plan-memory.ts';

/** As vmlinux.lds.S has it: linked 3 GiB above where it lies, the entry a physical address. */
const SCRIPT = `
ENTRY(phys_start)
SECTIONS {
  . = 0xc0100000;
  phys_start = ABSOLUTE(_start - 0xc0000000);
  .text : AT(0x100000) { *(.text) }
  .rodata : AT(0x101000) { *(.rodata) }
  .note.Xen : AT(0x102000) { *(.note.Xen) }
  .bss : AT(0x103000) { *(.bss) }
}
`;
const BANNER = '.section .rodata\n.asciz "Linux version 2.6.32.2 (root@host) (gcc version 4.4) #1"\n';
const PVH_NOTE = '.section .note.Xen, "a", @note\n.long 4, 4, 18\n.asciz "Xen"\n.long 0x100001\n';
const CODE_32 = '.text\n.globl _start\n_start: nop\nhlt\n.bss\n.skip 0x2000\n';

const vmlinux = (test: Context, more = '', bits: 32 | 64 = 32): Uint8Array =>
  buildKernel(test, { header: `${BANNER}${more}`, code: CODE_32, script: SCRIPT, bits });

/** A bzImage of that kernel. */
function packed(test: Context, kernel: Uint8Array): Uint8Array {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(kernel.length);
  const payload = Buffer.concat([compress(test, 'xz', kernel), size]);
  const code = Buffer.concat([CODE, payload]);
  return bzImage({ version: 0x20f, jump: 0x6a, code, payload: [CODE.length, payload.length] });
}

function child(node: InformationNode, ...path: readonly string[]): InformationNode {
  const [name, ...rest] = path;
  if (name === undefined) return node;
  return child(node.children?.find((one) => one.name === name) ?? assert.fail(`no ${name}`), ...rest);
}

describe('vmlinux by the Linux 32-bit entry', () => {
  it('is known by its banner and an entry at a physical address, and entered there', function () {
    const bytes = vmlinux(this);
    const found = recogniseAll(openKernelImage('vmlinux', bytes)).find(({ entry }) => entry === 'linux32');
    assert.match(
      found?.summary ?? '',
      /^32-bit ELF file with the text "Linux version 2\.6\.32\.2" at file offset 0x[0-9a-f]+$/,
    );
    const made = plan(bytes, {}, 'auto');
    assert.deepEqual([made.entry, made.state.eip, made.physicalBias], ['linux32', 0x100000, 0xc0000000]);
    assert.equal(region(made, 'kernel PT_LOAD 0').address, 0x100000);
    // The same text in a kernel that is entered at a linked address is that of a driver.
    const other = buildKernel(this, { header: BANNER, code: CODE_32, script: SCRIPT.replace('phys_start', '_start') });
    assert.equal(plan(other, {}, 'auto').entry, 'native');
  });

  it('gets boot_params with a setup header made for it', function () {
    const made = plan(vmlinux(this), { cmdline: 'ro quiet', memory: 64 * MIB }, 'linux32');
    const page = Buffer.from(memoryOf(made)(made.state.registers.esi, 4096));
    assert.equal(page.readUInt16LE(0x1fe), 0xaa55);
    assert.equal(page.toString('latin1', 0x202, 0x206), 'HdrS');
    assert.equal(page.readUInt16LE(0x206), 0x20f);
    assert.deepEqual([page[0x210], page[0x211]], [0xff, 1]);
    assert.equal(page.readUInt32LE(0x214), 0x100000);
    assert.equal(stringAt(made, page.readUInt32LE(0x228)), 'ro quiet');
    assert.equal(page.readUInt32LE(0x258), 0x100000);
    // From the lowest to the end of .bss.
    assert.equal(page.readUInt32LE(0x260), 0x5000);
    assert.equal(page[0x1ef], 0);
    assert.equal(refusal(vmlinux(this), { cmdline: 'x'.repeat(2048) }, 'linux32').code, 'command-line-too-long');
  });

  it('is refused where it has 64 bits', function () {
    const long = vmlinux(this, '', 64);
    assert.match(refusal(long, {}, 'linux64').title, /cannot be entered by linux64: the machine has no long mode$/);
    assert.equal(refusal(long, {}, 'linux32').code, 'linux-elf64');
    assert.match(refusal(long, {}, 'auto').detail ?? '', /^The image offers linux64 \(the machine has no long mode\)/);
  });
});

describe('The vmlinux inside a bzImage', () => {
  it('is evidence for PVH, and is entered when asked for by name', function () {
    const bytes = packed(this, vmlinux(this, PVH_NOTE));
    const report = explain('bzImage', bytes);
    assert.equal(report.chosen?.entry, 'linux32');
    const pvh = report.protocols.find(({ entry }) => entry === 'pvh');
    assert.equal(pvh?.offered, true);
    assert.match(
      pvh.summary,
      /^vmlinux inside \(xz payload at file offset 0x604\): ELF note 18 \(PHYS32_ENTRY\) at file offset 0x[0-9a-f]+: entry at physical 0x00100001$/,
    );
    const made = plan(bytes, {}, 'pvh');
    assert.deepEqual([made.state.eip, made.physicalBias], [0x100001, 0xc0000000]);
    assert.match(made.chosen, /^pvh as launch\.json asks, by the vmlinux inside \(xz payload at file offset 0x604\)\./);
    assert.equal(plan(bytes, {}, 'auto').entry, 'linux32');
  });

  it('that has no note, or cannot be unpacked, says so', function () {
    const summary = (bytes: Uint8Array): string =>
      recogniseAll(openKernelImage('bzImage', bytes)).find(({ entry }) => entry === 'pvh')?.summary ?? '';
    const without = packed(this, vmlinux(this));
    assert.equal(
      summary(without),
      'vmlinux inside (xz payload at file offset 0x604): No ELF note 18 (PHYS32_ENTRY) of the owner "Xen"',
    );
    assert.equal(refusal(without, {}, 'pvh').title, 'vmlinux in kernel.elf has no PVH entry');
    without[0x640] = (without[0x640] ?? 0) ^ 0xff;
    assert.match(summary(without), /^The vmlinux inside cannot be read: At file offset 0x6[0-9a-f]{2}: /);
    assert.equal(refusal(without, {}, 'pvh').code, 'payload-damaged');
    assert.match(summary(bzImage()), /^The vmlinux inside cannot be read: payload_offset at file offset 0x248 is 0x0/);
  });
});

describe('boot_params as a tree', () => {
  const decoded = (options: Partial<LoadOptions>, header: Parameters<typeof bzImage>[0] = {}): InformationNode => {
    const made = plan(bzImage(header), options, 'linux32');
    return decodeInformation(memoryOf(made), made.information ?? assert.fail('nothing'));
  };

  it('has names, offsets, units and meaning', () => {
    const initrd = { name: 'initrd.img', bytes: new Uint8Array(5000) };
    const node = decoded({ cmdline: 'quiet', initrd, hardwareSubarch: 1 });
    assert.match(node.text, /^0x[0-9a-f]+ · boot protocol 2\.12$/);
    const text = (...path: string[]): string => child(node, ...path).text;
    assert.equal(text('screen_info', 'ext_mem_k'), '15,360 KiB = 15 MiB · memory above 1 MiB, by INT 15h AH=88h');
    assert.equal(text('screen_info', 'orig_video_isVGA'), '0x01 · VGA · adapter');
    assert.equal(text('apm_bios_info'), 'APM BIOS: all 0');
    assert.match(text('hdr', 'cmd_line_ptr'), /^0x[0-9a-f]+ "quiet" · command line$/);
    assert.equal(text('hdr', 'loadflags'), '0x01 LOADED_HIGH · flags of loader and kernel');
    assert.equal(text('hdr', 'type_of_loader'), '0xff · a loader without a number · boot loader');
    assert.equal(text('hdr', 'ramdisk_size'), '5,000 bytes · initial RAM disk');
    assert.equal(text('hdr', 'hardware_subarch'), '1 · lguest · hardware');
    assert.equal(text('e820_table'), '4 ranges, 15.6 MiB of RAM');
    assert.equal(text('e820_table', '[1] reserved'), '0x9fc00 … 0x9ffff, 1 KiB');
    assert.equal(child(node, 'hdr', 'ramdisk_image').offset, 0x218);
    assert.equal(child(node, 'sentinel').value, 0);
  });

  it('says of fields that the kernel does not have yet since when they are there', () => {
    const field = child(decoded({}, { version: 0x206 }), 'hdr', 'hardware_subarch');
    assert.equal(field.present, false);
    assert.equal(field.text, 'since boot protocol 2.07; this is 2.06');
  });

  it('follows setup_data, even into a ring', () => {
    const page = new Uint8Array(4096);
    const view = new DataView(page.buffer);
    view.setUint16(0x206, 0x20f, true);
    view.setUint32(0x250, 0x2000, true);
    const ring = new Uint8Array(4096);
    const list = new DataView(ring.buffer);
    list.setUint32(0, 0x2000, true);
    list.setUint32(8, 9, true);
    list.setUint32(12, 32, true);
    const read = (address: number, length: number): Uint8Array => {
      const from = address < 0x2000 ? page : ring;
      return from.slice(address & 0xfff, (address & 0xfff) + length);
    };
    const node = decodeInformation(read, { kind: 'boot_params', register: 'esi', address: 0x1000 });
    const nodes = child(node, 'hdr', 'setup_data').children ?? [];
    assert.equal(nodes.length, 64);
    assert.equal(nodes[0]?.name, '[0] SETUP_RNG_SEED');
  });
});

describe('Malformed Linux images', () => {
  it('are never more than a message that names something', function () {
    this.timeout(60_000);
    const sources = [bzImage({ version: 0x20f }), packed(this, vmlinux(this, PVH_NOTE)), vmlinux(this, PVH_NOTE)];
    const random = new Random(11);
    const interesting = [0, 1, 0x7f, 0x80, 0xff];
    for (let round = 0; round < 240; round++) {
      const source = sources[round % sources.length] ?? assert.fail();
      const bytes = new Uint8Array(source);
      const [from, length] = round % sources.length === 2 ? [0, 0x100] : [0x1f1, 0x80];
      for (let n = random.below(5); n >= 0; n--) bytes[from + random.below(length)] = random.pick(interesting);
      const image = openKernelImage('kernel', random.oneIn(5) ? bytes.subarray(0, random.below(bytes.length)) : bytes);
      assert.ok(recogniseAll(image).every(({ summary }) => summary.length > 0));
      for (const entry of ['linux16', 'linux32', 'pvh', 'auto']) {
        const hardwareSubarch = random.pick([0, 1, 2 ** 32]);
        const initrd = random.oneIn(2) ? undefined : { name: 'initrd', bytes: new Uint8Array(3000) };
        try {
          plan(image.bytes, { hardwareSubarch, initrd, memory: random.pick([MIB, 16 * MIB, 64 * MIB]) }, entry);
        } catch (error) {
          assert.ok(error instanceof StartOfDayError, String(error));
          assert.ok((error.detail ?? error.title).length > 10);
        }
      }
    }
  });
});
