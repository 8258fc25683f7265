import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { BareCpu, GDT, SELECTOR, STACK } from './bare-cpu.ts';

describe('far RET (SDM 2)', () => {
  it('returns to the same level and drops parameters', () => {
    const cpu = new BareCpu();
    cpu.writeWords(STACK, [0x6000, SELECTOR.code0]);
    cpu.run('far-return', 12);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.esp, STACK + 20);
  });

  it('returns to CPL 3 and clears the segments it may not keep', () => {
    const cpu = new BareCpu();
    cpu.writeWords(STACK, [0x6000, SELECTOR.code3, 0x7000, SELECTOR.data3]);
    cpu.run('load-segment', SEGMENT.fs, SELECTOR.data3);
    cpu.run('load-segment', SEGMENT.gs, SELECTOR.conforming);
    cpu.run('load-segment', SEGMENT.es, 3);
    cpu.run('far-return', 0);
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.esp, 0x7000);
    assert.equal(cpu.selector(SEGMENT.cs), SELECTOR.code3);
    assert.equal(cpu.selector(SEGMENT.ss), SELECTOR.data3);
    assert.deepEqual(cpu.state.segment(SEGMENT.ds), { selector: 0, base: 0, limit: 0, access: 0 });
    assert.equal(cpu.selector(SEGMENT.fs), SELECTOR.data3);
    assert.equal(cpu.selector(SEGMENT.gs), SELECTOR.conforming);
    assert.equal(cpu.selector(SEGMENT.es), 3, 'a null selector points at nothing to refuse');
    assert.deepEqual(cpu.events, ['flush', 'context']);
  });

  it('refuses with the codes of the SDM', () => {
    const cpu = new BareCpu();
    const frame = (...words: number[]): void => cpu.writeWords(STACK, words);
    frame(0x6000, 0);
    cpu.refuses('far-return', [0], 13, 0, 'return CS selector 0x0 is null');
    frame(0x6000, 0x10);
    cpu.refuses('far-return', [0], 13, 0x10, 'return CS selector 0x10 is 32-bit data; CS needs code');
    frame(0x6000, 0x0b);
    cpu.refuses('far-return', [0], 13, 0x08, 'return CS selector 0xb has DPL 0; it must equal RPL 3');
    frame(0x6000, 0x60);
    cpu.refuses('far-return', [0], 11, 0x60, 'return CS selector 0x60 is not present');
    frame(0x1000, 0x78);
    cpu.refuses('far-return', [0], 13, 0, 'return CS selector 0x78: offset 0x1000 is past the segment limit 0xfff');
    frame(0x6000, SELECTOR.code3, 0x7000, 0);
    cpu.refuses('far-return', [0], 13, 0, 'return SS selector 0x0 is null; a stack needs a segment');
    frame(0x6000, SELECTOR.code3, 0x7000, 0x10);
    cpu.refuses('far-return', [0], 13, 0x10, 'return SS selector 0x10 has RPL 0; a stack for CPL 3 needs RPL 3');
    cpu.enterLevel(3);
    frame(0x6000, 0x08);
    cpu.refuses('far-return', [0], 13, 0x08, 'return CS selector 0x8 has RPL 0, more privileged than CPL 3');
    cpu.state.setSegment(SEGMENT.ss, { selector: 0x23, base: 0, limit: STACK + 3, access: 0x0040f300 });
    cpu.refuses('far-return', [0], 12, 0, 'stack bytes 0x8004 to 0x8007 are outside SS 0x23, which has 0x0 to 0x8003');
  });
});

describe('IRET (SDM 2)', () => {
  it('returns to the same level with every flag CPL 0 may load', () => {
    const cpu = new BareCpu();
    cpu.writeWords(STACK, [0x6000, SELECTOR.code0, 0x00247ed7]);
    cpu.run('interrupt-return');
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.esp, STACK + 12);
    assert.equal(cpu.state.eflags, 0x00247ed7);
  });

  it('returns to CPL 3', () => {
    const cpu = new BareCpu();
    cpu.writeWords(STACK, [0x6000, SELECTOR.code3, 0x3246, 0x7000, SELECTOR.data3]);
    cpu.run('interrupt-return');
    assert.equal(cpu.state.cpl, 3);
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.esp, 0x7000);
    assert.equal(cpu.state.eflags, 0x3246, 'IOPL and IF are loaded by the level that returned');
    assert.equal(cpu.selector(SEGMENT.ds), 0);
  });

  it('cannot change IF and IOPL at CPL 3 with IOPL 0', () => {
    const cpu = new BareCpu();
    cpu.enterLevel(3);
    cpu.writeWords(STACK, [0x6000, SELECTOR.code3, 0x3002]);
    cpu.run('interrupt-return');
    assert.equal(cpu.state.eflags, 0x202);
  });

  it('pops words and leaves the upper flags with a 16-bit operand size', () => {
    const cpu = new BareCpu();
    cpu.instruction.operandSize = 16;
    cpu.state.eflags = 0x00200202;
    cpu.writeWords(STACK, [(SELECTOR.code0 << 16) | 0x6000, 0x0047]);
    cpu.run('interrupt-return');
    assert.equal(cpu.state.ip, 0x6000);
    assert.equal(cpu.esp, STACK + 6);
    assert.equal(cpu.state.eflags, 0x00200047);
  });

  it('leaves the upper half of ESP when it returns to a 16-bit stack', () => {
    const cpu = new BareCpu();
    cpu.writeWords(GDT + SELECTOR.stack16, [0x0000ffff, 0x0000f200]);
    cpu.writeWords(STACK, [0x6000, SELECTOR.code3, 0x202, 0xabcd7000, SELECTOR.stack16 | 3]);
    cpu.run('interrupt-return');
    assert.equal(cpu.esp, 0x7000);
  });

  it('raises what the frame deserves, with nothing popped', () => {
    const cpu = new BareCpu();
    cpu.writeWords(STACK, [0x6000, 0x80, 2]);
    cpu.refuses('interrupt-return', [], 13, 0x80, 'return CS selector 0x80: index 16 is past the GDT limit 0x7f');
    cpu.writeWords(STACK, [0x6000, SELECTOR.code3, 2, 0x7000, SELECTOR.absentData | 3]);
    cpu.writeWords(GDT + SELECTOR.absentData, [0xffff, 0x00cf7200]);
    cpu.refuses('interrupt-return', [], 12, 0x30, 'return SS selector 0x33 is not present');
  });
});
