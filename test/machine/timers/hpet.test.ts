import assert from 'node:assert/strict';
import { Hpet } from '../../../src/machine/timers/hpet.ts';
import { HPET_ADDRESS } from '../../../src/machine/timers/hpet-registers.ts';
import { TestClock, TestLine, throughJson } from '../support.ts';

class Bench {
  readonly clock = new TestClock();
  readonly lines = { timer: new TestLine(), clock: new TestLine(), pin: new TestLine() };
  readonly reports: string[] = [];
  readonly hpet = new Hpet(this.clock, this.lines, (what) => this.reports.push(what));

  read(offset: number): number {
    return this.hpet.memoryRead(HPET_ADDRESS + offset, 32);
  }

  write(...writes: readonly (readonly [offset: number, value: number])[]): void {
    for (const [offset, value] of writes) this.hpet.memoryWrite(HPET_ADDRESS + offset, 32, value);
  }

  /** Lets time pass event by event. Returns the ticks of the events. */
  runTo(tick: number): number[] {
    const events: number[] = [];
    for (let next = this.hpet.nextEvent(); next <= tick; next = this.hpet.nextEvent()) {
      this.clock.now = next;
      this.hpet.advance(next);
      events.push(next);
    }
    this.clock.now = tick;
    return events;
  }
}

describe('HPET', () => {
  it('reads after a reset as under QEMU -M pc (7.2)', () => {
    const bench = new Bench();
    const words = Array.from({ length: 0x160 / 4 }, (_, index) => bench.read(index * 4));
    const set = Object.fromEntries(
      words.flatMap((word, index) => (word === 0 ? [] : [[(index * 4).toString(16), word.toString(16)]])),
    );
    assert.deepEqual(set, {
      ...{ 0: '8086a201', 4: '989680' },
      ...{ 100: '30', 104: '4', 108: 'ffffffff', '10c': 'ffffffff' },
      ...{ 120: '30', 124: '4', 128: 'ffffffff', '12c': 'ffffffff' },
      ...{ 140: '30', 144: '4', 148: 'ffffffff', '14c': 'ffffffff' },
    });
  });

  it('counts a tick each 10 ns while enabled, stands while not, and takes 64 bits', () => {
    const bench = new Bench();
    bench.clock.now = 500;
    assert.equal(bench.read(0xf0), 0);
    bench.write([0xf0, 0xfffffff0], [0xf4, 7], [0x10, 1]);
    bench.clock.now = 600;
    assert.equal(bench.read(0xf0), 0x54);
    assert.equal(bench.read(0xf4), 8);
    bench.write([0x10, 0]);
    bench.clock.now = 700;
    assert.equal(bench.read(0xf0), 0x54);
  });

  it('interrupts once when the counter meets the comparator, edge-triggered', () => {
    const bench = new Bench();
    bench.write([0x10, 1], [0x100, 0x404], [0x108, 1000], [0x10c, 0]);
    assert.deepEqual(bench.runTo(10_000), [1000]);
    assert.equal(bench.lines.pin.edges, 1);
    assert.equal(bench.lines.pin.high, false);
    assert.equal(bench.read(0x20), 0);
    bench.write([0x100, 0]);
    assert.equal(bench.hpet.nextEvent(), Infinity);
  });

  it('level-triggered: the line and the status stay until 1 is written to the status', () => {
    const bench = new Bench();
    bench.write([0x10, 1], [0x120, 0x406], [0x128, 50], [0x12c, 0]);
    bench.runTo(60);
    assert.equal(bench.lines.pin.high, true);
    assert.equal(bench.read(0x20), 2);
    bench.write([0x20, 1]);
    assert.equal(bench.lines.pin.high, true);
    bench.write([0x20, 2]);
    assert.equal(bench.lines.pin.high, false);
    assert.equal(bench.read(0x20), 0);
  });

  it('periodic: the value by VAL_SET, then the period, without drift (2.3.9.2.2)', () => {
    const bench = new Bench();
    bench.write([0x10, 1], [0x100, 0x14c], [0x108, 5000], [0x108, 1000]);
    assert.equal(bench.read(0x100), 0x13c);
    assert.deepEqual(bench.runTo(8500), [5000, 6000, 7000, 8000]);
    assert.equal(bench.read(0x108), 9000);
  });

  it('32-bit mode meets the comparator each time the low half comes round', () => {
    const bench = new Bench();
    bench.write([0x10, 1], [0x140, 0x104], [0x148, 100]);
    assert.deepEqual(bench.runTo(2 ** 32 + 200), [100, 2 ** 32 + 100]);
  });

  it('legacy replacement: comparators 0 and 1 are IRQ 0 and IRQ 8', () => {
    const bench = new Bench();
    bench.write([0x10, 3], [0x100, 0x104], [0x108, 100], [0x120, 0x104], [0x128, 200], [0x140, 0x104], [0x148, 300]);
    bench.runTo(1000);
    assert.equal(bench.hpet.replacesLegacy, true);
    assert.deepEqual([bench.lines.timer.edges, bench.lines.clock.edges, bench.lines.pin.edges], [1, 1, 1]);
  });

  it('reports another pin, a write to the running counter and narrow writes', () => {
    const bench = new Bench();
    bench.write([0x100, 20 << 9], [0x10, 1], [0xf0, 0]);
    bench.hpet.memoryWrite(HPET_ADDRESS + 0x10, 8, 0);
    assert.deepEqual(bench.reports, [
      'HPET interrupt routed to pin 20: pin 2 is the only one',
      'HPET counter written while it runs: it keeps counting',
      'HPET write of 8 bits at offset 0x010: registers are written as 32 or 64 bits',
    ]);
  });

  it('comes back from its state between two interrupts', () => {
    const bench = new Bench();
    bench.write([0x10, 1], [0x100, 0x14c], [0x108, 5000], [0x108, 1000]);
    bench.runTo(6500);
    const copy = new Bench();
    copy.clock.now = 6500;
    copy.hpet.restore(throughJson(bench.hpet.save()));
    assert.deepEqual(copy.hpet.save(), bench.hpet.save());
    assert.deepEqual(copy.runTo(8000), [7000, 8000]);
  });
});
