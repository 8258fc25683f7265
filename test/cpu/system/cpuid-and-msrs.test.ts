import assert from 'node:assert/strict';
import type { CpuModelName } from '../../../src/x86/cpu-model.ts';
import { BareCpu } from './bare-cpu.ts';

/** Bits of leaf 1 EDX (SDM 2, table 3-11) that others bring as they land. */
const LATER = bits(0, 9);
const PENTIUM = bits(0, 1, 2, 3, 4, 5, 7, 8);
const PENTIUM_PRO = PENTIUM | bits(6, 9, 12, 13, 14, 15);
const DEFAULT = PENTIUM_PRO | bits(11, 16, 17, 19, 23, 24, 25, 26);

function bits(...numbers: readonly number[]): number {
  return numbers.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;
}

describe('CPUID, MSRs and the time stamp', () => {
  function cpuid(leaf: number, model: CpuModelName = 'default'): number[] {
    const cpu = new BareCpu(model);
    cpu.state.setRegister32(0, leaf);
    cpu.run('cpuid');
    return [0, 3, 1, 2].map((register) => cpu.state.register32(register));
  }
  function msr(cpu: BareCpu, name: 'rdmsr' | 'wrmsr', index: number, value = 0n): bigint {
    cpu.state.setRegister32(1, index);
    cpu.state.setRegister32(0, Number(value & 0xffffffffn));
    cpu.state.setRegister32(2, Number(value >> 32n));
    cpu.run(name);
    return (BigInt(cpu.state.register32(2)) << 32n) | BigInt(cpu.state.register32(0));
  }
  function text(words: readonly number[]): string {
    const bytes = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
    return bytes.toString('latin1').replace(/\0+$/, '');
  }

  for (const [model, signature, basic, features] of [
    ['pentium', 0x525, 1, PENTIUM],
    ['pentium-pro', 0x619, 2, PENTIUM_PRO],
    ['default', 0x6d8, 2, DEFAULT],
  ] as const) {
    it(`reports what "${model}" has`, () => {
      assert.deepEqual(cpuid(0, model), [basic, 0x756e6547, 0x6c65746e, 0x49656e69]);
      const [eax, , ecx, edx = 0] = cpuid(1, model);
      assert.deepEqual([eax, ecx], [signature, 0]);
      assert.equal(edx & ~features, 0, 'nothing that the CPU never had');
      assert.equal(features & ~edx & ~LATER, 0, 'everything the machine has');
    });
  }

  it('has extended leaves with NX, a name and 36 address bits', () => {
    assert.deepEqual(cpuid(0x80000000), [0x80000008, 0, 0, 0]);
    assert.deepEqual(cpuid(0x80000001), [0, 0, 0, bits(20)]);
    assert.deepEqual(cpuid(0x80000008), [0x2024, 0, 0, 0]);
    assert.deepEqual(cpuid(0x80000000, 'pentium-pro'), cpuid(2, 'pentium-pro'), 'which a Pentium Pro does not have');
    const brand = [0x80000002, 0x80000003, 0x80000004].flatMap((leaf) => cpuid(leaf));
    assert.equal(text(brand), 'Start of Day virtual CPU');
    assert.deepEqual(cpuid(0x40000000), cpuid(2), 'a leaf past the end answers as the highest basic one');
  });

  it('reads the time stamp through RDTSC and RDMSR', () => {
    const cpu = new BareCpu();
    cpu.run('rdtsc');
    assert.deepEqual([cpu.state.register32(2), cpu.state.register32(0)], [0x12345678, 0x9abcdef0]);
    cpu.state.setRegister32(0, 0);
    cpu.state.setRegister32(1, 0x10);
    cpu.run('rdmsr');
    assert.equal(cpu.state.register32(0), 0x9abcdef0);
    cpu.state.setControl(4, 4);
    cpu.enterLevel(3);
    cpu.refuses('rdtsc', [], 13, 0, 'RDTSC needs CPL 0 while CR4.TSD is 1; CPL is 3');
  });

  it('keeps a time stamp that was written, of which old CPUs take the low half (SDM 3, 17.17.3)', () => {
    for (const [model, value] of [
      ['default', 0x1122334455667788n],
      ['pentium-pro', 0x55667788n],
    ] as const) {
      const cpu = new BareCpu(model);
      msr(cpu, 'wrmsr', 0x10, 0x1122334455667788n);
      assert.equal(msr(cpu, 'rdmsr', 0x10), value);
    }
  });

  it('refuses MSRs that do not exist by name', () => {
    const cpu = new BareCpu('pentium-pro');
    cpu.state.setRegister32(1, 0x277);
    cpu.refuses('rdmsr', [], 13, 0, 'RDMSR: MSR 0x277 (IA32_PAT) does not exist on cpu "pentium-pro"');
    cpu.refuses('wrmsr', [], 13, 0, 'WRMSR: MSR 0x277 (IA32_PAT) does not exist on cpu "pentium-pro"');
  });

  it('has a machine-check architecture without banks (SDM 3, 15.3)', () => {
    const cpu = new BareCpu();
    assert.equal(msr(cpu, 'rdmsr', 0x179), 0n, 'IA32_MCG_CAP: count 0, no MCG_CTL');
    msr(cpu, 'wrmsr', 0x17a, 0n);
    assert.equal(msr(cpu, 'rdmsr', 0x17a), 0n);
    cpu.state.setRegister32(1, 0x17b);
    cpu.refuses('rdmsr', [], 13, 0, 'RDMSR: MSR 0x17b (IA32_MCG_CTL) does not exist on cpu "default"');
    cpu.state.setRegister32(1, 0x179);
    cpu.refuses('wrmsr', [], 13, 0, 'WRMSR: MSR 0x179 (IA32_MCG_CAP) is read-only');
    const pentium = new BareCpu('pentium');
    assert.equal(msr(pentium, 'rdmsr', 1), 0n, 'IA32_P5_MC_TYPE');
    pentium.state.setRegister32(1, 0x179);
    pentium.refuses('rdmsr', [], 13, 0, 'RDMSR: MSR 0x179 (IA32_MCG_CAP) does not exist on cpu "pentium"');
    pentium.run('write-control', 4, 0x40);
    assert.equal(pentium.state.control(4), 0x40, 'CR4.MCE');
  });

  it('checks what is written (SDM 4, table 2-2; SDM 3, 11.11 and 11.12.2)', () => {
    const cpu = new BareCpu();
    const refuses = (index: number, low: number, high: number, reason: string): void => {
      cpu.state.setRegister32(1, index);
      cpu.state.setRegister32(0, low);
      cpu.state.setRegister32(2, high);
      cpu.refuses('wrmsr', [], 13, 0, reason);
    };
    refuses(0xfe, 0, 0, 'WRMSR: MSR 0xfe (IA32_MTRRCAP) is read-only');
    refuses(0xc0000080, 0x100, 0, 'WRMSR: MSR 0xc0000080 (IA32_EFER) has reserved bits 0x100');
    refuses(0x277, 0x07040602, 0, 'WRMSR: MSR 0x277 (IA32_PAT) byte 0 is 0x2, which is no memory type');
    refuses(0x250, 0x06060607, 0, 'WRMSR: MSR 0x250 (IA32_MTRR_FIX64K_00000) byte 0 is 0x7, which is no memory type');
    assert.equal(msr(cpu, 'rdmsr', 0x277), 0x0007040600070406n, 'as after reset');
    msr(cpu, 'wrmsr', 0x277, 0x0007010600070106n);
    assert.equal(msr(cpu, 'rdmsr', 0x277), 0x0007010600070106n);
    assert.equal(msr(cpu, 'rdmsr', 0xfe), 0x508n, 'eight variable ranges, fixed ones, write-combining');
    msr(cpu, 'wrmsr', 0xc0000080, 0x800n);
    assert.equal(cpu.events.includes('flush'), true, 'EFER.NXE changes translations');
  });

  it('reads performance counters through RDPMC where CR4.PCE or the level allows', () => {
    const cpu = new BareCpu();
    msr(cpu, 'wrmsr', 0xc1, 0x123n);
    cpu.state.setRegister32(1, 0);
    cpu.run('rdpmc');
    assert.equal(cpu.state.register32(0), 0x123);
    cpu.state.setRegister32(1, 2);
    cpu.refuses('rdpmc', [], 13, 0, 'RDPMC: there is no counter 0x2');
    cpu.enterLevel(3);
    cpu.refuses('rdpmc', [], 13, 0, 'RDPMC needs CPL 0 while CR4.PCE is 0; CPL is 3');
  });
});
