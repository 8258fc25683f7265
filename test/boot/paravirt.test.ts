import assert from 'node:assert/strict';
import type { Context } from 'mocha';
import { openKernelImage } from '../../src/boot/kernel-image.ts';
import { applyPlan } from '../../src/boot/load.ts';
import { paravirt } from '../../src/boot/paravirt.ts';
import type { LoadOptions, LoadPlan } from '../../src/boot/protocol.ts';
import { Machine } from '../../src/machine/machine.ts';
import { plan as planAny, refusal, region, wordAt } from './expect.ts';
import { buildKernel, MIB } from './kernels.ts';

/**
 * A kernel with the entry of Linux 2.6.20: when CS has an RPL it walks the table between two symbols on a stack of its own, each function
 * finds EBX, ESI, EDI, EBP, ECX and EDX as the hypervisor left them, and one that knows its hypervisor does not come back. Linked at
 * 3 GiB, loaded at 1 MiB, and as in Linux e_entry is a physical address.
 */
const KERNEL = `
.macro print character
  mov $\\character, %al
  out %al, $0xe9
.endm
.text
startup_32:
  mov %cs, %eax
  test $3, %eax
  jnz startup_paravirt
  print 'n'
  jmp stop
startup_paravirt:
  cld
  mov $stack_end, %esp
  push %edx
  push %ecx
  push %eax
  push $probes
1: mov (%esp), %eax
  mov (%eax), %eax
  call *%eax
  mov 4(%esp), %eax
  mov 8(%esp), %ecx
  mov 12(%esp), %edx
  addl $4, (%esp)
  jmp 1b
probe_one:
  print '1'
  cmp $1, %ebx
  je found
  ret
probe_two:
  print '2'
  cmp $2, %ebx
  je found
  ret
bare:
  print 'b'
found:
  print '!'
  mov 0x228(%esi), %esi
2: lodsb
  test %al, %al
  jz stop
  out %al, $0xe9
  jmp 2b
stop:
  xor %eax, %eax
  out %eax, $0xf4
3: jmp 3b
.section .paravirtprobe, "a"
probes: .long probe_one, probe_two, bare
.bss
.skip 0x1000
stack_end:
.globl physical_entry
.set physical_entry, startup_32 - 0xc0000000
`;
const SCRIPT = `
ENTRY(physical_entry)
SECTIONS {
  . = 0xc0100000;
  .text : AT(ADDR(.text) - 0xc0000000) { *(.text) }
  .paravirtprobe : AT(ADDR(.paravirtprobe) - 0xc0000000) { *(.paravirtprobe) }
  .bss : AT(ADDR(.bss) - 0xc0000000) { *(.bss) }
}
`;

function kernel(test: Context): Uint8Array {
  return buildKernel(test, { header: '', code: KERNEL, script: SCRIPT });
}

function plan(bytes: Uint8Array, options: Partial<LoadOptions> = {}): LoadPlan {
  return planAny(bytes, options, 'paravirt');
}

/** What the kernel prints when EBX has a value at the entry. */
function run(made: LoadPlan, ebx?: number): string {
  const machine = new Machine({ memory: 16 * MIB });
  applyPlan(made, machine);
  if (ebx !== undefined) machine.cpu.state.setRegister32(3, ebx);
  machine.cpu.stateChanged();
  let printed = '';
  machine.console.on((character) => (printed += character));
  const stop = machine.run({ maxInstructions: 10_000 });
  assert.equal(stop.reason, 'debug-exit', stop.description);
  return printed;
}

describe('The generic paravirt entry of Linux 2.6.20', () => {
  it('walks the probes until one knows the hypervisor by EBX, as head.S does', function () {
    const made = plan(kernel(this), { cmdline: 'quiet' });
    assert.equal(run(made), '12b!quiet');
    assert.equal(run(made, 1), '1!quiet');
    assert.equal(run(made, 2), '12!quiet');
  });

  it('is the native entry of the same kernel when CS has no RPL', function () {
    assert.equal(run(planAny(kernel(this), {}, 'native')), 'n');
  });

  it('gives the state that startup_paravirt relies on', function () {
    const made = plan(kernel(this));
    const { state } = made;
    assert.equal(state.eip, 0xc0100000);
    assert.equal(state.cpl, 1);
    assert.deepEqual(state.segments.cs, { selector: 0x61, base: 0, limit: 0xffffffff, access: 0xc0bb00 });
    for (const name of ['ds', 'es', 'ss'] as const)
      assert.deepEqual(state.segments[name], { selector: 0x69, base: 0, limit: 0xffffffff, access: 0xc0b300 });
    assert.deepEqual([state.segments.fs.selector, state.segments.gs.selector], [0, 0]);
    assert.equal(state.gdtr.limit, 14 * 8 - 1);
    const descriptor = (selector: number): number[] =>
      [0, 4].map((at) => wordAt(made, state.gdtr.base + (selector & ~7) + at));
    assert.deepEqual(descriptor(0x61), [0x0000ffff, 0x00cfbb00]);
    assert.deepEqual(descriptor(0x69), [0x0000ffff, 0x00cfb300]);
    assert.equal(state.cr0, 0x80000011);
    assert.equal(state.eflags, 0x1402);
    assert.equal(state.idtr.limit, 0);
    assert.equal(state.registers.ebx, 0);
    assert.equal(state.registers.esi, made.information?.address);
    for (const name of ['eax', 'ecx', 'edx', 'esp', 'ebp', 'edi'] as const)
      assert.equal(state.registers[name], 0x5eedface);
    const kept = made.promises.filter(({ promise }) => promise !== undefined).map(({ item }) => item);
    assert.deepEqual(kept, 'EIP CS SS DS ES GDTR CR0.PE CR0.PG CR3 EBX ESI EFLAGS.IF EFLAGS.IOPL'.split(' '));
    assert.equal(made.physicalBias, 0);
  });

  it('maps all memory at its physical address and where the kernel is linked', function () {
    const made = plan(kernel(this));
    const page = (linear: number): number => {
      const table = wordAt(made, made.state.cr3 + (linear >>> 22) * 4);
      assert.equal(table & 1, 1, `no table for 0x${linear.toString(16)}`);
      return wordAt(made, (table & ~0xfff) + ((linear >>> 12) & 0x3ff) * 4);
    };
    for (const physical of [0, 0x100000, 0x9f000, 0xfff000])
      for (const linear of [physical, physical + 0xc0000000]) assert.equal(page(linear) & ~0xffc, physical | 3);
    assert.equal(wordAt(made, made.state.cr3 + 4 * 4), 0);
    assert.equal(wordAt(made, made.state.cr3 + 0x304 * 4), 0);
    assert.equal(region(made, 'page tables').size, 5 * 4096);
  });

  it('is recognised by its table, each function with its place in the file', function () {
    const { offered, summary, fields } = paravirt.recognise(openKernelImage('vmlinux', kernel(this)));
    assert.equal(offered, true);
    assert.match(summary, /^Section \.paravirtprobe at file offset 0x[0-9a-f]+: 3 probe functions$/);
    assert.deepEqual(
      fields.map(({ name, verdict }) => [name, verdict]),
      [
        ['probe[0]', 'right'],
        ['probe[1]', 'right'],
        ['probe[2]', 'right'],
      ],
    );
  });

  it('is refused without a table of functions, and at an odd distance', function () {
    const code = KERNEL.split('.section')[0] ?? '';
    const end =
      'probes: .byte 1, 2\n.bss\nstack_end:\n.globl physical_entry\n.set physical_entry, startup_32 - 0xc0000000\n';
    const build = (section: string): Uint8Array =>
      buildKernel(this, { header: '', code: `${code}${section}\n${end}`, script: SCRIPT });
    assert.equal(refusal(build('.data'), {}, 'paravirt').title, 'kernel.elf has no section .paravirtprobe');
    const image = openKernelImage('vmlinux', build('.section .paravirtprobe, "a"'));
    assert.match(paravirt.recognise(image).summary, /has 0x2 bytes; needed: pointers of 4 bytes, at least one$/);
    const odd = buildKernel(this, {
      header: '',
      code: KERNEL.replaceAll('0xc0000000', '0xc0001000'),
      script: SCRIPT.replaceAll('- 0xc0000000', '- 0xc0001000').replace('0xc0100000', '0xc0101000'),
    });
    const error = refusal(odd, {}, 'paravirt');
    assert.equal(error.title, 'kernel.elf is not linked a multiple of 4 MiB above where it is loaded');
    assert.match(error.detail ?? '', /is 0xc0001000;/);
  });
});
