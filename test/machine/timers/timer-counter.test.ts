import assert from 'node:assert/strict';
import { TimerCounter, type TimerMode } from '../../../src/machine/timers/timer-counter.ts';

const LOW_BYTE = 1;
const TWO_BYTES = 3;

/** A counter at cycle 0 with a count of one byte, and its OUT as `1` and `0` from one cycle to another. */
class Bench {
  readonly counter: TimerCounter;
  private now = 0;

  constructor(mode: TimerMode, gate: boolean, access = LOW_BYTE) {
    this.counter = new TimerCounter(gate);
    this.counter.control(mode, access, false);
  }
  /** OUT at each cycle up to `end`, which is the next one. */
  out(end: number): string {
    let text = '';
    for (; this.now < end; this.now++) text += this.counter.output(this.now) ? '1' : '0';
    return text;
  }
  write(...bytes: readonly number[]): this {
    for (const byte of bytes) this.counter.write(byte, this.now);
    return this;
  }
  gate(high: boolean): this {
    this.counter.setGate(high, this.now);
    return this;
  }
  get count(): number {
    this.counter.latchCount(this.now);
    return this.counter.read(this.now);
  }
}

/** Intel 231164-005, "Mode Definitions" and figures 15 to 20. A count written or a trigger at cycle n is loaded at n + 1. */
describe('8254 counter: gate and new counts', () => {
  it('mode 0: a low gate holds the count, and OUT as it is', () => {
    const bench = new Bench(0, true).write(4);
    assert.equal(bench.out(3), '000');
    assert.equal(bench.gate(false).out(8), '00000');
    assert.equal(bench.count, 2);
    assert.equal(bench.gate(true).out(13), '00111');
    assert.equal(bench.gate(false).out(15), '11');
  });

  it('mode 0: a count written with the gate low is loaded, and needs no cycle for it when the gate rises', () => {
    const bench = new Bench(0, false).write(3);
    assert.equal(bench.out(5), '00000');
    assert.equal(bench.count, 3);
    assert.equal(bench.gate(true).out(10), '00011');
  });

  it('mode 0: a new count takes OUT low again, one of two bytes at its first byte', () => {
    const bench = new Bench(0, true).write(2);
    assert.equal(bench.out(5), '00011');
    assert.equal(bench.write(2).out(10), '00011');
    const wide = new Bench(0, true, TWO_BYTES).write(2, 0);
    assert.equal(wide.out(5), '00011');
    assert.equal(wide.write(3).out(9), '0000', 'stopped');
    assert.equal(wide.write(0).out(14), '00001');
  });

  it('mode 1: waits for a trigger; a trigger in the pulse makes it longer without a gap', () => {
    const bench = new Bench(1, false).write(3);
    assert.equal(bench.out(3), '111');
    assert.equal(bench.gate(true).out(6), '100');
    assert.equal(bench.gate(false).gate(true).out(11), '00001');
    assert.equal(bench.gate(false).out(13), '11', 'a low gate has no effect');
  });

  it('mode 1: a new count waits for the next trigger', () => {
    const bench = new Bench(1, false).write(4).gate(true);
    assert.equal(bench.out(3), '100');
    assert.equal(bench.write(2).out(7), '0011');
    assert.equal(bench.gate(false).gate(true).out(11), '1001');
  });

  it('mode 2: a low gate takes OUT high at once; a rising one begins a whole period', () => {
    const bench = new Bench(2, true).write(3);
    assert.equal(bench.out(8), '11101101');
    assert.equal(bench.out(9), '1');
    assert.equal(bench.gate(false).out(14), '11111');
    assert.equal(bench.gate(true).out(21), '1110110');
  });

  it('mode 2: a gate that rises loads the new count, before the end of the period', () => {
    const bench = new Bench(2, true).write(5);
    bench.out(2);
    assert.equal(bench.write(2).gate(false).gate(true).out(8), '110101');
  });

  it('mode 3: a low gate takes OUT high in the low half; a rising one begins with the high half', () => {
    const bench = new Bench(3, true).write(4);
    assert.equal(bench.out(4), '1110');
    assert.equal(bench.gate(false).out(7), '111');
    assert.equal(bench.gate(true).out(14), '1110011');
  });

  it('mode 3: an odd count is high for one cycle more than low', () => {
    assert.equal(new Bench(3, true).write(5).out(12), '111100111001');
  });

  it('mode 4: a strobe N + 1 cycles behind the write, and none before the next', () => {
    const bench = new Bench(4, true).write(3);
    assert.equal(bench.out(10), '1111011111');
    assert.equal(bench.write(2).out(16), '111011');
  });

  it('mode 4: a low gate holds the count, and does not make the strobe longer', () => {
    const bench = new Bench(4, true).write(3);
    assert.equal(bench.out(2), '11');
    assert.equal(bench.gate(false).out(6), '1111');
    assert.equal(bench.gate(true).out(8), '11');
    assert.equal(bench.gate(false).out(8), '');
    assert.equal(bench.out(12), '0111');
    assert.equal(bench.gate(true).out(15), '111');
  });

  it('mode 4: a new count begins again, one of two bytes at its second byte', () => {
    const bench = new Bench(4, true, TWO_BYTES).write(4, 0);
    assert.equal(bench.out(3), '111');
    assert.equal(bench.write(2).out(4), '1');
    assert.equal(bench.write(0).out(9), '11101');
  });

  it('mode 5: a strobe N + 1 cycles behind a trigger; another trigger begins again', () => {
    const bench = new Bench(5, false).write(3);
    assert.equal(bench.out(4), '1111');
    assert.equal(bench.gate(true).out(7), '111');
    assert.equal(bench.gate(false).gate(true).out(13), '111101');
    assert.equal(bench.gate(false).out(15), '11');
  });

  it('mode 5: a new count waits for the next trigger', () => {
    const bench = new Bench(5, false).write(3).gate(true);
    assert.equal(bench.out(2), '11');
    assert.equal(bench.write(1).out(7), '11011');
    assert.equal(bench.gate(false).gate(true).out(11), '1101');
  });
});
