import assert from 'node:assert/strict';
import { calendarAt } from '../../src/machine/calendar.ts';
import { TICKS_PER_SECOND } from '../../src/machine/clock.ts';
import { Cmos } from '../../src/machine/cmos.ts';
import { input, output, TestClock, throughJson } from './support.ts';

const MIB = 0x100000;

function bench(memory = 128 * MIB) {
  const clock = new TestClock();
  const gaps: string[] = [];
  const cmos = new Cmos(clock, memory, (what) => gaps.push(what));
  const read = (index: number): number => {
    output(cmos, [0x70, index]);
    return input(cmos, 0x71);
  };
  const write = (index: number, value: number): void => output(cmos, [0x70, index], [0x71, value]);
  return { clock, gaps, cmos, read, write };
}

describe('calendar', () => {
  it('agrees with the Gregorian calendar over a century', () => {
    const start = Date.UTC(2006, 9, 28);
    for (let day = 0; day < 36_525; day += 1) {
      const seconds = day * 86_400 + (day % 86_400);
      const date = new Date(start + seconds * 1000);
      const { year, month, day: dayOfMonth, weekday, hour, minute, second } = calendarAt(seconds);
      assert.deepEqual(
        [year, month, dayOfMonth, weekday, hour, minute, second],
        [
          date.getUTCFullYear(),
          date.getUTCMonth() + 1,
          date.getUTCDate(),
          date.getUTCDay() + 1,
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ],
      );
    }
  });
});

describe('MC146818 clock and CMOS memory', () => {
  it('starts at 2006-10-28 00:00:00, a Saturday, in BCD and 24 hours', () => {
    const { read } = bench();
    assert.deepEqual(
      [0x32, 0x09, 0x08, 0x07, 0x06, 0x04, 0x02, 0x00].map(read),
      [0x20, 0x06, 0x10, 0x28, 0x07, 0x00, 0x00, 0x00],
    );
    assert.deepEqual([0x0a, 0x0b, 0x0c, 0x0d].map(read), [0x26, 0x02, 0x00, 0x80]);
  });

  it('follows the ticks', () => {
    const { clock, read } = bench();
    clock.now = (13 * 3600 + 45 * 60 + 59) * TICKS_PER_SECOND;
    assert.deepEqual([0x04, 0x02, 0x00].map(read), [0x13, 0x45, 0x59]);
    clock.now += TICKS_PER_SECOND;
    assert.deepEqual([0x04, 0x02, 0x00].map(read), [0x13, 0x46, 0x00]);
  });

  it('speaks binary and 12 hours when status register B says so', () => {
    const { clock, read, write } = bench();
    clock.now = (13 * 3600 + 45 * 60) * TICKS_PER_SECOND;
    write(0x0b, 0x06);
    assert.deepEqual([0x04, 0x02, 0x09].map(read), [13, 45, 6]);
    write(0x0b, 0x00);
    assert.equal(read(0x04), 0x81);
    clock.now = 0;
    assert.equal(read(0x04), 0x12);
  });

  it('shows the update in progress 2228 µs before the second', () => {
    const { clock, read } = bench();
    clock.now = TICKS_PER_SECOND - 222_801;
    assert.equal(read(0x0a), 0x26);
    clock.now = TICKS_PER_SECOND - 222_800;
    assert.equal(read(0x0a), 0xa6);
    clock.now = TICKS_PER_SECOND;
    assert.equal(read(0x0a), 0x26);
  });

  it('tells the size of memory', () => {
    const word = (memory: number, index: number): number => {
      const { read } = bench(memory);
      return read(index) | (read(index + 1) << 8);
    };
    assert.equal(word(8 * MIB, 0x15), 640);
    assert.equal(word(8 * MIB, 0x17), 7 * 1024);
    assert.equal(word(8 * MIB, 0x30), 7 * 1024);
    assert.equal(word(8 * MIB, 0x34), 0);
    assert.equal(word(128 * MIB, 0x30), 0xffff);
    assert.equal(word(128 * MIB, 0x34), 112 * 16);
  });

  it('keeps memory bytes and the NMI gate, and cannot read its index back', () => {
    const { cmos, read, write } = bench();
    write(0x40, 0xa5);
    assert.equal(read(0x40), 0xa5);
    assert.equal(cmos.nonMaskableInterruptsOff, false);
    output(cmos, [0x70, 0xc0]);
    assert.equal(input(cmos, 0x71), 0xa5);
    assert.equal(cmos.nonMaskableInterruptsOff, true);
    assert.equal(input(cmos, 0x70), 0xff);
  });

  it('says that its clock cannot be set and has no interrupts', () => {
    const { gaps, read, write } = bench();
    write(0x00, 0x30);
    write(0x0b, 0x42);
    write(0x0d, 0x00);
    assert.equal(read(0x00), 0x00);
    assert.equal(read(0x0d), 0x80);
    assert.deepEqual(gaps, [
      'CMOS clock register 0x00 set: this clock cannot be set',
      'CMOS status register B 0x42: this clock has no interrupts',
    ]);
  });

  it('comes back from its state', () => {
    const one = bench();
    one.write(0x40, 0x12);
    output(one.cmos, [0x70, 0xb4]);
    const two = bench();
    two.cmos.restore(throughJson(one.cmos.save()));
    assert.deepEqual(two.cmos.save(), one.cmos.save());
    assert.equal(input(two.cmos, 0x71), input(one.cmos, 0x71));
  });
});
