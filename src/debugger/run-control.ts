import { TICKS_PER_SECOND } from '../machine/clock.ts';
import type { MachineStop, StopReason } from '../machine/stop.ts';
import { Emitter } from '../util/emitter.ts';
import type { Breakpoints } from './breakpoints.ts';
import type { Scheduler } from './scheduler.ts';
import { planStepOut, planStepOver } from './step-plan.ts';
import type { StepPlan } from './step-plan.ts';
import type { Target } from './target.ts';

/** Why the debugger stopped: what the machine says, or what the user asked for. */
export type StopEvent =
  | { readonly reason: 'entry' | 'step' | 'pause' }
  | { readonly reason: 'breakpoint'; readonly breakpoints: readonly number[] }
  /** The machine cannot or may not go on: `halt`, `triple-fault`, `debug-exit` and the like. */
  | { readonly reason: 'machine'; readonly stop: MachineStop }
  /** A defect of ours: the machine stands wherever it happened. */
  | { readonly reason: 'defect'; readonly error: unknown };

/** Work between two looks at the host's input, in instructions: the slowest fast code takes 20 ms for it. */
const SLICE = 400_000;
/** Slow code (system instructions, exceptions, x87) ends its slice after this time instead. */
const LONGEST_SLICE_MILLISECONDS = 10;

/** A guest that waits is left alone for the time it skips, but never longer than this at once. */
const LONGEST_NAP_MILLISECONDS = 20;
const TICKS_PER_MILLISECOND = TICKS_PER_SECOND / 1000;

/** Stops that nothing continues from. */
const FINAL: ReadonlySet<StopReason> = new Set(['triple-fault', 'shutdown', 'debug-exit', 'error']);

/** A run under way. */
interface Run {
  readonly plan: StepPlan | undefined;
}

/** Runs the target in slices between turns of the host's event loop, so that a pause is heard while the guest is in a loop. */
export class RunControl {
  readonly onStop = new Emitter<StopEvent>();
  /** Why the machine stands; undefined before the first stop and while it runs. */
  lastStop: StopEvent | undefined;
  /** After every slice of a run that goes on. */
  readonly onSlice = new Emitter<void>();
  /** Stop when this many instructions have retired since entry. */
  maxInstructions = Infinity;
  private readonly target: Target;
  private readonly breakpoints: Breakpoints;
  private readonly scheduler: Scheduler;
  /** The run under way; a later run is another object, so that a slice that was scheduled before a pause knows that it is over. */
  private run: Run | undefined;
  private nap: { cancel(): void } | undefined;

  constructor(target: Target, breakpoints: Breakpoints, scheduler: Scheduler) {
    this.target = target;
    this.breakpoints = breakpoints;
    this.scheduler = scheduler;
  }

  get running(): boolean {
    return this.run !== undefined;
  }

  /** The guest has ended the machine: it runs no further. */
  get shutDown(): boolean {
    return this.lastStop?.reason === 'machine' && FINAL.has(this.lastStop.stop.reason);
  }

  /** The machine stands before its first instruction. */
  stopAtEntry(): void {
    this.stopped({ reason: 'entry' });
  }

  continue(): void {
    this.start(undefined);
  }

  /** One instruction; the stop comes before this returns. */
  step(): void {
    this.stopped(this.stepOnce());
  }

  /** One instruction, a called function or a repeated string instruction counting as one. */
  stepOver(): void {
    const plan = planStepOver(this.target);
    if (plan === undefined) this.step();
    else this.start(plan);
  }

  /** Prepares a run to the caller, and throws when there is none. */
  planStepOut(): () => void {
    const plan = planStepOut(this.target);
    return () => this.start(plan);
  }

  /** Stops a run; nothing when none is under way. */
  pause(): void {
    if (this.run !== undefined) this.finish({ reason: 'pause' });
  }

  /** Ends a run without an event: the session is over or starts again. */
  abandon(): void {
    this.run = undefined;
    this.nap?.cancel();
    this.breakpoints.setTemporary(undefined);
  }

  /** Input has come from the host: a machine that was left alone while it waits looks at it now. */
  wake(): void {
    if (this.nap === undefined || this.run === undefined) return;
    const run = this.run;
    this.nap.cancel();
    this.nap = undefined;
    this.scheduler.soon(() => this.slice(run));
  }

  private stepOnce(): StopEvent {
    try {
      const stop = this.target.step();
      return stop === undefined ? { reason: 'step' } : { reason: 'machine', stop };
    } catch (error) {
      return { reason: 'defect', error };
    }
  }

  private start(plan: StepPlan | undefined): void {
    const run = { plan };
    this.run = run;
    this.lastStop = undefined;
    this.breakpoints.setTemporary(plan?.until);
    this.scheduler.soon(() => this.slice(run));
  }

  private slice(run: Run): void {
    if (this.run !== run) return;
    const { instructions, ticks } = this.target;
    const stop = this.runSlice(this.maxInstructions - instructions);
    if (stop === undefined) return;
    if (stop.reason === 'breakpoint') return this.atBreakpoint(run);
    if (stop.reason !== 'yield') return this.finish({ reason: 'machine', stop });
    this.onSlice.fire();
    if (stop.idle === true) this.napBefore(run, this.target.ticks - ticks);
    else this.scheduler.soon(() => this.slice(run));
  }

  /** Undefined when a defect of ours has ended the run. */
  private runSlice(maxInstructions: number): MachineStop | undefined {
    try {
      const end = this.scheduler.now() + LONGEST_SLICE_MILLISECONDS;
      return this.target.run({ maxInstructions, slice: SLICE, expired: () => this.scheduler.now() > end });
    } catch (error) {
      this.finish({ reason: 'defect', error });
      return undefined;
    }
  }

  /** A guest in HLT: its skipped time passes on the host too, unless input comes before. With nothing due it waits for input alone. */
  private napBefore(run: Run, skippedTicks: number): void {
    const milliseconds = skippedTicks === 0 ? LONGEST_NAP_MILLISECONDS : skippedTicks / TICKS_PER_MILLISECOND;
    // A host's timer is not finer than this.
    if (milliseconds < 1) return this.scheduler.soon(() => this.slice(run));
    this.nap = this.scheduler.later(
      () => {
        this.nap = undefined;
        this.slice(run);
      },
      Math.min(milliseconds, LONGEST_NAP_MILLISECONDS),
    );
  }

  private atBreakpoint(run: Run): void {
    const address = this.target.instructionAddress;
    const breakpoints = this.breakpoints.at(address);
    const arrived = run.plan?.until === address && run.plan.arrived(this.target);
    if (arrived) this.finish({ reason: 'step' });
    else if (breakpoints.length > 0) this.finish({ reason: 'breakpoint', breakpoints });
    else this.scheduler.soon(() => this.slice(run));
  }

  private finish(event: StopEvent): void {
    this.abandon();
    this.stopped(event);
  }

  private stopped(event: StopEvent): void {
    this.lastStop = event;
    this.onStop.fire(event);
  }
}
