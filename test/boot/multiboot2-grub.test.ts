import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Context } from 'mocha';
import { applyPlan } from '../../src/boot/load.ts';
import { acpiRootPointer } from '../../src/machine/firmware/acpi-tables.ts';
import { Machine } from '../../src/machine/machine.ts';
import { underGrub } from '../support/grub.ts';
import { plan } from './expect.ts';
import { buildKernel, headerTag, MIB, multiboot2Source } from './kernels.ts';

/** Writes EAX, EBX and the information structure to port 0xe9 and ends. It needs no stack and no address of its own: it may lie anywhere. */
const CODE = `
.text
.globl _start
_start:
  mov $0xe9, %edx
  .rept 4
  out %al, %dx
  shr $8, %eax
  .endr
  mov %ebx, %eax
  .rept 4
  out %al, %dx
  shr $8, %eax
  .endr
  mov %ebx, %esi
  mov (%ebx), %ecx
1: mov (%esi), %al
  out %al, %dx
  inc %esi
  loop 1b
  mov $0xf4, %edx
  xor %eax, %eax
  out %eax, %dx
2: hlt
  jmp 2b
.data
.long 0x11223344
.bss
.skip 0x2000
`;

const MODULE = new Uint8Array(5000).fill(0x11);
const SCRIPT = 'multiboot2 (memdisk)/kernel.elf one two=3\nmodule2 (memdisk)/initrd.img initrd.img root\nboot\n';

/** What the kernel found. */
class Found {
  readonly eax: number;
  readonly ebx: number;
  readonly information: Buffer;
  readonly tags: readonly { readonly type: number; readonly bytes: Buffer }[];

  constructor(output: Buffer) {
    this.eax = output.readUInt32LE(0);
    this.ebx = output.readUInt32LE(4);
    this.information = output.subarray(8);
    const tags: { type: number; bytes: Buffer }[] = [];
    for (let at = 8; at < this.information.length;) {
      const [type, size] = [this.information.readUInt32LE(at), this.information.readUInt32LE(at + 4)];
      tags.push({ type, bytes: this.information.subarray(at, at + size) });
      at += (size + 7) & ~7;
    }
    this.tags = tags;
  }

  tag(type: number): Buffer {
    return this.tags.find((tag) => tag.type === type)?.bytes ?? assert.fail(`no tag ${type}`);
  }

  has(type: number): boolean {
    return this.tags.some((tag) => tag.type === type);
  }
}

function found(test: Context, kernel: Uint8Array): { readonly grub: Found; readonly ours: Found } {
  const grub = new Found(underGrub(test, { 'kernel.elf': kernel, 'initrd.img': MODULE }, SCRIPT));
  const machine = new Machine({ memory: 128 * MIB });
  const modules = [{ name: 'initrd.img', bytes: MODULE, cmdline: 'initrd.img root' }];
  const options = { memory: 128 * MIB, cmdline: 'one two=3', modules, rootPointer: acpiRootPointer(true) };
  applyPlan(plan(kernel, options, 'multiboot2'), machine);
  let output = '';
  machine.console.on((character) => (output += character));
  assert.equal(machine.run({ maxInstructions: 100_000 }).reason, 'debug-exit');
  return { grub, ours: new Found(Buffer.from(output, 'latin1')) };
}

/** The real loader is the oracle: the same kernel, entered by GRUB on QEMU's BIOS and by this machine, reports what it was given. */
describe('Multiboot 2 beside GRUB', () => {
  it('gives a kernel what GRUB gives it', function () {
    this.timeout(180_000);
    const { grub, ours } = found(this, buildKernel(this, { header: multiboot2Source(), code: CODE }));
    assert.equal(ours.eax, grub.eax);
    assert.equal(grub.ebx % 8, 0);
    assert.equal(ours.information.readUInt32LE(0), ours.information.length);
    assert.equal(grub.information.readUInt32LE(4), 0);
    // GRUB gives its load base to every image, knows APM, and sees QEMU's RSDP of ACPI 1.0.
    const common = ours.tags.map(({ type }) => type).filter((type) => type !== 15);
    assert.deepEqual(
      grub.tags.map(({ type }) => type).filter((type) => type !== 10 && type !== 21),
      common,
    );
    // Command line, module with its address, framebuffer, end: the same bytes.
    for (const type of [1, 3, 8, 0]) assert.equal(ours.tag(type).toString('hex'), grub.tag(type).toString('hex'));
    assert.match(grub.tag(2).toString('latin1', 8), /^GRUB 2[^\0]*\0$/);
    assert.equal(ours.tag(2).toString('latin1', 8), 'Start of Day\0');
    // The BIOS keeps some memory at the end for itself; all before is the same.
    assert.equal(ours.tag(4).toString('hex', 0, 12), grub.tag(4).toString('hex', 0, 12));
    assert.equal(ours.tag(6).toString('hex', 8, 16 + 3 * 24 + 8), grub.tag(6).toString('hex', 8, 16 + 3 * 24 + 8));
    assert.equal(ours.tag(14).length, grub.tag(14).length);
    assert.equal(ours.tag(14).toString('latin1', 8, 16), 'RSD PTR ');
  });

  it('gives it the same section headers, but for where sections went that are not loaded', function () {
    this.timeout(180_000);
    const { grub, ours } = found(this, buildKernel(this, { header: multiboot2Source(), code: CODE }));
    const withoutAddresses = (table: Buffer): string => {
      const copy = Buffer.from(table);
      for (let at = 20; at < copy.length; at += 40)
        if ((copy.readUInt32LE(at + 8) & 2) === 0) copy.writeUInt32LE(0, at + 12);
      return copy.toString('hex');
    };
    assert.equal(withoutAddresses(ours.tag(9)), withoutAddresses(grub.tag(9)));
  });

  for (const [what, preference, lowest] of [
    ['the lowest address', 1, 0x600000],
    ['an address without a preference', 0, 0x100000],
  ] as const)
    it(`puts a relocatable kernel at ${what}, as GRUB does`, function () {
      this.timeout(180_000);
      const header = multiboot2Source(headerTag(10, [lowest, 0x4000000, 0x200000, preference]));
      const { grub, ours } = found(this, buildKernel(this, { header, code: CODE }));
      assert.equal(ours.tag(21).toString('hex'), grub.tag(21).toString('hex'));
      assert.ok(ours.has(21) && grub.eax === 0x36d76289);
    });
});
