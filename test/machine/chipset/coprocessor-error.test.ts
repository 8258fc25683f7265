import assert from 'node:assert/strict';
import type { EngineName } from '../../../src/cpu/cpu.ts';
import { CoprocessorError } from '../../../src/machine/chipset/coprocessor-error.ts';
import { requireTool } from '../../support/tools.ts';
import { assemble, machineWith, MACROS } from '../guest.ts';
import { output, TestLine, throughJson } from '../support.ts';

describe('coprocessor error logic (SDM 1, D.2.1.2)', () => {
  it('raises its line once, and ignores the error after a write to port 0xf0 until it is gone', () => {
    const line = new TestLine();
    const logic = new CoprocessorError(line);
    assert.equal(logic.numericError(true), false);
    assert.equal(logic.numericError(true), false);
    assert.deepEqual([line.high, line.edges], [true, 1]);
    output(logic, [0xf0, 0]);
    assert.equal(line.high, false);
    assert.equal(logic.numericError(true), true);
    assert.equal(logic.numericError(false), false);
    assert.equal(logic.numericError(true), false);
    assert.equal(line.edges, 2);
  });

  it('keeps its state', () => {
    const [logic, other] = [new CoprocessorError(new TestLine()), new CoprocessorError(new TestLine())];
    logic.numericError(true);
    output(logic, [0xf0, 0]);
    other.restore(throughJson(logic.save()));
    assert.equal(other.numericError(true), true);
  });

  it('ignores nothing where a write finds no error', () => {
    const logic = new CoprocessorError(new TestLine());
    output(logic, [0xf0, 0]);
    assert.equal(logic.numericError(true), false);
  });
});

for (const engine of ['interpreter', 'reference'] satisfies EngineName[])
  describe(`a guest that takes x87 errors by IRQ 13 (${engine})`, () => {
    it('gets the interrupt before the next waiting instruction, clears it, and goes on', function () {
      requireTool(this, 'nasm');
      const machine = machineWith(
        assemble(`${MACROS}
start:
  setup
  gate 0x2d, handler
  remap 0xfb, 0xdf
  xor ecx, ecx
  fninit
  mov word [0x120000], 0x37b
  fldcw [0x120000]
  sti
  fld1
  fldz
  fdivp
  mov ebx, ecx
waiting:
  fwait
  lea eax, [ecx * 4 + ebx]
  out 0xf4, al
  hlt
handler:
  inc ecx
  mov eax, [esp]
  mov [0x120010], eax
  out 0xf0, al
  fstp dword [0x120004]
  fnstsw [0x120008]
  fnclex
  outb 0xa0, 0x20
  outb 0x20, 0x20
  iret
`),
        { engine },
      );
      const stop = machine.run({ maxInstructions: 10_000 });
      // One interrupt (4 in AL), none before WAIT; the exit code of the debug port is 2 AL + 1.
      assert.equal(stop.exitCode, 9);
      // IGNNE# let FSTP store ST(0), the 0, in spite of the pending division by zero.
      assert.equal(machine.memory.read32(0x120004), 0);
      assert.equal(machine.memory.read32(0x120008) & 0x84, 0x84);
    });
  });
