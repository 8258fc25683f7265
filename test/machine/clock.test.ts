import assert from 'node:assert/strict';
import { cyclesAt, MachineClock, tickOfCycle, TICKS_PER_SECOND } from '../../src/machine/clock.ts';

const PIT = 1_193_182;

describe('clock', () => {
  it('counts an oscillator exactly, without drift over a century', () => {
    assert.equal(cyclesAt(0, PIT), 0);
    assert.equal(cyclesAt(83, PIT), 0);
    // 10^8 / 1193182 = 83.8095...: the first cycle is complete at tick 84.
    assert.equal(cyclesAt(84, PIT), 1);
    assert.equal(cyclesAt(TICKS_PER_SECOND, PIT), PIT);
    const century = 3_155_760_000 / 100;
    assert.equal(cyclesAt(century * TICKS_PER_SECOND, PIT), century * PIT);
  });

  it('finds the first tick of a cycle', () => {
    assert.equal(tickOfCycle(1, PIT), 84);
    assert.equal(tickOfCycle(PIT, PIT), TICKS_PER_SECOND);
    // 11932 cycles, the customary 100 Hz: 1000015.08... ticks.
    assert.equal(tickOfCycle(11_932, PIT), 1_000_016);
    for (const cycle of [2, 3, 1000, 65_536, 1_193_181, 1_193_183, 123_456_789]) {
      const tick = tickOfCycle(cycle, PIT);
      assert.equal(cyclesAt(tick, PIT), cycle);
      assert.equal(cyclesAt(tick - 1, PIT), cycle - 1);
    }
  });

  it('adds retired instructions and skipped idle ticks', () => {
    let retired = 5;
    const clock = new MachineClock(() => retired);
    assert.equal(clock.now, 5);
    clock.skipTo(105);
    assert.equal(clock.now, 105);
    retired = 7;
    assert.equal(clock.now, 107);
    clock.skipTo(100);
    assert.equal(clock.now, 107);
  });
});
