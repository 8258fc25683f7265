import assert from 'node:assert/strict';
import { A20Gate } from '../../../src/machine/input/a20-gate.ts';
import { SystemControl } from '../../../src/machine/chipset/system-control.ts';
import { input, output, throughJson } from '../support.ts';

function bench() {
  const resets: number[] = [];
  const a20 = new A20Gate();
  const changes: boolean[] = [];
  a20.onChange.on((on) => changes.push(on));
  const control = new SystemControl(a20);
  control.onReset.on((port) => resets.push(port));
  return { control, resets, changes };
}

describe('system control ports', () => {
  it('drive the A20 gate', () => {
    const { control, changes } = bench();
    assert.equal(input(control, 0x92), 0x02);
    output(control, [0x92, 0x02]);
    assert.deepEqual(changes, []);
    output(control, [0x92, 0x00]);
    assert.equal(input(control, 0x92), 0x00);
    output(control, [0x92, 0x02]);
    assert.equal(input(control, 0x92), 0x02);
    assert.deepEqual(changes, [false, true]);
  });

  it('ask for a reset by the rise of port 0x92 bit 0', () => {
    const { control, resets } = bench();
    output(control, [0x92, 0x03], [0x92, 0x03]);
    assert.deepEqual(resets, [0x92]);
  });

  it('ask for a reset by the rise of port 0xcf9 bit 2', () => {
    const { control, resets } = bench();
    output(control, [0xcf9, 0x02]);
    assert.equal(input(control, 0xcf9), 0x02);
    assert.deepEqual(resets, []);
    output(control, [0xcf9, 0x06]);
    assert.deepEqual(resets, [0xcf9]);
  });

  it('come back from their state', () => {
    const one = bench();
    output(one.control, [0xcf9, 0x06], [0x92, 0x00]);
    const two = bench();
    two.control.restore(throughJson(one.control.save()));
    output(two.control, [0xcf9, 0x06]);
    assert.deepEqual(two.resets, []);
    assert.deepEqual(two.control.save(), one.control.save());
  });
});
