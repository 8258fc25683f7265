import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { BareCpu } from './bare-cpu.ts';

function withTarget(selector: number): BareCpu {
  const cpu = new BareCpu();
  cpu.state.setModelSpecific(0x174, BigInt(selector));
  cpu.state.setModelSpecific(0x175, 0xc0001000n);
  cpu.state.setModelSpecific(0x176, 0xc0100000n);
  return cpu;
}

describe('SYSENTER and SYSEXIT (SDM 2)', () => {
  it('enters CPL 0 in flat segments made up from IA32_SYSENTER_CS, with IF and VM clear', () => {
    const cpu = withTarget(0x63);
    cpu.enterLevel(3);
    cpu.state.eflags = 0x20202;
    cpu.run('sysenter');
    const { state } = cpu;
    assert.deepEqual([state.ip, cpu.esp, state.cpl, state.eflags], [0xc0100000, 0xc0001000, 0, 2]);
    const flat = { base: 0, limit: 0xffffffff };
    assert.deepEqual(state.segment(SEGMENT.cs), { ...flat, selector: 0x60, access: 0x00c09b00 });
    assert.deepEqual(state.segment(SEGMENT.ss), { ...flat, selector: 0x68, access: 0x00c09300 });
  });

  it('leaves for CPL 3 at EDX with the stack at ECX', () => {
    const cpu = withTarget(0x60);
    cpu.state.setRegister32(1, 0xbfff0000);
    cpu.state.setRegister32(2, 0x08048000);
    cpu.run('sysexit');
    const { state } = cpu;
    assert.deepEqual([state.ip, cpu.esp, state.cpl, state.eflags], [0x08048000, 0xbfff0000, 3, 0x202]);
    const flat = { base: 0, limit: 0xffffffff };
    assert.deepEqual(state.segment(SEGMENT.cs), { ...flat, selector: 0x73, access: 0x00c0fb00 });
    assert.deepEqual(state.segment(SEGMENT.ss), { ...flat, selector: 0x7b, access: 0x00c0f300 });
  });

  it('raises #GP(0) for a null selector, in real mode, and SYSEXIT above CPL 0', () => {
    const cpu = withTarget(3);
    cpu.refuses('sysenter', [], 13, 0, 'SYSENTER: IA32_SYSENTER_CS is null');
    cpu.refuses('sysexit', [], 13, 0, 'SYSEXIT: IA32_SYSENTER_CS is null');
    cpu.state.setControl(0, 0x10);
    cpu.refuses('sysenter', [], 13, 0, 'SYSENTER needs protected mode');
    const user = withTarget(0x60);
    user.enterLevel(3);
    user.refuses('sysexit', [], 13, 0, 'SYSEXIT needs CPL 0; CPL is 3');
  });
});
