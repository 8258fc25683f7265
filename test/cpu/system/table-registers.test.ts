import assert from 'node:assert/strict';
import { SEGMENT } from '../../../src/cpu/state.ts';
import { BareCpu, GDT, LDT, SELECTOR, TSS } from './bare-cpu.ts';

describe('descriptor table registers', () => {
  it('loads GDTR and IDTR; a 16-bit operand size leaves 24 bits of base', () => {
    const cpu = new BareCpu();
    cpu.run('lgdt', 0x27, 0x12345678);
    assert.deepEqual(cpu.state.gdtr, { base: 0x12345678, limit: 0x27 });
    cpu.instruction.operandSize = 16;
    cpu.run('lidt', 0x7ff, 0x12345678);
    assert.deepEqual(cpu.state.idtr, { base: 0x345678, limit: 0x7ff });
  });

  it('loads LDTR and TR, and marks the TSS busy', () => {
    const cpu = new BareCpu();
    cpu.run('lldt', SELECTOR.ldt);
    assert.deepEqual(cpu.state.segment(SEGMENT.ldtr), { selector: 0x58, base: LDT, limit: 0x0f, access: 0x8200 });
    cpu.run('ltr', SELECTOR.tss);
    assert.deepEqual(cpu.state.segment(SEGMENT.tr), { selector: 0x28, base: TSS, limit: 0x67, access: 0x8b00 });
    assert.equal(cpu.memory.read(GDT + 0x28 + 5, 8), 0x8b);
    cpu.refuses('ltr', [0x28], 13, 0x28, 'TR selector 0x28 is busy 32-bit TSS; TR needs an available TSS');
  });

  it('refuses with the codes of the SDM', () => {
    const cpu = new BareCpu();
    cpu.refuses('ltr', [0], 13, 0, 'TR selector 0x0 is null');
    cpu.refuses('ltr', [0x2c], 13, 0x2c, 'TR selector 0x2c is in the LDT; TR needs the GDT');
    cpu.refuses('lldt', [0x10], 13, 0x10, 'LDTR selector 0x10 is 32-bit data; LDTR needs an LDT');
    cpu.writeWords(GDT + 0x28, [0x67, 0x0900]);
    cpu.refuses('ltr', [0x28], 11, 0x28, 'TR selector 0x28 is not present');
  });
});
