import assert from 'node:assert/strict';
import type { LoadPlan } from '../../src/boot/protocol.ts';
import { writeXmm } from '../../src/cpu/simd-state.ts';
import type { CpuState } from '../../src/cpu/state.ts';
import { Disassembler } from '../../src/debugger/disassembler.ts';
import { explainAt } from '../../src/debugger/explanation-text.ts';
import { Inspection } from '../../src/debugger/inspection.ts';
import { MachineTarget } from '../../src/debugger/machine-target.ts';
import { Symbols } from '../../src/debugger/symbols.ts';
import { assemble, GUEST_BASE, machineWith } from '../machine/guest.ts';
import { requireTool } from '../support/tools.ts';

describe('The text of an explanation', () => {
  before(function () {
    requireTool(this, 'nasm');
  });

  /** What `explain` prints of one instruction, without its checks. */
  function effects(source: string, prepare: (state: CpuState) => void): string[] {
    const machine = machineWith(assemble(source));
    const { state } = machine.cpu;
    state.setControl(4, 0x200);
    prepare(state);
    const target = new MachineTarget(machine);
    const inspection = new Inspection({ target, symbols: new Symbols([], 0), plan: {} as LoadPlan, poison: false });
    const code = {
      read: (address: bigint, count: number) => inspection.read(address, count),
      functionStart: () => undefined,
      context: { bits: 32 as const, base: 0n, nameOf: () => undefined },
    };
    const parts = { target, inspection, disassembler: new Disassembler('intel'), code };
    const lines = explainAt(parts, BigInt(GUEST_BASE)).split('\n').slice(1, -1);
    return lines.filter((line) => !/^[✓✗]/.test(line));
  }

  it('has x87 registers in decimal and with all their bits', () => {
    const lines = effects('fmulp st1, st0', ({ x87 }) => {
      x87.initialise();
      x87.push({ signExponent: 0xbffe, significand: 1n << 63n });
      x87.push({ signExponent: 0x4000, significand: 3n << 62n });
    });
    assert.deepEqual(lines, [
      '  ST0 is 3 · 0x4000c000000000000000',
      '  ST1 is -0.5 · 0xbffe8000000000000000',
      '→ FSW 0x3000 becomes 0x3800',
      '→ FTW 0x0FFF becomes 0x3FFF',
      '→ ST0 3 · 0x4000c000000000000000 becomes empty',
      '→ ST1, then ST0 -0.5 · 0xbffe8000000000000000 becomes -1.5 · 0xbfffc000000000000000',
    ]);
  });

  it('has XMM registers as words', () => {
    const lines = effects('paddd xmm0, xmm1', (state) => {
      writeXmm(state, 0, [1, 2, 3, 4]);
      writeXmm(state, 1, [0xf, 0, 0, 0x80000000]);
    });
    assert.deepEqual(lines, [
      '  XMM0 is 0x00000004_00000003_00000002_00000001',
      '  XMM1 is 0x80000000_00000000_00000000_0000000F',
      '→ XMM0 0x00000004_00000003_00000002_00000001 becomes 0x80000004_00000003_00000002_00000010',
    ]);
  });
});
