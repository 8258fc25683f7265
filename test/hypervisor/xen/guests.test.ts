import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { REGISTER } from '../../../src/x86/registers.ts';
import { debianGuest } from '../../support/guests.ts';
import { bootXen } from './boot.ts';

/** Kernels that nobody here wrote, on our Xen. */
describe('guests of Debian on Xen', function () {
  this.timeout(120_000);

  it('GNU Mach, told that it is domain 0, crashes as it did on Xen 4.17: every register, and the frame on its stack', function () {
    const { bytes } = debianGuest(this, 'gnumachXen');
    // As many pages as put start_info where the record has it; flags: privileged, initial domain.
    const { machine, plan } = bootXen(bytes, { memory: 0x1d540000, cmdline: '' });
    machine.memory.write((plan.information?.address ?? 0) + 40, Uint8Array.of(3, 3));
    const stop = machine.run({ maxInstructions: 1_000_000 });
    assert.equal(stop.reason, 'error');
    assert.match(stop.description, /^Xen ended the domain: #BP at 0xc0022c54, and there is no trap table yet/);
    const { state } = machine.cpu;
    const registers = Object.entries(REGISTER).map(([name, index]) => [name, state.register32(index)]);
    // "Domain 0 (vcpu#0) crashed": RIP, RFLAGS, rax to rdi, and "Guest stack trace from esp=c00ace40".
    assert.deepEqual(Object.fromEntries(registers), {
      eax: 0,
      ecx: 0xa,
      edx: 0xc00a08a0,
      ebx: 0xc0069c93,
      esp: 0xc00ace40,
      ebp: 0xc00ace64,
      esi: 0xc0123454,
      edi: 0xc008c474,
    });
    assert.deepEqual([state.ip, state.eflags], [0xc0022c54, 0x246]);
    for (const name of ['es', 'ss', 'ds', 'fs', 'gs'] as const)
      assert.equal(state.segment(SEGMENT[name]).selector, 0xe021);
    assert.equal(state.segment(SEGMENT.cs).selector, 0xe019);
    const trace = `c0022c54 0001e019 00000046 c006b9c0 c006b9e9 c00ace84 c0022c07 c0069c93
      c00ace9c c00ace84 c0022c20 c006b9e9 00000000 00000000 00000000 00000000
      00000000 c00acea4 c00054b0 c0069c40 0000024b c0066104 c0069c93 c00660a4
      c00660a4 00000000 c0000036 00123000 00000000 00000000 00000000 00000000`;
    const words = trace.split(/\s+/);
    const stack = words.map((_, n) => machine.cpu.memory.read(0xc00ace40 + n * 4, 32, true));
    assert.deepEqual(
      stack.map((word) => word.toString(16).padStart(8, '0')),
      words,
    );
  });

  it('GNU Mach as a domain builds its page tables and gives back those of the start, up to its own fault', function () {
    const { bytes } = debianGuest(this, 'gnumachXen');
    const { machine } = bootXen(bytes, { cmdline: '' });
    const stop = machine.run({ maxInstructions: 10_000_000 });
    // It writes to a page directory that it has mapped read-only itself (i386at/model_dep.c, line 545), before it has a stack for traps.
    assert.equal(stop.reason, 'error');
    assert.deepEqual(machine.unclaimed, []);
    assert.match(machine.faults[0]?.reason ?? '', /^write of lin:0xc00d7000: page is read-only and CR0\.WP is 1/);
    for (const [name, least] of [
      ['mmu_update', 100],
      ['update_va_mapping', 100],
      ['memory_op.decrease_reservation', 4],
    ] as const)
      assert.ok((machine.hypercalls.counts.get(name) ?? 0) >= least, name);
  });

  it('GRUB comes to its prompt on the console ring, and echoes what is typed', function () {
    const { bytes } = debianGuest(this, 'grubXen');
    const { machine, printed } = bootXen(bytes);
    machine.run({ maxInstructions: 60_000_000 });
    assert.match(printed(), /Welcome to GRUB!/);
    assert.match(printed(), /error: no such device: \/boot\/grub\/grub\.cfg\./);
    assert.match(printed(), /GNU GRUB {2}version 2\.06[^\r\n]*\r?\n[^]*grub> $/);
    machine.typeText('echo 6\n');
    machine.run({ maxInstructions: 30_000_000 });
    assert.match(printed(), /\n\r6\n\rgrub> $/);
    assert.deepEqual(machine.faults, []);
  });

  it('GRUB for PVH finds Xen by CPUID, fills its hypercall page, and comes to its prompt on the console ring', function () {
    const { bytes } = debianGuest(this, 'grubXenPvh');
    const { machine, printed } = bootXen(bytes, { entry: 'pvh' });
    machine.run({ maxInstructions: 40_000_000 });
    assert.match(printed(), /Welcome to GRUB!/);
    assert.match(printed(), /GNU GRUB {2}version 2\.06[^\r\n]*\r?\n[^]*grub> $/);
    assert.equal(machine.hypercalls.counts.get('hvm_op.get_param'), 4);
    assert.deepEqual(machine.faults, []);
  });
});
