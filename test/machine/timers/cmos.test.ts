import assert from 'node:assert/strict';
import { calendarAt, secondsOf } from '../../../src/machine/timers/calendar.ts';
import { TICKS_PER_SECOND } from '../../../src/machine/clock.ts';
import { Cmos } from '../../../src/machine/timers/cmos.ts';
import { input, output, TestClock, TestLine, throughJson } from '../support.ts';

const MIB = 0x100000;

function bench(memory = 128 * MIB) {
  const clock = new TestClock();
  const line = new TestLine();
  const gaps: string[] = [];
  const cmos = new Cmos(clock, line, memory, (what) => gaps.push(what));
  const read = (index: number): number => {
    output(cmos, [0x70, index]);
    return input(cmos, 0x71);
  };
  const write = (index: number, value: number): void => output(cmos, [0x70, index], [0x71, value]);
  return { clock, line, gaps, cmos, read, write };
}

describe('calendar', () => {
  it('agrees with the Gregorian calendar over a century', () => {
    const start = Date.UTC(2006, 9, 28);
    for (let day = 0; day < 36_525; day += 1) {
      const seconds = day * 86_400 + (day % 86_400);
      const date = new Date(start + seconds * 1000);
      const time = calendarAt(seconds);
      const { year, month, day: dayOfMonth, weekday, hour, minute, second } = time;
      assert.equal(secondsOf(time), seconds);
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

  // MC146818A datasheet, "Registers": the names of the bits.
  it('can be set, in BCD and in binary, and carries on from there', () => {
    const { clock, read, write } = bench();
    write(0x0b, 0x82);
    for (const [index, value] of [
      [0x32, 0x20],
      [0x09, 0x24],
      [0x08, 0x02],
      [0x07, 0x29],
      [0x06, 0x05],
      [0x04, 0x23],
      [0x02, 0x59],
      [0x00, 0x58],
    ] as const)
      write(index, value);
    clock.now = 10 * TICKS_PER_SECOND;
    // SET: nothing is updated.
    assert.equal(read(0x00), 0x58);
    write(0x0b, 0x02);
    clock.now = 12 * TICKS_PER_SECOND;
    // From Thursday 29 February to Friday 1 March.
    assert.deepEqual(
      [0x32, 0x09, 0x08, 0x07, 0x06, 0x04, 0x02, 0x00].map(read),
      [0x20, 0x24, 0x03, 0x01, 0x06, 0x00, 0x00, 0x00],
    );
    write(0x0b, 0x04);
    write(0x04, 0x80 | 11);
    assert.equal(read(0x04), 0x80 | 11);
    write(0x0b, 0x06);
    assert.equal(read(0x04), 23);
  });

  it('raises the update-ended flag every second, and IRQ 8 when B bit 4 asks for it', () => {
    const { clock, line, cmos, read, write } = bench();
    clock.now = TICKS_PER_SECOND / 2;
    write(0x0b, 0x12);
    assert.equal(cmos.nextEvent(), TICKS_PER_SECOND);
    cmos.advance((clock.now = TICKS_PER_SECOND));
    assert.equal(line.edges, 1);
    // Not read, it stays high and asks for nothing more.
    assert.equal(cmos.nextEvent(), Infinity);
    assert.equal(read(0x0c) & 0xb0, 0x90);
    assert.equal(line.high, false);
    assert.equal(read(0x0c), 0x00);
    assert.equal(cmos.nextEvent(), 2 * TICKS_PER_SECOND);
    // SET clears the enable.
    write(0x0b, 0x92);
    assert.equal(read(0x0b), 0x82);
  });

  it('interrupts periodically at the rates of the datasheet', () => {
    const rates = [0, 256, 128, 8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2];
    for (const [rate, frequency] of rates.entries()) {
      const { clock, line, cmos, read, write } = bench();
      write(0x0a, 0x20 | rate);
      write(0x0b, 0x42);
      for (let next = cmos.nextEvent(); next <= TICKS_PER_SECOND; next = cmos.nextEvent()) {
        cmos.advance((clock.now = next));
        assert.equal(read(0x0c) & 0xc0, 0xc0);
      }
      assert.equal(line.edges, frequency, `rate ${rate}`);
    }
  });

  it('sets its flags whether or not they interrupt, and interrupts when one that is set is enabled', () => {
    const { clock, line, read, write } = bench();
    clock.now = 3 * TICKS_PER_SECOND;
    assert.equal(read(0x0c), 0x50);
    clock.now += 100_000;
    write(0x0b, 0x42);
    assert.equal(line.high, true);
    assert.equal(read(0x0c), 0xc0);
  });

  it('has an alarm at a time, with bytes from 0xc0 for any', () => {
    const { clock, line, cmos, read, write } = bench();
    write(0x05, 0x01);
    write(0x03, 0x02);
    write(0x01, 0x03);
    write(0x0b, 0x22);
    assert.equal(cmos.nextEvent(), 3723 * TICKS_PER_SECOND);
    cmos.advance((clock.now = 3723 * TICKS_PER_SECOND));
    assert.equal(line.edges, 1);
    assert.equal(read(0x0c) & 0xa0, 0xa0);
    assert.equal(cmos.nextEvent(), (86_400 + 3723) * TICKS_PER_SECOND);
    write(0x05, 0xff);
    assert.equal(cmos.nextEvent(), (3600 + 3723) * TICKS_PER_SECOND);
    write(0x03, 0xc0);
    assert.equal(cmos.nextEvent(), (60 + 3723) * TICKS_PER_SECOND);
    write(0x01, 0xc1);
    assert.equal(cmos.nextEvent(), 3724 * TICKS_PER_SECOND);
    write(0x01, 0x61);
    assert.equal(cmos.nextEvent(), Infinity);
  });

  it('updates half a second after the divider comes out of its reset', () => {
    const { clock, read, write } = bench();
    write(0x0a, 0x70);
    clock.now = 12_345_678;
    assert.equal(read(0x0a), 0x70);
    write(0x0a, 0x26);
    clock.now += TICKS_PER_SECOND / 2 - 1;
    assert.equal(read(0x0a), 0xa6);
    assert.equal(read(0x00), 0x00);
    clock.now += 1;
    assert.equal(read(0x0a), 0x26);
    assert.equal(read(0x00), 0x01);
  });

  it('does not write registers C and D, and says that it has no daylight saving time', () => {
    const { gaps, read, write } = bench();
    write(0x0c, 0xff);
    write(0x0d, 0x00);
    write(0x0b, 0x03);
    assert.deepEqual([read(0x0c), read(0x0d), read(0x0b)], [0x00, 0x80, 0x03]);
    assert.deepEqual(gaps, ['CMOS status register B bit 0: this clock has no daylight saving time']);
  });

  it('comes back from its state', () => {
    const one = bench();
    one.write(0x40, 0x12);
    one.write(0x0b, 0x72);
    one.write(0x08, 0x12);
    output(one.cmos, [0x70, 0xb4]);
    const two = bench();
    two.cmos.restore(throughJson(one.cmos.save()));
    assert.deepEqual(two.cmos.save(), one.cmos.save());
    assert.equal(input(two.cmos, 0x71), input(one.cmos, 0x71));
    assert.equal(two.cmos.nextEvent(), one.cmos.nextEvent());
    assert.equal(two.read(0x08), 0x12);
  });
});
