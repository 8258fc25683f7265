import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import type { LoadOptions, Recognition } from '../../src/boot/protocol.ts';
import type { ProtocolPlan } from '../../src/boot/entry-protocol.ts';
import { decodeStartInfo } from '../../src/boot/xen-start-info.ts';
import { planXenPv, xenPv } from '../../src/boot/xen-pv.ts';
import { StartOfDayError } from '../../src/util/errors.ts';
import { debianGuest } from '../support/guests.ts';
import { Random } from '../support/random.ts';
import { MIB, OPTIONS } from './kernels.ts';
import { buildXenKernel, guestString, XEN_NOTES, xenNote } from './xen-kernels.ts';

const STRING =
  'GUEST_OS=Mini-OS,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x100,PAE=yes[extended-cr3],LOADER=generic';
/** Where machine memory of the guest begins. */
const GUEST = 0x800000;

function recognise(bytes: Uint8Array): Recognition {
  return xenPv.recognise(openKernelImage('kernel.elf', bytes));
}

function plan(bytes: Uint8Array, options: Partial<LoadOptions> = {}): ProtocolPlan {
  return planXenPv(openKernelImage('kernel.elf', bytes), { ...OPTIONS, ...options });
}

function refusal(bytes: Uint8Array, options: Partial<LoadOptions> = {}): StartOfDayError {
  try {
    plan(bytes, options);
  } catch (error) {
    assert.ok(error instanceof StartOfDayError);
    return error;
  }
  throw new Error('not refused');
}

/** Guest memory as the plan leaves it. */
function memoryOf({ regions }: ProtocolPlan, size = OPTIONS.memory): DataView {
  const bytes = new Uint8Array(GUEST + size);
  for (const region of regions) bytes.set(region.bytes, region.address);
  return new DataView(bytes.buffer);
}

function region({ regions }: ProtocolPlan, name: string): { readonly address: number; readonly bytes: Uint8Array } {
  const found = regions.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

describe('Xen PV start of day', () => {
  it('places GNU Mach as its record on Xen 4.17 has it, but for what tells a domain from domain 0', function () {
    const { bytes } = debianGuest(this, 'gnumachXen');
    const made = plan(bytes, { memory: 0x1d543000 - (0x1d543000 % 0x10000), cmdline: '' });
    const { state } = made;
    // Of the record: entry_regs.
    assert.equal(state.eip, 0xc0000000);
    assert.equal(state.eflags, 0x202);
    assert.equal(state.cr0, 0x8005003b);
    assert.equal(state.cr4, 0x660);
    assert.equal(state.cpl, 1);
    assert.deepEqual(
      [state.segments.cs.selector, state.segments.ss.selector, state.segments.gs.selector, state.segments.tr.selector],
      [0xe019, 0xe021, 0xe021, 0xe040],
    );
    // QEMU's word for a descriptor cache has the limit's upper bits in bits 16..19, which are none of the access word.
    assert.equal(state.segments.cs.access, 0x00cfbb00 & ~0xf0000);
    assert.equal(state.segments.ds.access, 0x00cfb300 & ~0xf0000);
    for (const name of ['eax', 'ebx', 'ecx', 'edx', 'edi', 'ebp'] as const) assert.equal(state.registers[name], 0);
    // The image ends at 0xc00aceb0; the list of frames follows on the next page, and start_info behind it.
    assert.equal(region(made, 'machine frame list').address, GUEST + 0xad000);
    const pages = 0x1d540;
    const startInfo = 0xad000 + Math.ceil((pages * 4) / 0x1000) * 0x1000;
    assert.equal(state.registers.esi, 0xc0000000 + startInfo);
    // The record has 0xc0123000: domain 0 there has three pages more.
    assert.equal(state.registers.esi, 0xc0123000);
    const info = new DataView(new Uint8Array(region(made, 'start_info').bytes).buffer);
    assert.equal(info.getUint32(32, true), pages);
    assert.equal(info.getUint32(68, true), 0xc00ad000);
    // Flags 0x303 and the place of the console description belong to domain 0 alone; a domain has rings in two pages, and then tables.
    assert.equal(info.getUint32(40, true), 0);
    assert.equal(info.getUint32(60, true), 0xc0126000);
    assert.equal(info.getUint32(44, true), (GUEST + 0x124000) / 0x1000);
    assert.equal(info.getUint32(52, true), (GUEST + 0x125000) / 0x1000);
    assert.equal(state.cr3, GUEST + 0x126000);
    assert.equal(state.registers.esp, 0xc0126000 + info.getUint32(64, true) * 0x1000 + 0x1000);
  });

  it('reads the notes of GRUB, whose last one counts more bytes than its segment has', function () {
    const { bytes } = debianGuest(this, 'grubXen');
    const { offered, summary, fields } = recognise(bytes);
    assert.equal(offered, true, summary);
    const mode = fields.find(({ name }) => name === 'PAE_MODE');
    assert.equal(mode?.value, '"yes"');
    assert.match(mode.meaning, /descsz counts 8 bytes behind the end of the segment/);
    const made = plan(bytes);
    assert.deepEqual([made.state.eip, made.state.cr4], [0, 0x660]);
    // L3, L2 of the first GiB and of the fourth, where Xen's part is, and L1 for 2 MiB each.
    const tables = region(made, 'page tables');
    assert.equal(tables.address, made.state.cr3);
    const top = new DataView(new Uint8Array(tables.bytes).buffer);
    const entry = (n: number): number => made.state.cr3 + n * 0x1000 + 1;
    assert.deepEqual(
      [0, 1, 2, 3].map((n) => top.getUint32(n * 8, true)),
      [entry(1), 0, 0, entry(2)],
    );
  });

  it('refuses a 64-bit kernel with the reason', function () {
    const { bytes } = debianGuest(this, 'grubXen64');
    assert.equal(recognise(bytes).problem?.code, 'long-mode');
    assert.match(recognise(bytes).summary, /the machine has no long mode: The ELF class at file offset 0x4 is 2/);
  });

  for (const pae of [true, false])
    it(`maps everything up to a multiple of 4 MiB, the tables read-only, ${pae ? 'with PAE' : 'without'}`, function () {
      const header = pae ? XEN_NOTES : XEN_NOTES + xenNote(9, 'no');
      const made = plan(buildXenKernel(this, { header }));
      const memory = memoryOf(made);
      const { cr3 } = made.state;
      const tables = region(made, 'page tables');
      const entryOf = (linear: number): number => {
        const read = (table: number, index: number): number =>
          memory.getUint32((table & ~0xfff) + index * (pae ? 8 : 4), true);
        if (!pae) return read(read(cr3, linear >>> 22), (linear >>> 12) & 0x3ff);
        return read(read(read(cr3, linear >>> 30), (linear >>> 21) & 0x1ff), (linear >>> 12) & 0x1ff);
      };
      const stack = region(made, 'boot stack').address;
      const end = Math.ceil((stack - GUEST + 0x1000 + 0x80000) / 0x400000) * 0x400000;
      for (let physical = 0; physical < end; physical += 0x1000) {
        const machine = GUEST + physical;
        const table = machine >= tables.address && machine < tables.address + tables.bytes.length;
        assert.equal(entryOf(0xc0000000 + physical), machine | (table ? 0x21 : 0x23));
      }
      assert.equal(entryOf(0xc0000000 + end), 0);
    });

  it('hands over the module, the command line and shared_info with every event masked', function () {
    const module = { name: 'initrd.img', bytes: new Uint8Array(0x1801).fill(7), cmdline: '' };
    const made = plan(buildXenKernel(this, { header: XEN_NOTES }), { initrd: module });
    const memory = memoryOf(made);
    const { children = [] } = decodeStartInfo(
      (address, length) => new Uint8Array(memory.buffer, address, length),
      made.information?.address ?? 0,
      made.information?.linear,
    );
    const text = (name: string): string | undefined => children.find((child) => child.name === name)?.text;
    assert.equal(text('magic'), '"xen-3.0-x86_32p"');
    assert.equal(text('nr_pages'), '4,096 pages = 16 MiB');
    assert.equal(text('cmd_line'), '"root=none quiet"');
    assert.equal(text('mod_len'), '6,145 bytes');
    const start = region(made, 'module initrd.img').address;
    assert.equal(text('mod_start'), `linear 0x${(start - GUEST + 0xc0000000).toString(16)}`);
    assert.equal(text('store_evtchn'), 'event channel 1');
    assert.equal(text('flags'), '0 · an unprivileged domain');
    const list = children.find((child) => child.name === 'mfn_list')?.children ?? [];
    assert.equal(list[3]?.text, 'pseudo-physical frame 0x3 → machine frame 0x803');
    for (let vcpu = 0; vcpu < 32; vcpu++) assert.equal(memory.getUint8(0x100000 + vcpu * 64 + 1), 1);
  });

  it('counts a module that need not be mapped in frames', function () {
    const module = { name: 'initrd.img', bytes: new Uint8Array(0x1801), cmdline: '' };
    const made = plan(buildXenKernel(this, { header: XEN_NOTES + xenNote(16, 1) }), { initrd: module });
    const info = new DataView(new Uint8Array(region(made, 'start_info').bytes).buffer);
    assert.equal(info.getUint32(40, true), 8);
    assert.equal(info.getUint32(72, true), (region(made, 'module initrd.img').address - GUEST) / 0x1000);
    assert.equal(info.getUint32(76, true), 0x2000);
  });

  it('takes __xen_guest in the forms of Xen 3.0.0, 3.0.3 and mini-os, and fills the hypercall page', function () {
    const old = 'GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,LOADER=generic,PAE=no';
    // Without ELF_PADDR_OFFSET a string means physical addresses that are linear ones.
    const first = plan(buildXenKernel(this, { header: guestString(old), old: true }));
    assert.equal(first.state.eip, 0xc0100000);
    assert.equal(first.state.cr4, 0x650);
    assert.equal(
      first.regions.find(({ name }) => name === 'hypercall page'),
      undefined,
    );
    const later = `${old},ELF_PADDR_OFFSET=0x0,VIRT_ENTRY=0xC0100001,HYPERCALL_PAGE=0x100,FEATURES=writable_page_tables|!pae_pgdir_above_4gb`;
    const second = plan(buildXenKernel(this, { header: guestString(later) }));
    assert.equal(second.state.eip, 0xc0100001);
    assert.equal(region(second, 'hypercall page').address, GUEST + 0x100000);
    const third = region(plan(buildXenKernel(this, { header: guestString(STRING) })), 'hypercall page');
    // Slot 32: MOV EAX, 32; INT 0x82; RET. Slot 23 pushes EAX and does not return (Xen 4.2, x86_32/traps.c).
    assert.deepEqual([...third.bytes.subarray(32 * 32, 32 * 32 + 8)], [0xb8, 32, 0, 0, 0, 0xcd, 0x82, 0xc3]);
    assert.deepEqual([...third.bytes.subarray(23 * 32, 23 * 32 + 9)], [0x50, 0xb8, 23, 0, 0, 0, 0xcd, 0x82, 0]);
  });

  it('refuses what Xen refuses, naming the field and its offset', function () {
    const refused = (header: string, old = false): string => {
      const { title, detail, mend } = refusal(buildXenKernel(this, { header, old }));
      assert.ok(mend !== undefined);
      return `${title}. ${(detail ?? '').replace(/file offset 0x[0-9a-f]+/g, 'file offset N')}`;
    };
    const without = (key: string): string =>
      guestString(
        STRING.split(',')
          .filter((item) => !item.startsWith(key))
          .join(','),
      );
    assert.match(
      refused(without('LOADER')),
      /^kernel\.elf is not for Xen's generic loader\. LOADER of __xen_guest at file offset N is not there and GUEST_OS at file offset N "Mini-OS"; needed: LOADER that begins with "generic"/,
    );
    assert.match(
      refused(without('XEN_VER')),
      /XEN_VERSION of __xen_guest at file offset N is not there; needed: text that begins with "xen-3\.0"$/,
    );
    assert.match(
      refused(guestString(STRING.replace('xen-3.0', '2.0'))),
      /^kernel\.elf was built for Xen 2\.0\. XEN_VER at file offset N is "2\.0"\./,
    );
    assert.match(refused(without('VIRT_BASE')), /^kernel\.elf gives ELF_PADDR_OFFSET without VIRT_BASE/);
    assert.match(
      refused(guestString(STRING.replace('0xC0000000', '0xC0000800'))),
      /VIRT_BASE at file offset N is 0xc0000800; needed: a multiple of 0x1000/,
    );
    assert.match(
      refused(guestString(STRING.replace('0xC0000000', 'base'))),
      /^VIRT_BASE of kernel\.elf is no number\. VIRT_BASE at file offset N is "base"; needed: decimal digits/,
    );
    assert.match(
      refused(without('ELF_PADDR_OFFSET')),
      /^kernel\.elf would begin below VIRT_BASE\. VIRT_BASE 0xc0000000 - PADDR_OFFSET 0xc0000000 \+ p_paddr puts the image at linear 0x00100000/,
    );
    assert.match(refused(guestString(STRING), true), /^kernel\.elf would end beyond 4 GiB/);
    assert.match(
      refused(guestString(`${STRING},VIRT_ENTRY=0x1000`)),
      /^The entry of kernel\.elf lies outside its image\. VIRT_ENTRY at file offset N is 0x00001000/,
    );
    assert.match(
      refused(guestString(STRING.replace('0x100,', '0x900,'))),
      /^The hypercall page of kernel\.elf lies outside its image\. HYPERCALL_PAGE at file offset N is 0x900: linear 0xc0900000/,
    );
    assert.match(
      refused(XEN_NOTES + xenNote(10, '!auto_translated_physmap')),
      /"!auto_translated_physmap"; a 32-bit PV guest is not given auto_translated_physmap, and "!" makes it required/,
    );
    assert.match(refused(XEN_NOTES + xenNote(10, 'x|!telepathy')), /"x\|!telepathy"; no Xen knows telepathy/);
    assert.match(
      refused(XEN_NOTES + xenNote(1, 'ten bytes')),
      /^ENTRY of kernel\.elf is no number\. ENTRY at file offset N has a descriptor of neither 4 nor 8 bytes/,
    );
  });

  it('refuses what does not fit: memory, command line, modules, the way up to Xen', function () {
    const bytes = buildXenKernel(this, { header: XEN_NOTES });
    assert.match(
      refusal(bytes, { memory: 2 * MIB }).detail ?? '',
      /^the initial mapping, with 512 KiB behind the stack ends at pseudo-physical 0x00400000/,
    );
    assert.equal(refusal(bytes, { cmdline: 'x'.repeat(1024) }).code, 'command-line-too-long');
    const module = { name: 'a', bytes: new Uint8Array(1), cmdline: '' };
    assert.equal(refusal(bytes, { modules: [module, module] }).code, 'module-not-taken');
    const high = XEN_NOTES.replace('3221225472', (0xf5700000).toString());
    assert.equal(refusal(buildXenKernel(this, { header: `${high}${xenNote(1, 0xf5800000)}` })).code, 'xen-hole');
  });

  it('tells of any string and any note what is wrong with it, and never anything else', function () {
    const random = new Random(4);
    const noted = buildXenKernel(this, {
      header: XEN_NOTES + xenNote(10, '!writable_page_tables|x|!pae_pgdir_above_4gb') + xenNote(2, 0xc0100000),
    });
    const stringed = buildXenKernel(this, { header: guestString(STRING) });
    for (let round = 0; round < 1000; round++) {
      const bytes = new Uint8Array(round % 2 === 0 ? noted : stringed);
      const { fields } = recognise(bytes);
      const field = fields[random.below(fields.length)];
      for (let changes = 1 + random.below(3); changes > 0; changes--) {
        const at = (field?.offset ?? 0) + random.below(28);
        bytes[at] = random.below(4) === 0 ? 0xff : random.below(256);
      }
      const found = recognise(bytes);
      if (found.offered) assert.ok(plan(bytes).regions.length > 0);
      else assert.ok(refusal(bytes).detail !== undefined);
    }
  });
});
