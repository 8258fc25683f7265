import assert from 'node:assert/strict';
import { SEGMENT, type SegmentIndex } from '../../../src/cpu/state.ts';
import { ENGINES, Guest } from '../../support/cpu-harness.ts';

/** PUSHA at 0x1000:0 in real mode with SP as given; each vector leads to a HLT at 0x2000:vector. */
function realModeGuest(engine: (typeof ENGINES)[number], code: number[], sp: number): Guest {
  const guest = new Guest(engine);
  const { state } = guest.cpu;
  state.setControl(0, 0x10);
  for (const index of [SEGMENT.es, SEGMENT.cs, SEGMENT.ss, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs] as SegmentIndex[]) {
    const selector = index === SEGMENT.cs ? 0x1000 : 0x3000;
    state.setSegment(index, { selector, base: selector * 16, limit: 0xffff, access: 0x9300 });
  }
  for (let vector = 0; vector < 32; vector++) guest.writeWords(vector * 4, (0x2000 << 16) | vector);
  guest.writeBytes(0x20000, new Uint8Array(32).fill(0xf4));
  guest.writeBytes(0x10000, Uint8Array.from(code));
  state.idtr = { base: 0, limit: 0x3ff };
  state.setRegister32(4, sp);
  state.ip = 0;
  guest.cpu.stateChanged();
  return guest;
}

for (const engine of ENGINES) {
  describe(`PUSHA at the end of the stack in real mode (SDM 2, PUSHA) (${engine})`, () => {
    for (const sp of [1, 3, 5])
      it(`SP ${sp}: the #SS cannot be delivered, nor the #DF: shutdown`, () => {
        const guest = realModeGuest(engine, [0x60], sp);
        const exit = guest.run(10);
        assert.equal(exit.kind, 'triple-fault');
        assert.deepEqual(
          exit.chain.map(({ vector }) => vector),
          [12, 8, 12],
        );
        assert.equal(guest.register(4), sp, 'nothing is pushed');
      });

    for (const sp of [7, 9, 11, 13, 15])
      it(`SP ${sp}: #GP, which can be delivered`, () => {
        for (const code of [[0x60], [0x66, 0x60]]) {
          const guest = realModeGuest(engine, code, sp);
          assert.equal(guest.run(10).kind, 'halted');
          assert.equal(guest.cpu.state.ip, 13 + 1);
          assert.equal(guest.register(4), sp - 6, 'flags, CS and IP alone are pushed');
        }
      });

    it('SP 17: PUSHA fits; PUSHAD is #SS, which can be delivered', () => {
      assert.equal(realModeGuest(engine, [0x60, 0xf4], 17).run(2).kind, 'halted');
      const guest = realModeGuest(engine, [0x66, 0x60], 17);
      assert.equal(guest.run(10).kind, 'halted');
      assert.equal(guest.cpu.state.ip, 12 + 1);
    });

    it('goes on at the top of the segment where SP is even', () => {
      const guest = realModeGuest(engine, [0x60, 0xf4], 4);
      assert.equal(guest.run(10).kind, 'halted');
      assert.equal(guest.register(4), 0xfff4);
    });
  });
}
