import assert from 'node:assert/strict';
import { ENTRY_NAMES } from '../../src/boot/protocol.ts';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import { ENTRY_PROTOCOLS, recogniseAll } from '../../src/boot/recognise.ts';
import type { EntryName, Recognition } from '../../src/boot/protocol.ts';
import { plan, refusal } from './expect.ts';
import { buildXenKernel, XEN_NOTES } from './xen-kernels.ts';
import { buildKernel, headerSource, multiboot2Source, withWord } from './kernels.ts';

const XEN_NOTE = (type: number, value: number): string =>
  `.section .note.Xen, "a", @note\n.long 4, 4, ${type}\n.asciz "Xen"\n.long ${value}\n`;

/** A bzImage of zeros with boot_flag, "HdrS", version, xloadflags. */
function setupHeader(version: number, xloadflags: number): Uint8Array {
  const bytes = new Uint8Array(0x700);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 2);
  view.setUint16(0x1fe, 0xaa55, true);
  bytes.set(new TextEncoder().encode('HdrS'), 0x202);
  view.setUint16(0x206, version, true);
  view.setUint16(0x236, xloadflags, true);
  return bytes;
}

function recognise(bytes: Uint8Array, entry: EntryName): Recognition {
  return (
    recogniseAll(openKernelImage('kernel.elf', bytes)).find((one) => one.entry === entry) ?? assert.fail(`no ${entry}`)
  );
}

function offers(bytes: Uint8Array): EntryName[] {
  return recogniseAll(openKernelImage('kernel.elf', bytes))
    .filter(({ offered }) => offered)
    .map(({ entry }) => entry);
}

describe('Entry protocols', () => {
  it('are those of the launch configuration, in its order', () => {
    assert.deepEqual(
      ENTRY_PROTOCOLS.map(({ entry }) => entry),
      ENTRY_NAMES,
    );
  });

  it('recognise Multiboot by its header', function () {
    const { offered, summary, fields, problem } = recognise(buildKernel(this), 'multiboot');
    assert.equal(offered, true);
    assert.equal(problem, undefined);
    assert.equal(
      summary,
      'Header at file offset 0x1000, flags 0x3, checksum right; loaded by the ELF program headers, entry at physical 0x0010000c',
    );
    assert.deepEqual(
      fields.map(({ name, offset, value, verdict }) => [name, offset, value, verdict]),
      [
        ['magic', 0x1000, '0x1badb002', 'right'],
        ['flags', 0x1004, '0x00000003', 'information'],
        ['checksum', 0x1008, '0xe4524ffb', 'right'],
      ],
    );
  });

  it('recognise Linux by "HdrS", and its 64-bit entry by xloadflags', () => {
    assert.deepEqual(offers(setupHeader(0x20f, 0x7f)), ['linux16', 'linux32', 'linux64']);
    // memtest86+ 6.10 for ia32: protocol 2.12, xloadflags 4.
    assert.deepEqual(offers(setupHeader(0x20c, 4)), ['linux16', 'linux32']);
    assert.equal(
      recognise(setupHeader(0x20c, 4), 'linux64').summary,
      'xloadflags at file offset 0x236 is 0x0004: bit 0 (XLF_KERNEL_64) is 0',
    );
    // iPXE: protocol 2.07, which has no xloadflags.
    assert.equal(
      recognise(setupHeader(0x207, 0xffff), 'linux64').summary,
      'Boot protocol 2.07 at file offset 0x206 has no 64-bit entry; it came with 2.12',
    );
    assert.equal(recognise(new Uint8Array(0x400), 'linux32').summary, 'No "HdrS" at file offset 0x202');
    const noFlag = setupHeader(0x20c, 4);
    noFlag[0x1fe] = 0;
    assert.equal(recognise(noFlag, 'linux16').summary, 'boot_flag at file offset 0x1fe is 0xaa00, must be 0xaa55');
  });

  it('recognise PVH by ELF note 18', function () {
    const script = 'ENTRY(_start) SECTIONS { . = 0x100000; .text : { *(.text) } .note.Xen : { *(.note.Xen) } }';
    const bytes = buildKernel(this, { header: XEN_NOTE(18, 0x100002), script });
    const { offered, summary } = recognise(bytes, 'pvh');
    assert.equal(offered, true);
    assert.match(summary, /^ELF note 18 \(PHYS32_ENTRY\) at file offset 0x[0-9a-f]+: entry at physical 0x00100002$/);
    assert.equal(recognise(bytes, 'xen-pv').summary, 'The ELF notes name Xen (PHYS32_ENTRY) without note 1 (ENTRY)');
  });

  it('recognise Xen PV by ELF note 1, or by the section __xen_guest', function () {
    const noted = buildXenKernel(this, { header: XEN_NOTES });
    assert.match(
      recognise(noted, 'xen-pv').summary,
      /^ELF notes of Xen at file offset 0x[0-9a-f]+: entry at linear 0xc0100000, VIRT_BASE 0xc0000000, PAE$/,
    );
    assert.equal(recognise(noted, 'pvh').offered, false);
    const legacy = buildKernel(this, {
      header: '.section __xen_guest, ""\n.asciz "GUEST_OS=GNU Mach,XEN_VER=xen-3.0,LOADER=generic"',
    });
    assert.match(
      recognise(legacy, 'xen-pv').summary,
      /^Section __xen_guest at file offset 0x[0-9a-f]+: "GUEST_OS=GNU Mach,XEN_VER=xen-3.0,LOADER=generic": entry/,
    );
    assert.equal(
      recognise(buildKernel(this), 'xen-pv').summary,
      'No ELF note of the owner "Xen" and no section __xen_guest',
    );
  });

  it('recognise lguest by its text and the 2.6.20 entry by its section', function () {
    const code =
      '.text\n.globl _start\n_start: hlt\n.ascii "GenuineLguest"\n.section .paravirtprobe, "a"\n.long _start, _start\n';
    const bytes = buildKernel(this, { header: '', code });
    assert.match(recognise(bytes, 'lguest').summary, /^"GenuineLguest" at file offset 0x1001;/);
    assert.match(recognise(bytes, 'paravirt').summary, /2 probe functions$/);
    assert.deepEqual(offers(buildKernel(this)), ['multiboot', 'native']);
  });

  it('never throw, whatever the file holds', function () {
    const bytes = buildKernel(this, { header: `${headerSource(0x10007)}\n${XEN_NOTE(18, 1)}` });
    for (let at = 0; at < 0x80; at += 4)
      for (const value of [0, 0x7fffffff, 0xffffffff])
        assert.equal(
          recogniseAll(openKernelImage('kernel.elf', withWord(bytes, at, value))).length,
          ENTRY_NAMES.length,
        );
    for (let length = 0; length < bytes.length; length += length < 256 ? 5 : 131)
      recogniseAll(openKernelImage('kernel.elf', bytes.subarray(0, length)));
  });
});

describe('Choice of the entry', () => {
  it('says why, and that there is nothing else', function () {
    const { entry, label, chosen } = plan(buildKernel(this), {}, 'auto');
    assert.deepEqual([entry, label], ['multiboot', 'Multiboot 1']);
    assert.equal(
      chosen,
      'Chose multiboot because kernel.elf has a Multiboot 1 header at file offset 0x1000. This image offers nothing else.',
    );
  });

  it('says what else the image offers', function () {
    const bytes = buildKernel(this, { header: `${headerSource(3)}\n${XEN_NOTE(18, 0x100000)}` });
    assert.match(plan(bytes, {}, 'auto').chosen, /^Chose multiboot because .*\. It also offers pvh\.$/);
    assert.equal(plan(bytes, {}, 'multiboot').chosen, 'multiboot as launch.json asks. It also offers pvh.');
    assert.equal(
      plan(buildKernel(this), {}, 'multiboot').chosen,
      'multiboot as launch.json asks. This image offers nothing else.',
    );
  });

  it('takes Multiboot 2 before Multiboot 1', function () {
    const bytes = buildKernel(this, { header: `${headerSource(3)}\n${multiboot2Source()}` });
    assert.equal(
      plan(bytes, {}, 'auto').chosen,
      'Chose multiboot2 because kernel.elf has a Multiboot 2 header at file offset 0x1010. It also offers multiboot.',
    );
  });

  it('says why it passed over a header that is damaged', function () {
    const bytes = buildKernel(this, { header: `${headerSource(3)}\n${multiboot2Source('.short 77, 0\n.long 8')}` });
    assert.match(
      plan(bytes, {}, 'auto').chosen,
      /^Chose multiboot because .* This image offers nothing else\. Not multiboot2: The Multiboot 2 header requires tag 77, which is not defined\.$/,
    );
  });

  it('enters an ELF file without any header natively, with nothing promised', function () {
    const made = plan(buildKernel(this, { header: '' }), {}, 'auto');
    assert.equal(
      made.chosen,
      'Chose native because kernel.elf has a 32-bit x86 ELF header. This image offers nothing else.',
    );
    assert.equal(made.state.registers.eax, 0x5eedface);
    assert.equal(made.state.eip, 0x100000);
    assert.equal(made.information, undefined);
    assert.ok(made.promises.every(({ promise }) => promise === undefined));
  });

  it('enters a raw image at an address', () => {
    const made = plan(Uint8Array.of(0xfa, 0xf4), { entryAddress: 0x7c00 }, 'native');
    assert.equal(made.state.eip, 0x7c00);
    assert.deepEqual(
      made.regions.map(({ name, address, size }) => [name, address, size]),
      [['raw image', 0x7c00, 2]],
    );
    assert.match(refusal(Uint8Array.of(0xfa, 0xf4), {}, 'native').title, /is not an ELF file/);
  });

  it('rather tells of a damaged header than enters natively', function () {
    const wrong = buildKernel(this, { header: '.section .multiboot, "a"\n.long 0x1badb002, 3, 1' });
    assert.equal(refusal(wrong, {}, 'auto').title, 'The Multiboot header at 0x1000 has a wrong checksum');
    const unknown = buildKernel(this, { header: headerSource(0x8003) });
    assert.equal(refusal(unknown, {}, 'auto').title, 'kernel.elf requires Multiboot feature 15, which is not defined');
    assert.equal(plan(wrong, {}, 'native').entry, 'native');
  });

  it('tells what is damaged in an ELF file, and what a file is that is none', function () {
    const bytes = buildKernel(this);
    assert.equal(refusal(bytes.subarray(0, 40), {}, 'auto').title, 'kernel.elf ends inside the ELF header');
    assert.match(refusal(bytes.subarray(0, 0x1000), {}, 'auto').title, /^kernel\.elf ends before what p_filesz/);
    const text = refusal(new TextEncoder().encode('#!/bin/sh\n'), {}, 'auto');
    assert.equal(text.title, 'kernel.elf is not an ELF file and offers no entry');
    assert.equal(refusal(new Uint8Array(), {}, 'auto').code, 'no-entry');
    const long = buildKernel(this, { bits: 64, header: '' });
    assert.equal(refusal(long, {}, 'auto').title, 'kernel.elf is a 64-bit ELF file and offers no entry');
  });

  it('refuses an entry that the machine cannot run, or that the image does not offer', function () {
    const bytes = buildKernel(this);
    assert.equal(refusal(bytes, {}, 'xen-pv').title, 'kernel.elf does not offer xen-pv');
    const long = refusal(setupHeader(0x20f, 1), {}, 'linux64');
    assert.equal(long.title, 'kernel.elf cannot be entered by linux64: the machine has no long mode');
    assert.equal(long.mend, 'Set "entry" to "linux16".');
  });

  it('refuses an entry that there is not, with the nearest name', () => {
    const error = refusal(new Uint8Array(), {}, 'multibot');
    assert.equal(error.title, 'There is no entry "multibot"');
    assert.equal(error.mend, 'Did you mean "multiboot"?');
  });
});
