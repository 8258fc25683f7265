import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'mocha';
import { bootDebuggee } from '../../src/debugger/boot-request.ts';
import type { Debuggee } from '../../src/debugger/debuggee.ts';
import { RunControl } from '../../src/debugger/run-control.ts';
import type { StopEvent } from '../../src/debugger/run-control.ts';
import type { Scheduler } from '../../src/debugger/scheduler.ts';
import type { Target } from '../../src/debugger/target.ts';
import { sample } from '../support/samples.ts';

/** An event loop in the hands of the test. */
class ManualScheduler implements Scheduler {
  readonly due: (() => void)[] = [];
  readonly naps: number[] = [];
  /** Milliseconds that pass with every look at the clock. */
  pace = 0;
  private time = 0;
  now(): number {
    this.time += this.pace;
    return this.time;
  }
  soon(callback: () => void): void {
    this.due.push(callback);
  }
  later(callback: () => void, milliseconds: number): { cancel(): void } {
    this.naps.push(milliseconds);
    this.due.push(callback);
    return { cancel: () => void this.due.splice(this.due.indexOf(callback), 1) };
  }
  turn(): void {
    this.due.shift()?.();
  }
}

function boot(name: string, scheduler: Scheduler): Debuggee {
  const load = { memory: 16 << 20, cmdline: '', bootLoaderName: 'test', modules: [], poison: true };
  const kernel = { name: `${name}.elf`, bytes: new Uint8Array(readFileSync(sample(name))) };
  return bootDebuggee({ kernel, entry: 'auto', load, registers: {}, symbols: [] }, scheduler);
}

function stopsOf(control: RunControl): StopEvent[] {
  const stops: StopEvent[] = [];
  control.onStop.on((stop) => stops.push(stop));
  return stops;
}

describe('run control', () => {
  it('gives the host a turn after each slice and hears a pause there', () => {
    const scheduler = new ManualScheduler();
    const { control, target } = boot('paravirt', scheduler);
    const stops = stopsOf(control);
    const instructions = (): number => target.instructions;
    target.write('linear', target.instructionAddress, Uint8Array.of(0xeb, 0xfe));
    control.continue();
    assert.equal(instructions(), 0);
    scheduler.turn();
    const afterOne = instructions();
    assert.ok(afterOne > 0);
    scheduler.turn();
    assert.ok(instructions() > afterOne);
    control.pause();
    assert.deepEqual(stops, [{ reason: 'pause' }]);
    const atPause = instructions();
    // The slice that was scheduled before the pause does nothing.
    scheduler.turn();
    assert.equal(instructions(), atPause);
    assert.equal(control.running, false);
  });

  it('ends a slice of slow code when its time is over', () => {
    const inOneSlice = (pace: number): number => {
      const scheduler = new ManualScheduler();
      scheduler.pace = pace;
      const { control, target } = boot('paravirt', scheduler);
      // CPUID and a jump back to it.
      target.write('linear', target.instructionAddress, Uint8Array.of(0x0f, 0xa2, 0xeb, 0xfc));
      control.continue();
      scheduler.turn();
      return target.instructions;
    };
    const byWork = inOneSlice(0);
    const byTime = inOneSlice(1);
    assert.ok(byTime > 0 && byTime * 10 < byWork, `${byTime} and ${byWork} instructions`);
  });

  it('lets the host rest while the guest waits, for the time that it skips', () => {
    const scheduler = new ManualScheduler();
    const { control } = boot('keyboard', scheduler);
    control.continue();
    for (let turn = 0; turn < 200 && scheduler.naps.length < 5; turn++) scheduler.turn();
    assert.equal(scheduler.naps.length, 5);
    // The sample's timer ticks at 100 Hz; its first naps end when COM1 has sent what it printed.
    for (const nap of scheduler.naps.slice(2)) assert.ok(nap > 9 && nap <= 10.1, String(nap));
  });

  it('wakes a resting machine when input comes', () => {
    const scheduler = new ManualScheduler();
    const { control, machine } = boot('keyboard', scheduler);
    const stops = stopsOf(control);
    control.continue();
    while (scheduler.naps.length === 0) scheduler.turn();
    machine.typeText('q');
    control.wake();
    for (let turn = 0; turn < 200 && stops.length === 0; turn++) scheduler.turn();
    assert.equal(stops[0]?.reason, 'machine');
  });

  it('turns a defect of ours into a stop', () => {
    const scheduler = new ManualScheduler();
    const { target, breakpoints } = boot('paravirt', scheduler);
    const broken: Target = Object.create(target, {
      run: { value: () => assert.fail('broken') },
      step: { value: () => assert.fail('broken') },
    }) as Target;
    const control = new RunControl(broken, breakpoints, scheduler);
    const stops = stopsOf(control);
    control.step();
    control.continue();
    scheduler.turn();
    assert.deepEqual(
      stops.map(({ reason }) => reason),
      ['defect', 'defect'],
    );
    assert.equal(control.running, false);
  });
});
