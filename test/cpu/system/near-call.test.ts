import assert from 'node:assert/strict';
import { CpuFault } from '../../../src/cpu/fault.ts';
import { assemble } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE, SELECTOR } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';

const HANDLER = 0x10f00;
const PAST_LIMIT = 0x11000;

for (const engine of ENGINES) {
  describe(`Near CALL (SDM 2, CALL, "IF near call") (${engine})`, () => {
    before(function () {
      requireTool(this, 'gcc');
    });

    /** The first exception of a CALL in a code segment up to 0x10fff, with `esp` in a stack segment of 0x1000 bytes. */
    function firstFault(call: string, esp: number, count = 1): { vector: number; errorCode: number | undefined } {
      const guest = new Guest(engine, { code: assemble(`${call}\nnext: nop`, PLACE.code).bytes });
      guest.loadSegment('cs', SELECTOR.limitedCode);
      guest.loadSegment('ss', SELECTOR.limited);
      guest.cpu.state.setRegister32(4, esp);
      guest.cpu.state.setRegister32(3, PAST_LIMIT);
      guest.cpu.state.setRegister32(2, HANDLER);
      guest.writeWords(0x30000, PAST_LIMIT, HANDLER);
      const faults: CpuFault[] = [];
      guest.cpu.onFault.on(({ fault }) => faults.push(fault));
      guest.run(count);
      const [first] = faults;
      assert.ok(first);
      return { vector: first.vector, errorCode: first.errorCode };
    }
    const NO_ROOM = 2;
    const calls = [`call ${PAST_LIMIT}`, 'call ebx', 'call dword ptr [0x30000]'];

    it('to a target past the CS limit is #GP(0), before the stack is looked at', () => {
      for (const call of calls)
        for (const esp of [NO_ROOM, 0x800])
          assert.deepEqual(firstFault(call, esp), { vector: 13, errorCode: 0 }, `${call}, ESP ${esp}`);
    });

    it('to a target inside the segment is #SS(0) where the stack has no room', () => {
      for (const call of [`call ${HANDLER}`, 'call edx', 'call dword ptr [0x30004]'])
        assert.deepEqual(firstFault(call, NO_ROOM), { vector: 12, errorCode: 0 }, call);
    });

    it('through memory that cannot be read is the fault of the read', () => {
      assert.deepEqual(firstFault('mov ds, cx; call dword ptr [0x30000]', NO_ROOM, 2), { vector: 13, errorCode: 0 });
    });
  });
}
