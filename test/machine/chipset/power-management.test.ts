import assert from 'node:assert/strict';
import { tickOfCycle } from '../../../src/machine/clock.ts';
import { PM_TIMER_FREQUENCY, PowerManagement } from '../../../src/machine/chipset/power-management.ts';
import { TestClock, TestLine, throughJson } from '../support.ts';

function bench() {
  const clock = new TestClock();
  const line = new TestLine();
  const reports: string[] = [];
  const device = new PowerManagement(clock, line, (what) => reports.push(what));
  const off: number[] = [];
  device.onPowerOff.on(() => off.push(clock.now));
  return { clock, line, reports, device, off };
}

describe('ACPI power management', () => {
  it('counts 3.579545 MHz in 24 bits (ACPI 4.8.2.1)', () => {
    const { clock, device } = bench();
    assert.equal(device.portRead(0x608, 32), 0);
    clock.now = 100_000_000;
    assert.equal(device.portRead(0x608, 32), 3_579_545);
    clock.now = 500_000_000;
    assert.equal(device.portRead(0x608, 32), (5 * 3_579_545) % 2 ** 24);
    assert.equal(device.portRead(0x609, 8), (((5 * 3_579_545) % 2 ** 24) >> 8) & 0xff);
  });

  it('sets TMR_STS whenever bit 23 changes, and interrupts for it with TMR_EN and SCI_EN', () => {
    const { clock, device, line } = bench();
    assert.equal(device.nextEvent(), Infinity);
    clock.now = tickOfCycle(2 ** 23, PM_TIMER_FREQUENCY);
    assert.equal(device.portRead(0x600, 16), 1);
    device.portWrite(0x600, 16, 0xffff);
    assert.equal(device.portRead(0x600, 16), 0);
    device.portWrite(0xb2, 8, 0xf1);
    device.portWrite(0x602, 16, 1);
    for (const half of [2, 3, 4]) {
      const due = tickOfCycle(half * 2 ** 23, PM_TIMER_FREQUENCY);
      assert.equal(device.nextEvent(), due);
      clock.now = due;
      device.advance(due);
      assert.equal(line.high, true);
      device.portWrite(0x600, 16, 1);
      assert.equal(line.high, false);
    }
    assert.equal(line.edges, 3);
  });

  it('keeps quiet without SCI_EN, and the SMI command port gives and takes it', () => {
    const { clock, device, line, reports } = bench();
    clock.now = tickOfCycle(2 ** 23, PM_TIMER_FREQUENCY);
    device.portWrite(0x602, 16, 1);
    assert.equal(line.high, false);
    device.portWrite(0xb2, 8, 0xf1);
    assert.equal(device.portRead(0x604, 16), 1);
    assert.equal(line.high, true);
    device.portWrite(0xb2, 8, 0xf0);
    assert.equal(device.portRead(0x604, 16), 0);
    assert.equal(line.high, false);
    device.portWrite(0xb2, 16, 0xa555);
    assert.equal(device.portRead(0xb2, 16), 0xa555);
    assert.deepEqual(reports, ['SMI command 0x55: this machine has no system management mode']);
  });

  it('keeps the writable bits (82371AB 7.2)', () => {
    const { device } = bench();
    device.portWrite(0x600, 32, 0xffffffff);
    assert.equal(device.portRead(0x600, 32), 0x05210000);
    device.portWrite(0x604, 16, 0xdfff & ~0x2000 & ~0x0004);
    assert.equal(device.portRead(0x604, 16), 0x1c03);
    device.portWrite(0xafe0, 32, 0xffffffff);
    assert.equal(device.portRead(0xafe0, 32), 0xffff0000);
  });

  it('switches off by SLP_EN with the type of \\_S5, as word or as byte; other types are reported', () => {
    const { clock, device, off, reports } = bench();
    device.portWrite(0x604, 16, 0x0001);
    device.portWrite(0x604, 16, 0x2401);
    assert.deepEqual(off, []);
    assert.deepEqual(reports, ['ACPI sleep type 1: this machine has S5 only, type 0']);
    clock.now = 7;
    device.portWrite(0x604, 16, 0x2001);
    clock.now = 8;
    device.portWrite(0x605, 8, 0x20);
    assert.deepEqual(off, [7, 8]);
    assert.equal(device.portRead(0x604, 16), 0x0001);
    device.portWrite(0x604, 16, 0x0005);
    assert.equal(reports[1], 'ACPI GBL_RLS: this machine has no firmware that waits for it');
  });

  it('comes back from its state', () => {
    const { clock, device } = bench();
    clock.now = tickOfCycle(2 ** 23, PM_TIMER_FREQUENCY);
    device.portWrite(0x602, 16, 1);
    device.portWrite(0xb2, 8, 0xf1);
    const copy = bench();
    copy.clock.now = clock.now;
    copy.device.restore(throughJson(device.save()));
    assert.deepEqual(copy.device.save(), device.save());
    assert.equal(copy.device.nextEvent(), device.nextEvent());
    assert.equal(copy.device.portRead(0x600, 16), 1);
  });
});
