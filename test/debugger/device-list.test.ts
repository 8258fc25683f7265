import assert from 'node:assert/strict';
import { deviceList } from '../../src/debugger/device-list.ts';
import { Machine } from '../../src/machine/machine.ts';

describe('list of devices', () => {
  const machine = new Machine({ memory: 0x100000 });
  const lineOf = (start: string): string | undefined =>
    deviceList(machine)
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.replace(/ {2,}/g, '  ');

  it('has a line for each device: name, IRQ, ports, memory, state', () => {
    assert.equal(lineOf('Device'), 'Device  IRQ  Ports  Memory  State');
    assert.equal(lineOf('8042'), '8042 keyboard controller  1 12  0x060 0x064');
    assert.equal(lineOf('16550A serial port COM3'), '16550A serial port COM3  4  0x3e8-0x3ef');
    assert.equal(
      lineOf('VGA'),
      'VGA  0x3b4-0x3b5 0x3ba 0x3c0-0x3cf 0x3d4-0x3d5 0x3da  0x000a0000-0x000bffff  text 80 x 25',
    );
    assert.equal(lineOf('System control ports'), 'System control ports  0x092 0xcf9  A20 on');
    assert.equal(deviceList(machine).split('\n\n')[1], 'Everything that the guest asked for was answered.');
  });

  it('has below them what nobody answered, with its count and the first instruction', () => {
    machine.bus.portRead(0x1f7, 8);
    machine.bus.portRead(0x1f7, 8);
    machine.bus.memoryWrite(0xf0000000, 32, 1);
    assert.deepEqual(deviceList(machine).split('\n\n')[1]?.split('\n'), [
      'Nobody answered                      Count  First at',
      'read of port 0x1f7 (8 bits)          2      0x00000000',
      'write of 32 bits at phys:0xf0000000  1      0x00000000',
    ]);
  });
});
