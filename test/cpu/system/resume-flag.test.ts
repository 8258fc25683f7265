import assert from 'node:assert/strict';
import { assemble } from '../../support/assembler.ts';
import { ENGINES, Guest, PLACE } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';

const VECTOR = 0x20;
const HANDLER = 0x44000;
const RF = 0x10000;
const ELEMENTS = 6;

for (const engine of ENGINES) {
  // SDM 3, 17.3.1.1: 1 for an interrupt behind any pass but the last, else what EFLAGS has.
  describe(`RF in the image that an interrupt of a repeated string instruction pushes (${engine})`, () => {
    before(function () {
      requireTool(this, 'gcc');
    });

    /** A guest that has run `count` instructions of: MOV ECX, a repeated instruction, NOP, HLT. The handler is an IRETD. */
    function after(count: number, repeated: string, elements = ELEMENTS): Guest {
      const source = `mov ecx, ${elements}; ${repeated}; nop; hlt`;
      const guest = new Guest(engine, { code: assemble(source, PLACE.code).bytes });
      guest.handler(VECTOR, HANDLER);
      guest.writeBytes(HANDLER, Uint8Array.of(0xcf));
      guest.cpu.state.setRegister32(6, 0x30000);
      guest.cpu.state.setRegister32(7, 0x31000);
      guest.writeWords(0x30000, 1, 1, 1, 2);
      guest.writeWords(0x31000, 1, 1, 1, 1);
      guest.run(count);
      return guest;
    }
    /** Interrupts the guest: RF in the image. */
    function interrupt(guest: Guest): boolean {
      guest.cpu.deliverInterrupt(VECTOR);
      return (guest.readWord(guest.register(4) + 8) & RF) !== 0;
    }
    const images = (counts: readonly number[], repeated: string, elements?: number): boolean[] =>
      counts.map((count) => interrupt(after(count, repeated, elements)));

    it('is 0 before the first pass, 1 behind it, and 0 behind the last', () => {
      const expected = [false, false, true, true, true, true, true, false, false];
      for (const repeated of ['rep stosd', 'rep movsb', 'rep lodsw', 'rep insb'])
        assert.deepEqual(images([0, 1, 2, 3, 4, 5, 6, 7, 8], repeated), expected, repeated);
    });

    it('is 0 behind the pass whose comparison ends the instruction', () => {
      assert.deepEqual(images([2, 3, 4, 5], 'repe cmpsd'), [true, true, true, false]);
    });

    it('is 0 where nothing is repeated, or a count of 0', () => {
      assert.deepEqual(images([1, 2], 'stosd'), [false, false]);
      assert.deepEqual(images([1, 2], 'rep stosd', 0), [false, false]);
    });

    it('is what IRET has loaded when the next interrupt comes before another pass', () => {
      const guest = after(3, 'rep stosd');
      assert.equal(interrupt(guest), true);
      guest.run(1);
      assert.equal(guest.register(1), ELEMENTS - 2);
      assert.equal(interrupt(guest), true);
      // The handler wants the breakpoint of the instruction.
      guest.writeWords(guest.register(4) + 8, guest.readWord(guest.register(4) + 8) & ~RF);
      guest.run(1);
      assert.equal(interrupt(guest), false);
      guest.run(2);
      assert.equal(interrupt(guest), true);
    });

    it('is 0 once the user has gone elsewhere', () => {
      const guest = after(3, 'rep stosd');
      guest.cpu.state.ip = PLACE.code;
      guest.cpu.wake();
      assert.equal(interrupt(guest), false);
    });

    it('does not outlive the pass in EFLAGS', () => {
      const guest = after(3, 'rep stosd');
      assert.equal(guest.cpu.state.eflags & RF, 0);
    });
  });
}
