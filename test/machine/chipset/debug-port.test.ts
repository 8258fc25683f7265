import assert from 'node:assert/strict';
import { DebugPort } from '../../../src/machine/chipset/debug-port.ts';
import { input, output } from '../support.ts';

describe('debug exit and console ports', () => {
  it('give the value written to 0xf4, at every width', () => {
    const port = new DebugPort();
    const values: number[] = [];
    port.onExit.on((value) => values.push(value));
    port.portWrite(0xf4, 8, 0x10);
    port.portWrite(0xf4, 32, 0x12345);
    assert.deepEqual(values, [0x10, 0x12345]);
  });

  it('give the bytes written to 0xe9, and read 0xe9 there as Bochs does', () => {
    const port = new DebugPort();
    const bytes: number[] = [];
    port.onConsole.on((byte) => bytes.push(byte));
    output(port, [0xe9, 0x48], [0xe9, 0xff]);
    assert.deepEqual(bytes, [0x48, 0xff]);
    assert.equal(input(port, 0xe9), 0xe9);
  });
});
