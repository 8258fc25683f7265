import assert from 'node:assert/strict';
import { NOBODY_CATCHES } from '../../src/machine/stop-sentences.ts';
import { requireTool } from '../support/tools.ts';
import { assemble, machineWith, MACROS } from './guest.ts';

const LIMIT = { maxInstructions: 1000 };

describe('between the entry and the own IDT of a kernel', function () {
  before(function () {
    requireTool(this, 'nasm');
  });

  it('nothing catches a fault, and the stop says so', () => {
    const machine = machineWith(assemble('nop\nud2'));
    assert.equal(machine.catchesFaults, false);
    const stop = machine.run(LIMIT);
    assert.equal(stop.reason, 'triple-fault');
    assert.ok(stop.description.endsWith(`. ${NOBODY_CATCHES}`), stop.description);
  });

  it('ends with LIDT, also on a machine that went back before it', () => {
    const machine = machineWith(assemble(`${MACROS}\nstart:\nsetup\ngate 6, handler\nud2\nhandler:\nhlt`));
    machine.run({ maxInstructions: 1 });
    const before = machine.save();
    assert.equal(machine.catchesFaults, false);
    machine.run({ maxInstructions: 3 });
    assert.equal(machine.catchesFaults, true);
    machine.restore(before);
    assert.equal(machine.catchesFaults, false);
    assert.equal(machine.run(LIMIT).reason, 'halt');
    assert.equal(machine.catchesFaults, true);
  });

  it('a later triple fault is told without it', () => {
    const stop = machineWith(assemble(`${MACROS}\nstart:\nsetup\nud2`)).run(LIMIT);
    assert.equal(stop.reason, 'triple-fault');
    assert.ok(!stop.description.includes(NOBODY_CATCHES));
  });

  it('is no such place in real mode, whose vectors are there from the start', () => {
    const machine = machineWith(assemble('nop'));
    machine.cpu.state.setControl(0, 0x10);
    assert.equal(machine.catchesFaults, true);
  });
});
