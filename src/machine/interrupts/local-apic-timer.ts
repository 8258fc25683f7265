import type { DeviceState } from '../device.ts';

type TimerState = {
  /** Tick at which the count was `initial`; null while the timer stands. */
  start: number | null;
  initial: number;
  /** Divide configuration register. */
  divide: number;
};

/**
 * The timer of a local APIC (SDM 3A 10.5.4). Its bus clock is 100 MHz, one cycle a tick, so that a count lasts 1 to 128 ticks and
 * a period `initial` counts. Whoever asks lets it {@link expire} first.
 */
export class LocalApicTimer {
  private state: TimerState = powerOn();

  get initial(): number {
    return this.state.initial;
  }
  get divide(): number {
    return this.state.divide;
  }

  /** Tick at which the count reaches zero; Infinity while it stands. */
  get due(): number {
    const { start, initial } = this.state;
    return start === null ? Infinity : start + initial * this.unit;
  }

  /** The current count at tick `now`. */
  current(now: number): number {
    const { start, initial } = this.state;
    return start === null ? 0 : initial - Math.floor((now - start) / this.unit);
  }

  /** Starts at `now` with this count; 0 stops. */
  writeInitial(value: number, now: number): void {
    this.state.initial = value;
    this.state.start = value === 0 ? null : now;
  }

  /** The count goes on from where it is, at the new pace. */
  writeDivide(value: number, now: number): void {
    const passed = this.state.initial - this.current(now);
    this.state.divide = value & 0x0b;
    if (this.state.start !== null) this.state.start = now - passed * this.unit;
  }

  /** Whether the count has reached zero by `now`; a periodic one then runs on without drift, the other stands. */
  expire(now: number, periodic: boolean): boolean {
    const { state } = this;
    if (state.start === null || now < this.due) return false;
    const period = state.initial * this.unit;
    state.start = periodic ? state.start + Math.floor((now - state.start) / period) * period : null;
    return true;
  }

  reset(): void {
    this.state = powerOn();
  }

  save(): DeviceState {
    return { ...this.state };
  }

  restore(state: DeviceState): void {
    this.state = { ...(state as TimerState) };
  }

  /** Ticks a count: bits 3, 1 and 0 give 2, 4 … 128, and 7 gives 1. */
  private get unit(): number {
    const { divide } = this.state;
    const code = ((divide >> 1) & 4) | (divide & 3);
    return 1 << ((code + 1) & 7);
  }
}

function powerOn(): TimerState {
  return { start: null, initial: 0, divide: 0 };
}
