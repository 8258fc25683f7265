import assert from 'node:assert/strict';
import { A20Gate } from '../../src/machine/input/a20-gate.ts';
import { Bus } from '../../src/machine/bus.ts';
import { createDevices } from '../../src/machine/devices.ts';
import { SystemControl } from '../../src/machine/chipset/system-control.ts';
import type { UnclaimedAccess } from '../../src/machine/unclaimed.ts';
import { TestClock } from './support.ts';

function bench() {
  const clock = new TestClock();
  const counts = { accesses: 0 };
  const bus = new Bus(clock, () => counts.accesses++);
  const { devices } = createDevices(clock, bus, { ram: new Uint8Array(0x1000000), setDevicePages: () => undefined });
  const reported: UnclaimedAccess[] = [];
  bus.unclaimed.onFirst.on((access) => reported.push(access));
  return { clock, counts, bus, devices, reported };
}

describe('bus', () => {
  it('brings an access to the device of the port, and tells that a device was reached', () => {
    const { bus, counts } = bench();
    bus.portWrite(0x21, 8, 0xfb);
    assert.equal(bus.portRead(0x21, 8), 0xfb);
    assert.equal(counts.accesses, 2);
    bus.portRead(0x1f7, 8);
    assert.equal(counts.accesses, 2);
  });

  it('splits a wide access into bytes for an 8-bit device, lowest port first', () => {
    const { bus } = bench();
    bus.portWrite(0x3d4, 16, 0x340f);
    bus.portWrite(0x3d4, 8, 0x0f);
    assert.equal(bus.portRead(0x3d5, 8), 0x34);
    assert.equal(bus.portRead(0x3d4, 16), 0x340f);
    // Beyond the device nobody answers.
    assert.equal(bus.portRead(0x3d4, 32), 0xffff340f);
  });

  it('gives a wide access whole to a device that takes it', () => {
    const { bus, devices } = bench();
    const values: number[] = [];
    devices.debugPort.onExit.on((value) => values.push(value));
    bus.portWrite(0xf4, 32, 0xdeadbeef);
    assert.deepEqual(values, [0xdeadbeef]);
  });

  it('does not take a PCI configuration address at 0xcf8 for a reset through 0xcf9', () => {
    const { bus, devices, reported } = bench();
    let resets = 0;
    devices.systemControl.onReset.on(() => resets++);
    bus.portWrite(0xcf8, 32, 0x8000ff00);
    assert.equal(bus.portRead(0xcfc, 32), 0xffffffff);
    assert.equal(resets, 0);
    assert.deepEqual(reported, []);
    bus.portWrite(0xcf9, 8, 0x06);
    assert.equal(resets, 1);
  });

  it('reads all ones where nobody answers, lists the access with its count and reports it once', () => {
    const { bus, reported } = bench();
    assert.equal(bus.portRead(0x1f7, 8), 0xff);
    assert.equal(bus.portRead(0x1f7, 8), 0xff);
    assert.equal(bus.portRead(0x1f0, 16), 0xffff);
    bus.portWrite(0x1f6, 8, 0xa0);
    assert.deepEqual(bus.unclaimed.list(), [
      { space: 'port', description: 'read of port 0x1f7 (8 bits)', count: 2 },
      { space: 'port', description: 'read of port 0x1f0 (16 bits)', count: 1 },
      { space: 'port', description: 'write to port 0x1f6 (8 bits)', count: 1 },
    ]);
    assert.equal(reported.length, 3);
  });

  it('does the same for physical memory beyond RAM, one entry a MiB and direction', () => {
    const { bus, reported } = bench();
    assert.equal(bus.memoryRead(0xfef00020, 32), 0xffffffff);
    assert.equal(bus.memoryRead(0xfef00030, 16), 0xffff);
    bus.memoryWrite(0xfef000b0, 32, 0);
    assert.deepEqual(bus.unclaimed.list(), [
      { space: 'memory', description: 'read of 32 bits at phys:0xfef00020', count: 2 },
      { space: 'memory', description: 'write of 32 bits at phys:0xfef000b0', count: 1 },
    ]);
    assert.equal(reported.length, 2);
  });

  it('lists what a device does not have', () => {
    const { bus, reported } = bench();
    bus.portWrite(0x64, 8, 0xac);
    assert.deepEqual(reported, [
      { space: 'device', description: '8042 command 0xac: this controller has no such command', count: 1 },
    ]);
  });

  it('refuses two devices at one port', () => {
    const { bus } = bench();
    assert.throws(() => bus.attach(new SystemControl(new A20Gate())), {
      code: 'internal',
      title: 'port 0x92 belongs to System control ports and to System control ports',
    });
  });

  it('has the tick count as its time stamp', () => {
    const { bus, clock } = bench();
    clock.now = 2 ** 40 + 1;
    assert.equal(bus.timeStamp(), 2n ** 40n + 1n);
  });
});
