import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import type { LoadPlan } from '../../src/boot/protocol.ts';
import { SEGMENT } from '../../src/cpu/state.ts';
import { Inspection } from '../../src/debugger/inspection.ts';
import { MachineTarget } from '../../src/debugger/machine-target.ts';
import { Symbols } from '../../src/debugger/symbols.ts';
import { segmentRow } from '../../src/debugger/variables/segments-scope.ts';
import { assemble, machineWith } from '../machine/guest.ts';
import { requireTool } from '../support/tools.ts';

describe('a segment register in each mode', () => {
  before(function () {
    requireTool(this, 'nasm');
  });

  /** What the rows of CS and TR say while CR0 and EFLAGS are these. */
  function texts(cr0: number, eflags: number): { cs: string; parts: string[]; tr: string } {
    const machine = machineWith(assemble('hlt'));
    const { state } = machine.cpu;
    state.setSegment(SEGMENT.cs, { selector: 0x1234, base: 0x12340, limit: 0xffff, access: 0xf300 });
    state.setSegment(SEGMENT.tr, { selector: 0x28, base: 0x3000, limit: 0x67, access: 0x8b00 });
    state.setControl(0, cr0);
    state.eflags = eflags;
    const target = new MachineTarget(machine);
    const inspection = new Inspection({ target, symbols: new Symbols([], 0), plan: {} as LoadPlan, poison: false });
    const cs = segmentRow(inspection, 'cs');
    return {
      cs: cs.value,
      parts: cs.children?.().map(({ name, value }) => (name === 'selector' ? value : name)) ?? [],
      tr: segmentRow(inspection, 'tr').value,
    };
  }

  it('is a paragraph in real mode', () => {
    const { cs, parts } = texts(0x10, 2);
    assert.equal(cs, '0x1234 · real mode, base 0x00012340, 64 KiB · cached');
    assert.deepEqual(parts, ['0x1234 · paragraph 0x00012340', 'cached']);
  });

  it('is a paragraph in virtual-8086 mode, but for TR', () => {
    const { cs, parts, tr } = texts(0x11, 0x20202);
    assert.equal(cs, '0x1234 · virtual-8086 mode, base 0x00012340, 64 KiB · cached');
    assert.deepEqual(parts, ['0x1234 · paragraph 0x00012340', 'cached']);
    assert.match(tr, /^0x0028 · .*32-bit TSS/);
  });

  it('names a descriptor in protected mode', () => {
    assert.match(texts(0x11, 2).cs, /^0x1234 · 16-bit data, base 0x00012340, 64 KiB, DPL 3/);
  });
});
