import assert from 'node:assert/strict';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import { multiboot } from '../../src/boot/multiboot.ts';
import { information, plan, refusal, stringAt } from './expect.ts';
import { buildKernel, headerSource } from './kernels.ts';

/** The paravirt header as docs/multiboot.md fixes it. */
function paravirtHeader(entry: string, flags = '0', checksum = `-(0x1badb006 + ${flags})`): string {
  return `.balign 4\n.long 0x1badb006, ${flags}, ${checksum}, ${entry}`;
}

const CODE = `
.text
.globl _start
_start: hlt
paravirt_start: hlt
.data
.long 0x11223344
.bss
.skip 0x2000
`;

/** The proposals of 2006: none is in a specification, so the expected values come from docs/multiboot.md. */
describe('A Multiboot boot by a hypervisor', () => {
  const kernel = (header = ''): string => `${headerSource(3)}\n${header}`;

  it('has the EAX that was asked for, and is the ordinary entry otherwise', function () {
    const bytes = buildKernel(this, { header: kernel(), code: CODE });
    const ordinary = plan(bytes);
    const made = plan(bytes, { paravirtMagic: 0x2badb006 });
    assert.deepEqual(made.state, {
      ...ordinary.state,
      registers: { ...ordinary.state.registers, eax: 0x2badb006 },
    });
    assert.deepEqual(made.information, ordinary.information);
    assert.deepEqual(
      made.promises.find(({ item }) => item === 'EAX'),
      { item: 'EAX', promise: '0x2badb006', source: 'proposal of 2006: another EAX magic for a boot by a hypervisor' },
    );
    assert.equal(
      made.chosen,
      'multiboot as launch.json asks. This image offers nothing else. EAX is 0x2badb006 as "paravirtMagic" asks; it has no paravirt header, so its own entry is used.',
    );
  });

  it('enters at the address of the paravirt header, which an ordinary boot ignores', function () {
    const bytes = buildKernel(this, { header: kernel(paravirtHeader('paravirt_start')), code: CODE });
    const ordinary = plan(bytes);
    const made = plan(bytes, { paravirtMagic: 0x2badb006 });
    assert.equal(ordinary.state.registers.eax, 0x2badb002);
    assert.equal(made.state.eip, ordinary.state.eip + 1);
    assert.match(made.chosen, /; entered by the paravirt header at file offset 0x100c\.$/);
  });

  it('of a kernel in the higher half has the bias of the segment that it enters', function () {
    const script =
      'ENTRY(_start) SECTIONS { . = 0xc0100000; .all : AT(0x100000) { *(.multiboot) *(.text) *(.data) } .bss : AT(ADDR(.bss) - 0xc0000000) { *(.bss) } }';
    const header = kernel(paravirtHeader('paravirt_start - 0xc0000000'));
    const made = plan(buildKernel(this, { header, code: CODE, script }), { paravirtMagic: 1 });
    assert.equal(made.physicalBias, 0xc0000000);
  });

  it('has its header explained as part of Multiboot', function () {
    const bytes = buildKernel(this, { header: kernel(paravirtHeader('paravirt_start')), code: CODE });
    const { fields } = multiboot.recognise(openKernelImage('kernel.elf', bytes));
    assert.deepEqual(
      fields.slice(3).map(({ name, offset, value, verdict }) => [name, offset, value, verdict]),
      [
        ['paravirt magic', 0x100c, '0x1badb006', 'right'],
        ['flags', 0x1010, '0x00000000', 'right'],
        ['checksum', 0x1014, '0xe4524ffa', 'right'],
        ['entry_addr', 0x1018, '0x0010001d', 'information'],
      ],
    );
  });

  it('refuses a damaged header, and an entry outside the kernel', function () {
    const build = (header: string): Uint8Array => buildKernel(this, { header: kernel(header), code: CODE });
    const options = { paravirtMagic: 0x2badb006 };
    const checksum = refusal(build(paravirtHeader('_start', '0', '5')), options);
    assert.equal(checksum.title, 'The paravirt header at 0x100c has a wrong checksum');
    assert.equal(
      checksum.detail,
      'flags at file offset 0x1010 is 0x00000000, must be 0; magic + flags + checksum = 0x1badb00b, must be 0',
    );
    assert.equal(checksum.mend, 'Write flags 0 and checksum 0xe4524ffa.');
    assert.match(refusal(build(paravirtHeader('_start', '1')), options).title, /has unknown flags$/);
    const outside = refusal(build(paravirtHeader('0x500000')), options);
    assert.equal(outside.title, 'The entry of the paravirt header at 0x100c lies outside the kernel');
    assert.match(outside.detail ?? '', /^entry_addr at file offset 0x1018 is 0x00500000; loaded is 0x00100000 … /);
    assert.equal(plan(build(paravirtHeader('0x500000'))).state.registers.eax, 0x2badb002);
  });

  it('is for the Multiboot 1 entry only, and EAX has 32 bits', function () {
    const bytes = buildKernel(this);
    const native = refusal(bytes, { paravirtMagic: 1 }, 'native');
    assert.equal(native.title, '"paravirtMagic" is the value of EAX at a Multiboot 1 entry, and the entry is native');
    assert.equal(refusal(bytes, { paravirtMagic: 2 ** 32 }).title, '"paravirtMagic" does not fit in EAX');
  });

  it('can name itself, so that a kernel chooses its operations by the boot loader name', function () {
    const made = plan(buildKernel(this), { bootLoaderName: 'Xen' });
    assert.equal(information(made, 0) & 0x200, 0x200);
    assert.equal(stringAt(made, information(made, 64)), 'Xen');
  });
});
