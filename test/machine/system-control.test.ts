import assert from 'node:assert/strict';
import { SystemControl } from '../../src/machine/system-control.ts';
import { input, output, throughJson } from './support.ts';

function bench() {
  const resets: number[] = [];
  const gaps: string[] = [];
  const control = new SystemControl((what) => gaps.push(what));
  control.onReset.on((port) => resets.push(port));
  return { control, resets, gaps };
}

describe('system control ports', () => {
  it('have A20 on, and say that it stays on', () => {
    const { control, gaps } = bench();
    assert.equal(input(control, 0x92), 0x02);
    output(control, [0x92, 0x02]);
    assert.deepEqual(gaps, []);
    output(control, [0x92, 0x00]);
    assert.equal(input(control, 0x92), 0x00);
    assert.deepEqual(gaps, ['A20 switched off by port 0x92: address line 20 is always on in this machine']);
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
