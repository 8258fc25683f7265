import assert from 'node:assert/strict';
import { attachTo } from '../../../src/hypervisor/hypervisor.ts';
import { kvm } from '../../../src/hypervisor/kvm/kvm.ts';
import type { Machine } from '../../../src/machine/machine.ts';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { requireTool } from '../../support/tools.ts';
import { assemble, GUEST_BASE, machineWith, MACROS, type GuestOptions } from '../../machine/guest.ts';

const LIMIT = { maxInstructions: 100_000 };
const SHARED = 0x140000;

function underKvm(source: string, options: GuestOptions = {}): Machine {
  const machine = machineWith(assemble(source), options);
  machine.attachSupervisor(attachTo(kvm, { entry: 'native', information: undefined, guestMemory: 0x200000 }));
  return machine;
}

/** Words of memory that a guest has filled. */
const words = (machine: Machine, address: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => machine.memory.read32(address + 4 * n));

const cpuid = (leaf: number, at: number): string => `
  mov eax, ${leaf}
  xor ecx, ecx
  cpuid
  mov [${at}], eax
  mov [${at + 4}], ebx
  mov [${at + 8}], ecx
  mov [${at + 12}], edx`;

const writeMsr = (index: number, low: number): string => `
  mov ecx, ${index}
  mov eax, ${low}
  xor edx, edx
  wrmsr`;

describe('KVM', function () {
  before(function () {
    requireTool(this, 'nasm');
  });

  it('says who it is by CPUID (kvm_para.h)', () => {
    const machine = underKvm(
      `${cpuid(1, SHARED)}${cpuid(0x40000000, SHARED + 16)}${cpuid(0x40000001, SHARED + 32)}\nhlt`,
    );
    machine.run(LIMIT);
    assert.equal((machine.memory.read32(SHARED + 8) & 0x80000000) >>> 0, 0x80000000, 'hypervisor bit');
    assert.deepEqual(words(machine, SHARED + 16, 4), [0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d]);
    // CLOCKSOURCE, NOP_IO_DELAY, CLOCKSOURCE2, STEAL_TIME, CLOCKSOURCE_STABLE_BIT.
    assert.deepEqual(words(machine, SHARED + 32, 4), [0x0100002b, 0, 0, 0]);
  });

  it('bare hardware has neither the bit nor the leaf', () => {
    const machine = machineWith(assemble(`${cpuid(1, SHARED)}${cpuid(0x40000000, SHARED + 16)}\nhlt`));
    machine.run(LIMIT);
    assert.equal(machine.memory.read32(SHARED + 8) & 0x80000000, 0);
    assert.notEqual(machine.memory.read32(SHARED + 20), 0x4b4d564b);
  });

  for (const [name, index] of [
    ['the old', 0x12],
    ['the new', 0x4b564d01],
  ] as const)
    it(`writes the clock through ${name} SYSTEM_TIME, from which a guest computes nanoseconds`, () => {
      const machine = underKvm(`nop\nnop\n${writeMsr(index, SHARED | 1)}\nhlt`);
      machine.run(LIMIT);
      const view = new DataView(machine.memory.read(SHARED, 32).buffer);
      assert.equal(view.getUint32(0, true) % 2, 0, 'version is even');
      assert.equal(view.getUint8(29), 1, 'PVCLOCK_TSC_STABLE_BIT');
      const stamp = view.getBigUint64(8, true);
      const base = view.getBigUint64(16, true);
      // pvclock_scale_delta (Linux arch/x86/include/asm/pvclock.h).
      const nanoseconds = (tsc: bigint): bigint =>
        base + ((((tsc - stamp) << BigInt(view.getInt8(28))) * BigInt(view.getUint32(24, true))) >> 32n);
      assert.equal(stamp, 5n, 'written by the sixth instruction');
      assert.equal(nanoseconds(5n), 50n);
      assert.equal(nanoseconds(100_000_005n), 1_000_000_050n);
    });

  it('tells the time of day of power-on through WALL_CLOCK', () => {
    const machine = underKvm(`${writeMsr(0x4b564d00, SHARED)}\nhlt`);
    machine.run(LIMIT);
    assert.deepEqual(words(machine, SHARED, 3), [2, Date.UTC(2006, 9, 28) / 1000, 0]);
  });

  it('has a steal time area in which nothing is stolen, and #GP for its reserved bits', () => {
    const machine = underKvm(`mov dword [${SHARED}], -1\n${writeMsr(0x4b564d03, SHARED | 1)}
      rdmsr\nmov [${SHARED + 64}], eax\nhlt`);
    machine.run(LIMIT);
    assert.deepEqual(words(machine, SHARED, 17), [...Array.from({ length: 16 }, () => 0), SHARED | 1]);

    const refused = underKvm(
      `${MACROS}\nstart:\nsetup\ngate 13, fault\n${writeMsr(0x4b564d03, SHARED | 3)}\nfault:\nhlt`,
    );
    refused.run(LIMIT);
    assert.deepEqual(
      refused.faults.map(({ vector, reason }) => [vector, reason]),
      [[13, 'WRMSR: MSR_KVM_STEAL_TIME has reserved bits 0x2']],
    );
  });

  it('lists a clock page that lies where no memory is', () => {
    const machine = underKvm(`${writeMsr(0x4b564d01, 0x7ffff001)}\nhlt`);
    machine.run(LIMIT);
    assert.deepEqual(
      machine.unclaimed.map(({ description }) => description),
      ['KVM: the guest wants its clock at phys:0x7ffff000, where no memory is'],
    );
  });

  it('answers hypercalls, and writes VMCALL over VMMCALL', () => {
    const machine = underKvm(
      `mov eax, 1\nvmcall\nmov esi, eax\nmov eax, 5\nmov ebx, 2\nmov ecx, 3\nagain:\nvmmcall\nhlt`,
    );
    machine.run(LIMIT);
    const { state } = machine.cpu;
    assert.equal(state.register32(6), 0);
    assert.equal(state.register32(0) | 0, -1000, '-KVM_ENOSYS: one CPU has nobody to kick');
    assert.deepEqual(
      [...machine.hypercalls.counts],
      [
        ['VAPIC_POLL_IRQ', 1],
        ['KICK_CPU', 1],
      ],
    );
    assert.deepEqual(machine.hypercalls.records[1]?.arguments, [
      { name: 'flags', value: 2n },
      { name: 'apic_id', value: 3n },
    ]);
    const at = machine.hypercalls.records[1].caller;
    assert.deepEqual([...machine.memory.read(at, 3)], [0x0f, 0x01, 0xc1]);
    assert.ok(at > GUEST_BASE);
  });

  it('refuses hypercalls above CPL 0 with -KVM_EPERM', () => {
    const machine = underKvm('mov eax, 1\nvmcall\nhlt');
    const { state } = machine.cpu;
    for (const index of [SEGMENT.cs, SEGMENT.ss]) {
      const segment = state.segment(index);
      state.setSegment(index, { ...segment, selector: segment.selector | 3, access: segment.access | (3 << 13) });
    }
    state.cpl = 3;
    machine.cpu.stateChanged();
    machine.run({ maxInstructions: 2 });
    assert.equal(state.register32(0) | 0, -1);
  });
});
