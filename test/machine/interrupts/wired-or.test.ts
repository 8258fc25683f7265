import assert from 'node:assert/strict';
import { COM_PORTS, SerialPort } from '../../../src/machine/serial/serial-port.ts';
import { wiredOr } from '../../../src/machine/interrupts/wired-or.ts';
import { input, output, TestClock, TestLine } from '../support.ts';

describe('wired-OR interrupt line', () => {
  it('stays high until the last of COM1 and COM3 lets go, with one edge for both', () => {
    const line = new TestLine();
    const ports: readonly SerialPort[] = [COM_PORTS[0], COM_PORTS[2]].map(
      (place) =>
        new SerialPort(
          place,
          new TestClock(),
          wiredOr(line, () => ports),
        ),
    );
    for (const port of ports) {
      const base = port.ports[0]?.first ?? 0;
      output(port, [base + 4, 0x08], [base + 1, 0x02]);
    }
    assert.deepEqual([line.high, line.edges], [true, 1]);
    const identify = ports.map((port) => () => input(port, (port.ports[0]?.first ?? 0) + 2));
    assert.equal(identify[0]?.(), 0x02);
    assert.equal(line.high, true);
    assert.equal(identify[1]?.(), 0x02);
    assert.equal(line.high, false);
  });
});
