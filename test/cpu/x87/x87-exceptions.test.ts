import assert from 'node:assert/strict';
import { assemble } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';

const HANDLER = 0x30000;
const CR0 = { MP: 2, EM: 4, TS: 8, NE: 0x20, PE: 1, ET: 0x10 } as const;
/** ZE unmasked, then 1 / 0: the exception pends. */
const DIVIDE_BY_ZERO = `fninit
  mov dword ptr [${PLACE.data}], 0x37b
  fldcw word ptr [${PLACE.data}]
  fld1
  fldz
  fdivp`;
const BEFORE = 6;

for (const engine of ENGINES)
  describe(`x87 exceptions (${engine})`, () => {
    before(function () {
      requireTool(this, 'gcc');
    });

    /** A guest with gates for #UD, #NM, #GP, #PF and #MF that has run `count` instructions of the code. */
    const ran = (code: string, count: number, cr0 = 0): { guest: Guest; faults: string[] } => {
      const guest = new Guest(engine, { code: assemble(code, PLACE.code).bytes });
      for (const vector of [6, 7, 13, 14, 16]) guest.handler(vector, HANDLER + vector);
      guest.cpu.state.setControl(0, CR0.PE | CR0.ET | cr0);
      const faults: string[] = [];
      guest.cpu.onFault.on(({ fault }) => faults.push(`#${fault.vector} ${fault.reason}`));
      for (let n = 0; n < count; n++) guest.run(1);
      return { guest, faults };
    };

    // SDM 3, table 2-2.
    for (const [name, code, cr0, reason] of [
      ['FADD with EM', 'fadd st, st', CR0.EM, '#7 an x87 instruction while CR0.EM is 1'],
      ['FNINIT with EM', 'fninit', CR0.EM, '#7 an x87 instruction while CR0.EM is 1'],
      ['FADD with TS', 'fadd st, st', CR0.TS, '#7 an x87 instruction while CR0.TS is 1'],
      ['FNSTSW with TS', 'fnstsw ax', CR0.TS, '#7 an x87 instruction while CR0.TS is 1'],
      ['WAIT with MP and TS', 'fwait', CR0.MP | CR0.TS, '#7 WAIT while CR0.MP and CR0.TS are 1'],
      ['FISTTP', 'fisttp dword ptr [0x20000]', 0, '#6 FISTTP needs SSE3, which cpu "default" does not have'],
    ] as const)
      it(`${name} faults`, () => {
        const { guest, faults } = ran(code, 1, cr0);
        assert.deepEqual(faults, [reason]);
        assert.equal(guest.cpu.state.ip, HANDLER + Number(/\d+/.exec(reason)?.[0]));
      });

    for (const [name, cr0] of [
      ['TS', CR0.TS],
      ['MP', CR0.MP],
      ['EM', CR0.EM],
    ] as const)
      it(`WAIT runs with ${name} alone (SDM 3, table 2-2)`, () => {
        assert.deepEqual(ran('fwait', 1, cr0).faults, []);
      });

    for (const waiting of ['fwait', 'fld1', 'fnop', 'fldcw word ptr [0x20000]', 'frstor [0x20000]', 'fincstp'])
      it(`${waiting} meets a pending exception as #MF (SDM 1, 8.7.1)`, () => {
        const { guest, faults } = ran(`${DIVIDE_BY_ZERO}\nnow: ${waiting}`, BEFORE + 1, CR0.NE);
        assert.deepEqual(faults, ['#16 an unmasked x87 exception is pending: status 0xb084, control 0x037b']);
        assert.equal(guest.cpu.state.ip, HANDLER + 16);
      });

    for (const notWaiting of [
      'fninit',
      'fnclex',
      'fnstsw ax',
      'fnstcw [0x20000]',
      'fnstenv [0x20000]',
      'fnsave [0x20000]',
    ])
      it(`${notWaiting} runs in spite of a pending exception (SDM 1, 8.3.12)`, () => {
        assert.deepEqual(ran(`${DIVIDE_BY_ZERO}\n${notWaiting}`, BEFORE + 1, CR0.NE).faults, []);
      });

    it('stands still before a waiting instruction while CR0.NE is 0 (SDM 1, D.2.1.3)', () => {
      const code = assemble(`${DIVIDE_BY_ZERO}\nnow: fwait`, PLACE.code);
      const { guest, faults } = ran(`${DIVIDE_BY_ZERO}\nnow: fwait`, BEFORE);
      const { retired } = guest.cpu;
      assert.deepEqual(guest.run(1), { kind: 'halted' });
      assert.deepEqual(faults, []);
      assert.equal(guest.cpu.state.ip, code.at('now'));
      assert.equal(guest.cpu.retired, retired);
    });

    it('keeps the registers where a store cannot reach memory', () => {
      const { guest, faults } = ran('fninit\nfld1\nmov ebx, 0xfffffff8\nfstp tbyte ptr [ebx]', 4);
      assert.match(faults.join(), /^#13 DS offset 0xfffffff8, 10 bytes/);
      const { x87 } = guest.cpu.state;
      assert.deepEqual([x87.top, x87.isEmpty(0)], [7, false]);
    });

    it('remembers where the last instruction and its operand were (SDM 1, 8.1.8)', () => {
      const code = assemble('fninit\nhere: es fadd dword ptr [0x20004]\nfnstenv [0x20100]', PLACE.code);
      const { guest } = ran('fninit\nhere: es fadd dword ptr [0x20004]\nfnstenv [0x20100]', 3);
      const word = (n: number): number => guest.readWord(0x20100 + n * 4);
      const { state } = guest.cpu;
      assert.equal(word(3), code.at('here'));
      assert.equal(word(4), (0x005 << 16) | state.segment(1).selector);
      assert.equal(word(5), 0x20004);
      assert.equal(word(6), (0xffff0000 | state.segment(0).selector) >>> 0);
      assert.equal(state.x87.control & 0x3f, 0x3f);
    });
  });
