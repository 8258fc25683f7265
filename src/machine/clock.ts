/** One retired instruction, or one skipped idle tick, is 10 ns of guest time. */
export const TICKS_PER_SECOND = 100_000_000;

/** The machine's time. Devices see the count and nothing else: no host clock stands behind it. */
export interface Clock {
  /** Ticks since power-on. */
  readonly now: number;
}

/**
 * Whole cycles of an oscillator of `frequency` (Hz) since power-on at tick `ticks`. Exact: seconds are split off first, so
 * that no product passes 2^53 for frequencies up to 90 MHz.
 */
export function cyclesAt(ticks: number, frequency: number): number {
  const seconds = Math.floor(ticks / TICKS_PER_SECOND);
  return seconds * frequency + Math.floor(((ticks % TICKS_PER_SECOND) * frequency) / TICKS_PER_SECOND);
}

/** The first tick at which `cycles` cycles of `frequency` (Hz) have passed: the inverse of {@link cyclesAt}. */
export function tickOfCycle(cycles: number, frequency: number): number {
  const seconds = Math.floor(cycles / frequency);
  return seconds * TICKS_PER_SECOND + Math.ceil(((cycles % frequency) * TICKS_PER_SECOND) / frequency);
}

/** Time of a machine: what the CPU has retired, and the idle ticks skipped while it was halted. */
export class MachineClock implements Clock {
  private readonly retired: () => number;
  /** Ticks skipped so far while the CPU was halted. */
  idle = 0;

  constructor(retired: () => number) {
    this.retired = retired;
  }

  get now(): number {
    return this.retired() + this.idle;
  }

  /** Lets idle time pass up to tick `now`. */
  skipTo(now: number): void {
    this.idle += Math.max(0, now - this.now);
  }
}
