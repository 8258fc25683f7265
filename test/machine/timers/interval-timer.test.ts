import assert from 'node:assert/strict';
import { tickOfCycle } from '../../../src/machine/clock.ts';
import { IntervalTimer, TIMER_FREQUENCY } from '../../../src/machine/timers/interval-timer.ts';
import { input, output, TestClock, TestLine, throughJson } from '../support.ts';

class Bench {
  readonly clock = new TestClock();
  readonly line = new TestLine();
  readonly timer = new IntervalTimer(this.clock, this.line);

  /** Lets time pass up to `tick` as the machine does: event by event. Returns the ticks at which IRQ 0 rose. */
  runTo(tick: number): number[] {
    const rises: number[] = [];
    for (let next = this.timer.nextEvent(); next <= tick; next = this.timer.nextEvent()) {
      const { edges } = this.line;
      this.clock.now = next;
      this.timer.advance(next);
      if (this.line.edges > edges) rises.push(next);
    }
    this.clock.now = tick;
    return rises;
  }

  /** Moves to the first tick of a cycle of the timer's clock. */
  toCycle(cycle: number): void {
    this.runTo(tickOfCycle(cycle, TIMER_FREQUENCY));
  }

  /** Latches counter `index` and reads both bytes. */
  count(index: number): number {
    output(this.timer, [0x43, index << 6]);
    const low = input(this.timer, 0x40 + index);
    return (input(this.timer, 0x40 + index) << 8) | low;
  }

  /** Status byte of counter `index` by the read-back command. */
  status(index: number): number {
    output(this.timer, [0x43, 0xe0 | (2 << index)]);
    return input(this.timer, 0x40 + index);
  }
}

describe('8254 interval timer', () => {
  it('has nothing to do before it is programmed', () => {
    assert.equal(new Bench().timer.nextEvent(), Infinity);
  });

  it('mode 2: reload 11932 interrupts every 10 ms, exactly on the cycle, without drift', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 11_932 & 0xff], [0x40, 11_932 >> 8]);
    const rises = bench.runTo(100 * 100_000_000);
    // The count is loaded with the cycle after the write; 100 s hold 119,318,200 cycles, 9999 periods and a part.
    assert.equal(rises.length, Math.floor((100 * TIMER_FREQUENCY - 1) / 11_932));
    rises.forEach((tick, index) => {
      assert.equal(tick, tickOfCycle(1 + (index + 1) * 11_932, TIMER_FREQUENCY));
    });
    assert.equal(rises[0], 1_000_099);
  });

  it('mode 2: OUT is low for the one cycle before the interrupt; the count goes from N to 1', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 4], [0x40, 0]);
    const seen: [number, boolean][] = [];
    for (let cycle = 1; cycle <= 6; cycle++) {
      bench.toCycle(cycle);
      seen.push([bench.count(0), bench.line.high]);
    }
    assert.deepEqual(seen, [
      [4, true],
      [3, true],
      [2, true],
      [1, false],
      [4, true],
      [3, true],
    ]);
  });

  it('mode 2: a new count waits for the end of the period', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 100], [0x40, 0]);
    bench.toCycle(51);
    assert.equal(bench.status(0) & 0x40, 0);
    output(bench.timer, [0x40, 10], [0x40, 0]);
    assert.equal(bench.status(0) & 0x40, 0x40);
    const rises = bench.runTo(tickOfCycle(125, TIMER_FREQUENCY));
    assert.deepEqual(
      rises,
      [101, 111, 121].map((cycle) => tickOfCycle(cycle, TIMER_FREQUENCY)),
    );
  });

  it('mode 3: even counts give a square wave and count by two', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x36], [0x40, 4], [0x40, 0]);
    const seen: [number, boolean][] = [];
    for (let cycle = 1; cycle <= 6; cycle++) {
      bench.toCycle(cycle);
      seen.push([bench.count(0), bench.line.high]);
    }
    assert.deepEqual(seen, [
      [4, true],
      [2, true],
      [4, false],
      [2, false],
      [4, true],
      [2, true],
    ]);
  });

  it('mode 3: odd counts are high one cycle longer (5: three high, two low)', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x36], [0x40, 5], [0x40, 0]);
    const high: boolean[] = [];
    const counts: number[] = [];
    for (let cycle = 1; cycle <= 6; cycle++) {
      bench.toCycle(cycle);
      high.push(bench.line.high);
      counts.push(bench.count(0));
    }
    assert.deepEqual(high, [true, true, true, false, false, true]);
    assert.deepEqual(counts, [4, 2, 0, 4, 2, 4]);
  });

  it('mode 3: a new count written in the high half begins with its low half', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x36], [0x40, 100], [0x40, 0]);
    bench.toCycle(11);
    output(bench.timer, [0x40, 20], [0x40, 0]);
    const rises = bench.runTo(tickOfCycle(90, TIMER_FREQUENCY));
    // High 1..51, then low for 10, then periods of 20.
    assert.deepEqual(
      rises,
      [61, 81].map((cycle) => tickOfCycle(cycle, TIMER_FREQUENCY)),
    );
  });

  it('mode 0: one interrupt N + 1 cycles after the write, then the count runs on', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x30]);
    assert.equal(bench.line.high, false);
    output(bench.timer, [0x40, 0x10], [0x40, 0x00]);
    assert.deepEqual(bench.runTo(10_000_000), [tickOfCycle(17, TIMER_FREQUENCY)]);
    assert.equal(bench.timer.nextEvent(), Infinity);
    const fresh = new Bench();
    output(fresh.timer, [0x43, 0x30], [0x40, 0x10], [0x40, 0x00]);
    fresh.toCycle(18);
    assert.equal(fresh.count(0), 0xffff);
  });

  it('mode 0: the first byte of a new count stops the counting', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x30], [0x40, 0x10], [0x40, 0x00]);
    bench.toCycle(5);
    output(bench.timer, [0x40, 0x08]);
    assert.equal(bench.timer.nextEvent(), Infinity);
    output(bench.timer, [0x40, 0x00]);
    assert.equal(bench.timer.nextEvent(), tickOfCycle(5 + 1 + 8, TIMER_FREQUENCY));
  });

  it('mode 4: OUT is low for one cycle', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x38], [0x40, 3], [0x40, 0]);
    const high: boolean[] = [];
    for (let cycle = 1; cycle <= 6; cycle++) {
      bench.toCycle(cycle);
      high.push(bench.line.high);
    }
    assert.deepEqual(high, [true, true, true, false, true, true]);
  });

  it('takes low byte, high byte, both and BCD', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x14], [0x40, 0x80]);
    bench.toCycle(1);
    assert.equal(input(bench.timer, 0x40), 0x80);
    output(bench.timer, [0x43, 0x24], [0x40, 0x80]);
    bench.toCycle(2);
    assert.equal(input(bench.timer, 0x40), 0x80);
    bench.toCycle(3);
    assert.equal(input(bench.timer, 0x40), 0x7f);
    output(bench.timer, [0x43, 0x35], [0x40, 0x00], [0x40, 0x10]);
    bench.toCycle(4);
    assert.equal(bench.count(0), 0x1000);
    bench.toCycle(5);
    assert.equal(bench.count(0), 0x0999);
  });

  it('counts 65536 for a count of zero', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 0], [0x40, 0]);
    assert.deepEqual(bench.runTo(6_000_000), [tickOfCycle(65_537, TIMER_FREQUENCY)]);
  });

  it('latches a count until it is read, and the first latch wins', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 0x34], [0x40, 0x12]);
    bench.toCycle(1);
    output(bench.timer, [0x43, 0x00]);
    bench.toCycle(100);
    output(bench.timer, [0x43, 0x00]);
    assert.equal(input(bench.timer, 0x40), 0x34);
    assert.equal(input(bench.timer, 0x40), 0x12);
    assert.equal(bench.count(0), 0x1234 - 99);
  });

  it('reads status and count back together, status first', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 0x00], [0x40, 0x10]);
    assert.equal(bench.status(0), 0x80 | 0x40 | 0x34);
    bench.toCycle(1);
    output(bench.timer, [0x43, 0xc2]);
    assert.equal(input(bench.timer, 0x40), 0x80 | 0x34);
    assert.equal(input(bench.timer, 0x40), 0x00);
    assert.equal(input(bench.timer, 0x40), 0x10);
  });

  it('port 0x61: gate and OUT of counter 2 measure 10 ms, as kernels calibrate', () => {
    const bench = new Bench();
    output(bench.timer, [0x61, 0x01], [0x43, 0xb0], [0x42, 11_932 & 0xff], [0x42, 11_932 >> 8]);
    assert.equal(input(bench.timer, 0x61) & 0x23, 0x01);
    bench.toCycle(11_932);
    assert.equal(input(bench.timer, 0x61) & 0x20, 0x00);
    bench.toCycle(11_933);
    assert.equal(input(bench.timer, 0x61) & 0x20, 0x20);
  });

  it('port 0x61: a low gate holds mode 0 and a rising gate restarts mode 3', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0xb0], [0x42, 100], [0x42, 0]);
    bench.toCycle(50);
    assert.equal(bench.count(2), 100);
    output(bench.timer, [0x61, 0x01]);
    bench.toCycle(60);
    assert.equal(bench.count(2), 90);
    output(bench.timer, [0x61, 0x00]);
    bench.toCycle(80);
    assert.equal(bench.count(2), 90);
    output(bench.timer, [0x61, 0x01]);
    bench.toCycle(90);
    assert.equal(bench.count(2), 80);
    output(bench.timer, [0x43, 0xb6], [0x42, 100], [0x42, 0]);
    bench.toCycle(120);
    output(bench.timer, [0x61, 0x00]);
    assert.equal(input(bench.timer, 0x61) & 0x20, 0x20);
    output(bench.timer, [0x61, 0x01]);
    bench.toCycle(121);
    assert.equal(bench.count(2), 100);
  });

  it('mode 1: the gate triggers one pulse, and again', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0xb2], [0x42, 10], [0x42, 0]);
    const out = (): number => input(bench.timer, 0x61) & 0x20;
    bench.toCycle(20);
    assert.equal(out(), 0x20);
    output(bench.timer, [0x61, 0x01]);
    bench.toCycle(21);
    assert.equal(out(), 0x00);
    bench.toCycle(30);
    assert.equal(out(), 0x00);
    bench.toCycle(31);
    assert.equal(out(), 0x20);
    output(bench.timer, [0x61, 0x00], [0x61, 0x01]);
    bench.toCycle(32);
    assert.equal(out(), 0x00);
  });

  it('port 0x61: bit 4 toggles with the refresh, every 18 cycles', () => {
    const bench = new Bench();
    const seen = [0, 17, 18, 35, 36].map((cycle) => {
      bench.toCycle(cycle);
      return input(bench.timer, 0x61) & 0x10;
    });
    assert.deepEqual(seen, [0, 0, 0x10, 0x10, 0]);
  });

  it('comes back from its state in the middle of a period and of a two-byte access', () => {
    const bench = new Bench();
    output(bench.timer, [0x43, 0x34], [0x40, 0x9c], [0x40, 0x2e], [0x61, 0x03], [0x43, 0xb6], [0x42, 0x55]);
    bench.toCycle(7000);
    output(bench.timer, [0x43, 0x00]);
    input(bench.timer, 0x40);
    const copy = new Bench();
    copy.clock.now = bench.clock.now;
    copy.timer.restore(throughJson(bench.timer.save()));
    assert.equal(input(copy.timer, 0x40), input(bench.timer, 0x40));
    output(copy.timer, [0x42, 0x01]);
    output(bench.timer, [0x42, 0x01]);
    assert.deepEqual(copy.timer.save(), bench.timer.save());
    assert.equal(copy.timer.nextEvent(), bench.timer.nextEvent());
    assert.equal(input(copy.timer, 0x61), input(bench.timer, 0x61));
  });
});
