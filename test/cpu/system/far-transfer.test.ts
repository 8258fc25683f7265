import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { BareCpu, GDT, SELECTOR, STACK, STACK0, TSS } from './bare-cpu.ts';

describe('far JMP and CALL (SDM 2)', () => {
  it('jumps to code of the same level', () => {
    const cpu = new BareCpu();
    cpu.run('far-jump', SELECTOR.code16, 0x6000);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.state.segment(SEGMENT.cs).access, 0x00009b00);
    assert.deepEqual(cpu.events, ['context']);
  });

  it('pushes CS and the return address, 32 or 16 bits wide', () => {
    const cpu = new BareCpu();
    cpu.run('far-call', SELECTOR.code0, 0x12346000);
    assert.equal(cpu.state.ip, 0x12346000);
    assert.deepEqual(cpu.stack(STACK - 8, 2), [0x5002, SELECTOR.code0]);
    cpu.instruction.operandSize = 16;
    cpu.run('far-call', SELECTOR.code0, 0x12346000);
    assert.equal(cpu.esp, STACK - 12);
    assert.equal(cpu.state.ip, 0x6000);
    assert.deepEqual(cpu.stack(STACK - 12, 2, 16), [0x5002, SELECTOR.code0]);
  });

  it('keeps CPL in conforming code', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.run('far-jump', SELECTOR.conforming, 0x6000);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.selector(SEGMENT.cs), 0x3b);
  });

  it('refuses with the codes of the SDM', () => {
    const cpu = new BareCpu();
    cpu.refuses('far-jump', [0, 0x6000], 13, 0, 'CS selector 0x0 is null');
    cpu.refuses('far-jump', [0x80, 0], 13, 0x80, 'CS selector 0x80: index 16 is past the GDT limit 0x7f');
    cpu.refuses(
      'far-jump',
      [0x10, 0],
      13,
      0x10,
      'CS selector 0x10 is 32-bit data; a far transfer needs code or a call gate',
    );
    cpu.refuses('far-jump', [0x09, 0], 13, 0x08, 'CS selector 0x9 has RPL 1, less privileged than CPL 0');
    cpu.refuses('far-jump', [0x18, 0], 13, 0x18, 'CS selector 0x18 has DPL 3; without a gate it must equal CPL 0');
    cpu.refuses('far-jump', [0x60, 0], 11, 0x60, 'CS selector 0x60 is not present');
    cpu.refuses('far-jump', [0x78, 0x1000], 13, 0, 'CS selector 0x78: offset 0x1000 is past the segment limit 0xfff');
    cpu.state.gdtr = { base: 0, limit: 0 };
    cpu.refuses('far-jump', [0x08, 0], 13, 0x08, 'CS selector 0x8: index 1 is past the GDT limit 0x00');
  });

  it('refuses a call without room for its return address: #SS(0)', () => {
    const cpu = new BareCpu();
    cpu.state.setSegment(SEGMENT.ss, { selector: 0x10, base: 0, limit: 0x7ffb, access: 0x00409300 });
    cpu.refuses(
      'far-call',
      [SELECTOR.code0, 0x6000],
      12,
      0,
      'stack bytes 0x7ffc to 0x7fff are outside SS 0x10, which has 0x0 to 0x7ffb',
    );
  });

  describe('through a call gate', () => {
    it('enters code of the same level at the offset of the gate', () => {
      const cpu = new BareCpu();
      cpu.run('far-call', SELECTOR.callGate, 0xdead);
      assert.equal(cpu.state.ip, 0x6000);
      assert.deepEqual(cpu.stack(STACK - 8, 2), [0x5002, SELECTOR.code0]);
    });

    it('switches stacks and copies the parameters in their order', () => {
      const cpu = new BareCpu();
      cpu.enterLevel(3);
      cpu.loadTask();
      cpu.writeWords(GDT + 0x40, [0x00086000, 0x0000ec02]);
      cpu.writeWords(STACK, [0x11111111, 0x22222222]);
      cpu.events.length = 0;
      cpu.run('far-call', SELECTOR.callGate, 0);
      assert.equal(cpu.esp, STACK0 - 24);
      assert.deepEqual(cpu.stack(STACK0 - 24, 6), [
        0x5002,
        SELECTOR.code3,
        0x11111111,
        0x22222222,
        STACK,
        SELECTOR.data3,
      ]);
      assert.equal(cpu.state.cpl, 0);
      assert.equal(cpu.selector(SEGMENT.cs), SELECTOR.code0);
      assert.equal(cpu.selector(SEGMENT.ss), SELECTOR.data0);
      assert.deepEqual(cpu.events, ['flush', 'context']);

      cpu.run('far-return', 8);
      assert.equal(cpu.esp, STACK + 8, 'RET 8 drops the parameters from both stacks');
      assert.equal(cpu.state.cpl, 3);
      assert.equal(cpu.state.ip, 0x5002);
      assert.equal(cpu.selector(SEGMENT.ss), SELECTOR.data3);
    });

    it('refuses with the selector of the gate, then with that of the code', () => {
      const cpu = new BareCpu();
      cpu.enterLevel(3);
      cpu.loadTask();
      const gate = (low: number, high: number): void => cpu.writeWords(GDT + 0x40, [low, high]);
      gate(0x00086000, 0x00008c00);
      cpu.refuses(
        'far-call',
        [0x43, 0],
        13,
        0x40,
        'CS selector 0x43 is a call gate with DPL 0, more privileged than CPL 3',
      );
      gate(0x00086000, 0x00006c00);
      cpu.refuses('far-call', [0x43, 0], 11, 0x40, 'CS selector 0x43 is a call gate that is not present');
      gate(0x00006000, 0x0000ec00);
      cpu.refuses('far-call', [0x43, 0], 13, 0, 'call gate: CS selector 0x0 is null');
      gate(0x00606000, 0x0000ec00);
      cpu.refuses('far-call', [0x43, 0], 11, 0x60, 'call gate: CS selector 0x60 is not present');
      gate(0x00086000, 0x0000ec00);
      cpu.refuses('far-jump', [0x43, 0], 13, 0x08, 'call gate: CS selector 0x8 has DPL 0; a jump cannot change CPL 3');
      cpu.writeWords(TSS + 8, [SELECTOR.absentData]);
      cpu.refuses('far-call', [0x43, 0], 12, 0x30, 'TSS SS0 selector 0x30 is not present');
    });
  });
});
