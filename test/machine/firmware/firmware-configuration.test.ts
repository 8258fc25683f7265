import assert from 'node:assert/strict';
import { FirmwareConfiguration } from '../../../src/machine/firmware/firmware-configuration.ts';
import { throughJson } from '../support.ts';

/** `count` bytes of an item, read as its driver does. */
function item(device: FirmwareConfiguration, selector: number, count: number): number[] {
  device.portWrite(0x510, 16, selector);
  return Array.from({ length: count }, () => device.portRead(0x511));
}

describe('Firmware configuration device', () => {
  const device = new FirmwareConfiguration(0x8000000);

  it('has the items of QEMU, docs/specs/fw_cfg, byte by byte', () => {
    assert.deepEqual(item(device, 0x00, 4), [0x51, 0x45, 0x4d, 0x55]);
    assert.deepEqual(item(device, 0x01, 4), [1, 0, 0, 0]);
    assert.deepEqual(item(device, 0x03, 8), [0, 0, 0, 8, 0, 0, 0, 0]);
    assert.deepEqual(item(device, 0x05, 2), [1, 0]);
    assert.deepEqual(item(device, 0x19, 4), [0, 0, 0, 0]);
  });

  it('gives zeros past the end of an item and for items that do not exist', () => {
    assert.deepEqual(item(device, 0x05, 4), [1, 0, 0, 0]);
    assert.deepEqual(item(device, 0x1234, 2), [0, 0]);
  });

  it('goes on in the middle of an item from a snapshot', () => {
    device.portWrite(0x510, 16, 0);
    device.portRead(0x511);
    const other = new FirmwareConfiguration(0x8000000);
    other.restore(throughJson(device.save()));
    assert.equal(other.portRead(0x511), 0x45);
  });
});
