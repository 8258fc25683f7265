import assert from 'node:assert/strict';
import { describeField } from '../../src/x86/bit-field.ts';
import { CR0_FIELDS, CR4_FIELDS, describeCr0, describeCr3, describeCr4 } from '../../src/x86/control-registers.ts';
import { cpuMode } from '../../src/x86/cpu-mode.ts';
import { describeEflags, EFLAGS, EFLAGS_FIELDS, ioPrivilegeLevel } from '../../src/x86/eflags.ts';
import { describeMsr } from '../../src/x86/model-specific-registers.ts';

function row(fields: typeof EFLAGS_FIELDS, name: string, value: number): string {
  const field = fields.find((candidate) => candidate.name === name);
  assert.ok(field !== undefined, name);
  return describeField(field, value);
}

describe('EFLAGS', () => {
  it('describes the value as the register views print it', () => {
    assert.equal(describeEflags(0x00000046), 'ZF PF · IF=0 DF=0 IOPL=0');
    assert.equal(describeEflags(0x00000002), 'IF=0 DF=0 IOPL=0');
    assert.equal(describeEflags(0x00203602), 'ID · IF=1 DF=1 IOPL=3');
  });

  it('lists the fields from high to low at the bits of SDM 1, figure 3-8', () => {
    assert.equal(
      EFLAGS_FIELDS.map((field) => field.name).join(' '),
      'ID VIP VIF AC VM RF NT IOPL OF DF IF TF SF ZF AF PF CF',
    );
    assert.equal(row(EFLAGS_FIELDS, 'IF', 0x46), '0 · bit 9, interrupts off');
    assert.equal(row(EFLAGS_FIELDS, 'IF', 0x246), '1 · bit 9, interrupts on');
    assert.equal(row(EFLAGS_FIELDS, 'CF', 0x46), '0 · bit 0, carry');
    assert.equal(row(EFLAGS_FIELDS, 'ZF', 0x46), '1 · bit 6, zero');
    assert.equal(row(EFLAGS_FIELDS, 'IOPL', 0x3046), '3 · bits 12-13');
    assert.equal(ioPrivilegeLevel(0x3002), 3);
    assert.equal(EFLAGS.VM, 0x20000);
  });
});

describe('control registers', () => {
  it('describes CR0, CR3 and CR4', () => {
    assert.equal(describeCr0(0x00000011), 'PE ET · paging off, WP=0');
    assert.equal(describeCr0(0x80010011), 'PE ET WP PG · paging on, WP=1');
    assert.equal(describeCr3(0x11, 0), '· unused while PG=0');
    assert.equal(describeCr3(0x80000011, 0), '→ page directory');
    assert.equal(describeCr3(0x80000011, 0x20), '→ page directory pointers');
    assert.equal(describeCr4(0x90), 'PSE PGE');
  });

  it('lists the fields of CR0 from high to low', () => {
    assert.equal(CR0_FIELDS.map((field) => field.name).join(' '), 'PG CD NW AM WP NE ET TS EM MP PE');
    assert.equal(row(CR0_FIELDS, 'PG', 0x11), '0 · bit 31, paging off');
    assert.equal(row(CR4_FIELDS, 'PSE', 0x10), '1 · bit 4, 4 KiB and 4 MiB pages');
  });
});

describe('modes and MSRs', () => {
  it('tells the mode from CR0.PE, EFLAGS.VM and CS.D', () => {
    assert.equal(cpuMode(0x10, 2, 0x00c09a00), 'real');
    assert.equal(cpuMode(0x11, 2, 0x00c09a00), 'protected-32');
    assert.equal(cpuMode(0x11, 2, 0x00009a00), 'protected-16');
    assert.equal(cpuMode(0x11, 0x20002, 0x00009a00), 'virtual-8086');
  });

  it('names the MSRs it knows', () => {
    assert.equal(describeMsr(0x1b), 'MSR 0x1b (IA32_APIC_BASE)');
    assert.equal(describeMsr(0x123), 'MSR 0x123');
  });
});
