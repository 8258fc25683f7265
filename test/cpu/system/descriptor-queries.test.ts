import assert from 'node:assert/strict';
import { BareCpu, SELECTOR } from './bare-cpu.ts';

describe('LAR, LSL, VERR, VERW (SDM 2)', () => {
  const EAX = 0;
  function ask(cpu: BareCpu, name: string, ...args: number[]): number | undefined {
    cpu.state.setRegister32(EAX, 0xffffffff);
    cpu.run(name, ...args);
    return (cpu.state.eflags & 0x40) !== 0 ? cpu.state.register32(EAX) : undefined;
  }

  it('answer with rights and limit', () => {
    const cpu = new BareCpu();
    assert.equal(ask(cpu, 'lar', EAX, 32, SELECTOR.code0), 0x00c09a00);
    assert.equal(ask(cpu, 'lar', EAX, 16, SELECTOR.code0), 0xffff9a00);
    assert.equal(ask(cpu, 'lar', EAX, 32, SELECTOR.callGate), 0x0000ec00);
    assert.equal(ask(cpu, 'lsl', EAX, 32, SELECTOR.code0), 0xffffffff);
    assert.equal(ask(cpu, 'lsl', EAX, 32, SELECTOR.tss), 0x67);
  });

  it('clear ZF where the program may not look, and change nothing else', () => {
    const cpu = new BareCpu();
    assert.equal(ask(cpu, 'lsl', EAX, 32, SELECTOR.callGate), undefined, 'a gate has no limit');
    assert.equal(ask(cpu, 'lar', EAX, 32, 0), undefined);
    assert.equal(ask(cpu, 'lar', EAX, 32, 0x80), undefined);
    assert.equal(cpu.state.register32(EAX), 0xffffffff);
    assert.equal(ask(cpu, 'lar', EAX, 32, SELECTOR.code0 | 3), undefined, 'RPL counts');
    cpu.enterLevel(3);
    assert.equal(ask(cpu, 'lar', EAX, 32, SELECTOR.data0), undefined);
    assert.equal(ask(cpu, 'lar', EAX, 32, SELECTOR.conforming), 0x00cf9e00 & 0x00f0ff00);
  });

  it('tell readable from writable', () => {
    const cpu = new BareCpu();
    const may = (name: string, selector: number): boolean => ask(cpu, name, selector) !== undefined;
    assert.equal(may('verr', SELECTOR.code0), true);
    assert.equal(may('verw', SELECTOR.code0), false);
    assert.equal(may('verr', SELECTOR.executeOnly), false);
    assert.equal(may('verw', SELECTOR.data0), true);
    assert.equal(may('verw', SELECTOR.readOnly), false);
    assert.equal(may('verr', SELECTOR.tss), false);
  });
});
