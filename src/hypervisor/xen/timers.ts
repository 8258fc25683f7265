import type { DeviceState } from '../../machine/device.ts';

/** Nanoseconds of a tick. */
const TICK = 10n;
/** Ticks between the interrupts that a PV guest gets until it says otherwise: 100 Hz (Xen 4.2, arch/x86/domain.c). */
const DEFAULT_PERIOD = 1_000_000;
const LONGEST = 2n ** 52n;

/** The three clocks of a virtual CPU: one shot, periodic, and the timeout of a poll. All in ticks. */
export class Timers {
  private oneShot = Infinity;
  private period: number;
  private nextPeriod: number;
  private pollEnd = Infinity;

  /** `ticking`: the periodic timer runs from the start. */
  constructor(ticking: boolean) {
    this.period = ticking ? DEFAULT_PERIOD : Infinity;
    this.nextPeriod = this.period;
  }

  get nextEvent(): number {
    return Math.min(this.oneShot, this.nextPeriod, this.pollEnd);
  }

  /** `nanoseconds` of system time; 0 for never. */
  setOneShot(nanoseconds: bigint): void {
    this.oneShot = nanoseconds === 0n ? Infinity : tickAt(nanoseconds);
  }
  /** Whole nanoseconds between interrupts, 0 for none. */
  setPeriod(nanoseconds: bigint, now: number): void {
    this.period = nanoseconds === 0n ? Infinity : Math.max(1, tickAt(nanoseconds));
    this.nextPeriod = now + this.period;
  }
  setPollEnd(nanoseconds: bigint): void {
    this.pollEnd = nanoseconds === 0n ? Infinity : tickAt(nanoseconds);
  }
  stopPoll(): void {
    this.pollEnd = Infinity;
  }

  /** What is due at `now`. */
  advance(now: number): { readonly timer: boolean; readonly poll: boolean } {
    const timer = this.oneShot <= now || this.nextPeriod <= now;
    const poll = this.pollEnd <= now;
    if (this.oneShot <= now) this.oneShot = Infinity;
    if (this.nextPeriod <= now)
      this.nextPeriod += this.period * (Math.floor((now - this.nextPeriod) / this.period) + 1);
    if (poll) this.pollEnd = Infinity;
    return { timer, poll };
  }

  save(): DeviceState {
    const word = (value: number): number | null => (Number.isFinite(value) ? value : null);
    return {
      oneShot: word(this.oneShot),
      period: word(this.period),
      nextPeriod: word(this.nextPeriod),
      pollEnd: word(this.pollEnd),
    };
  }
  restore(state: DeviceState): void {
    const from = (name: string): number => {
      const value = state[name];
      return typeof value === 'number' ? value : Infinity;
    };
    this.oneShot = from('oneShot');
    this.period = from('period');
    this.nextPeriod = from('nextPeriod');
    this.pollEnd = from('pollEnd');
  }
}

/** The first tick at which that many nanoseconds have passed. */
function tickAt(nanoseconds: bigint): number {
  const ticks = (nanoseconds + TICK - 1n) / TICK;
  return ticks > LONGEST ? Infinity : Number(ticks);
}
