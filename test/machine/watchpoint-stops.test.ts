import assert from 'node:assert/strict';
import { ENGINES } from '../support/cpu-harness.ts';
import { requireTool } from '../support/tools.ts';
import type { Machine } from '../../src/machine/machine.ts';
import { assemble, machineWith } from './guest.ts';

const WORD = 0x120000;

for (const engine of ENGINES) {
  describe(`stops of watchpoints (${engine})`, () => {
    const boot = (body: string): Machine =>
      machineWith(assemble(`mov ecx, 3\nl: mov [${WORD}], ecx\n ${body}\n hlt`), { engine });

    before(function () {
      requireTool(this, 'nasm');
    });

    it('stops behind the write, with the value before and after', () => {
      const machine = boot('loop l');
      machine.setWatchpoints([{ linear: WORD, length: 4, access: 'write' }]);
      for (const [before, after] of [
        [0, 3],
        [3, 2],
        [2, 1],
      ] as const) {
        const stop = machine.run({ maxInstructions: 100 });
        assert.equal(stop.reason, 'watchpoint');
        assert.match(stop.description, /0x00100005/, 'names the instruction that wrote');
        assert.match(stop.description, new RegExp(`0x0*${before}\\b.*0x0*${after}\\b`));
        assert.equal(machine.cpu.state.ip, 0x10000b, 'behind the write of six bytes');
      }
      assert.equal(machine.run({ maxInstructions: 100 }).reason, 'halt');
    });

    it('a read stops an access watchpoint and not one for writes', () => {
      for (const [access, reason] of [
        ['access', 'watchpoint'],
        ['write', 'halt'],
      ] as const) {
        const machine = boot('nop\nread: mov eax, [0x120002]');
        machine.run({ maxInstructions: 2 });
        machine.setWatchpoints([{ linear: WORD, length: 4, access }]);
        assert.equal(machine.run({ maxInstructions: 100 }).reason, reason);
      }
    });

    it('an access beside it does not stop', () => {
      const machine = boot(`mov byte [${WORD} + 4], 1\n mov byte [${WORD} - 1], 1`);
      machine.run({ maxInstructions: 2 });
      machine.setWatchpoints([{ linear: WORD, length: 4, access: 'access' }]);
      assert.equal(machine.run({ maxInstructions: 100 }).reason, 'halt');
    });

    it('breakpoints: false runs past it, and clearing ends it', () => {
      const machine = boot('loop l');
      machine.setWatchpoints([{ linear: WORD, length: 4, access: 'write' }]);
      assert.equal(machine.run({ maxInstructions: 2, breakpoints: false }).reason, 'max-instructions');
      machine.setWatchpoints([]);
      assert.equal(machine.run({ maxInstructions: 100 }).reason, 'halt');
    });
  });
}
