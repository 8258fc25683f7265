import assert from 'node:assert/strict';
import { BareCpu } from './bare-cpu.ts';

describe('CPUID, MSRs and the time stamp', () => {
  function cpuid(leaf: number): number[] {
    const cpu = new BareCpu();
    cpu.state.setRegister32(0, leaf);
    cpu.run('cpuid');
    return [0, 3, 1, 2].map((register) => cpu.state.register32(register));
  }
  function text(words: readonly number[]): string {
    const bytes = Buffer.alloc(words.length * 4);
    words.forEach((word, index) => bytes.writeUInt32LE(word, index * 4));
    return bytes.toString('latin1').replace(/\0+$/, '');
  }

  it('is a GenuineIntel of family 6 with only what exists', () => {
    assert.deepEqual(cpuid(0), [2, 0x756e6547, 0x6c65746e, 0x49656e69]);
    assert.deepEqual(cpuid(1), [0x619, 0, 0, 0x00008138]);
    assert.deepEqual(cpuid(0x80000000), [0x80000004, 0, 0, 0]);
    const brand = [0x80000002, 0x80000003, 0x80000004].flatMap(cpuid);
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

  it('refuses MSRs that do not exist by name', () => {
    const cpu = new BareCpu();
    cpu.state.setRegister32(1, 0x1b);
    cpu.refuses('rdmsr', [], 13, 0, 'RDMSR: MSR 0x1b (IA32_APIC_BASE) does not exist on this CPU');
    cpu.refuses('wrmsr', [], 13, 0, 'WRMSR: MSR 0x1b (IA32_APIC_BASE) does not exist on this CPU');
    cpu.state.setRegister32(1, 0x10);
    assert.throws(() => cpu.run('wrmsr'), { what: 'WRMSR to MSR 0x10 (IA32_TIME_STAMP_COUNTER)' });
  });
});
