import { fromBcd, toBcd } from './bcd.ts';
import type { DeviceState } from '../device.ts';

/** Modes of the 8254 (Intel 231164-005, "Mode Definitions"). */
export type TimerMode = 0 | 1 | 2 | 3 | 4 | 5;

type CounterState = {
  mode: TimerMode;
  /** Control word bits RW1 RW0: 1 low byte, 2 high byte, 3 low then high. */
  access: number;
  bcd: boolean;
  /** Count register: what the CPU wrote last, 1..65536; null before. */
  written: number | null;
  /** The count that the counting element took at `loadedAt`. */
  reload: number;
  /** Cycle at which the counting element takes, or took, the count; null before the first count or trigger. */
  loadedAt: number | null;
  /** Modes 2 and 3: the cycle that ends the period, at which a count written meanwhile takes over; null when none waits. */
  takeover: number | null;
  gate: boolean;
  /** Cycle at which the gate stopped the counting; null while it counts. */
  stoppedAt: number | null;
  /** Mode 1: the trigger came in the middle of a pulse, which goes on. */
  retriggered: boolean;
  /** Low byte of a two-byte count of which the high byte has not come. */
  lowByte: number | null;
  /** The next read of a two-byte count gives the high byte. */
  readsHigh: boolean;
  latchedCount: number | null;
  latchedStatus: number | null;
};

/** One counter of an 8254. Its time is cycles of its own clock input; everything follows from when the count was loaded. */
export class TimerCounter {
  private state: CounterState;

  /** `gate` is the GATE pin at power-on. */
  constructor(gate: boolean) {
    this.state = powerOn(gate);
  }

  get gate(): boolean {
    return this.state.gate;
  }

  /** Control word other than a latch command: the counter waits for a new count. */
  control(mode: TimerMode, access: number, bcd: boolean): void {
    const { gate } = this.state;
    this.state = { ...powerOn(gate), mode, access, bcd };
  }

  /** One byte of the count, at cycle `now`. */
  write(value: number, now: number): void {
    this.settle(now);
    const { state } = this;
    if (state.access === 1) this.load(value, now);
    else if (state.access === 2) this.load(value << 8, now);
    else if (state.lowByte === null) {
      state.lowByte = value;
      // In mode 0 the first byte stops the counting and takes OUT low.
      if (state.mode === 0) state.loadedAt = null;
    } else {
      const low = state.lowByte;
      state.lowByte = null;
      this.load((value << 8) | low, now);
    }
  }

  /** The next byte of what is latched, or of the live count. */
  read(now: number): number {
    const { state } = this;
    if (state.latchedStatus !== null) {
      const status = state.latchedStatus;
      state.latchedStatus = null;
      return status;
    }
    const count = state.latchedCount ?? this.count(now);
    const high = state.access === 2 || (state.access === 3 && state.readsHigh);
    if (state.access === 3) state.readsHigh = !state.readsHigh;
    if (state.access !== 3 || high) state.latchedCount = null;
    return high ? count >> 8 : count & 0xff;
  }

  /** Counter latch command. A count that is latched and unread stays. */
  latchCount(now: number): void {
    this.state.latchedCount ??= this.count(now);
  }

  /** Read-back of the status byte. */
  latchStatus(now: number): void {
    const output = this.output(now) ? 0x80 : 0;
    const { state } = this;
    const nullCount = state.loadedAt === null || now < state.loadedAt || state.takeover !== null ? 0x40 : 0;
    state.latchedStatus ??= output | nullCount | (state.access << 4) | (state.mode << 1) | (state.bcd ? 1 : 0);
  }

  /** The GATE pin. */
  setGate(high: boolean, now: number): void {
    this.settle(now);
    const { state } = this;
    if (high === state.gate) return;
    state.gate = high;
    const triggered = state.mode === 1 || state.mode === 5;
    if (!high) {
      // The strobe of mode 4 is not made longer.
      const strobes = state.mode === 4 && !this.output(now);
      if (!triggered) state.stoppedAt = strobes ? now + 1 : now;
    } else if (state.mode === 0 || state.mode === 4) {
      if (state.loadedAt !== null && state.stoppedAt !== null)
        state.loadedAt += Math.max(0, now - Math.max(state.stoppedAt, state.loadedAt));
      state.stoppedAt = null;
    } else {
      state.stoppedAt = null;
      state.retriggered = state.mode === 1 && !this.output(now);
      // A rising gate is the trigger: the count is loaded with the next cycle.
      this.take(now + 1);
    }
  }

  /** The OUT pin at cycle `now`. */
  output(now: number): boolean {
    this.settle(now);
    const { mode, reload, loadedAt, stoppedAt, retriggered } = this.state;
    if (loadedAt === null) return mode !== 0;
    if (stoppedAt !== null && (mode === 2 || mode === 3)) return true;
    if (now < loadedAt && retriggered) return false;
    return outputAfter(mode, reload, Math.min(now, stoppedAt ?? now) - loadedAt);
  }

  /** The cycle at which OUT changes next; Infinity when never. */
  nextChange(now: number): number {
    this.settle(now);
    const { mode, reload, loadedAt, stoppedAt } = this.state;
    if (loadedAt === null || stoppedAt !== null) return Infinity;
    return loadedAt + nextChangeAfter(mode, reload, now - loadedAt);
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as CounterState);
  }

  /** Count written: 0 means the largest. It reaches the counting element with the next cycle, or where the mode says later. */
  private load(count: number, now: number): void {
    const { state } = this;
    const { loadedAt } = state;
    const periodic = state.mode === 2 || state.mode === 3;
    const written = state.bcd ? fromBcd(count) || 10000 : count || 65536;
    // A count of 1 is not allowed in the periodic modes.
    state.written = periodic ? Math.max(2, written) : written;
    if (state.mode === 1 || state.mode === 5) return;
    if (periodic && loadedAt !== null && state.stoppedAt === null && now >= loadedAt) {
      state.takeover = loadedAt + endOfPart(state.mode, state.reload, now - loadedAt);
      return;
    }
    this.take(now + 1);
    if (!state.gate) state.stoppedAt = now + 1;
  }

  /** The counting element takes the count register at cycle `at`. */
  private take(at: number): void {
    if (this.state.written === null) return;
    this.state.reload = this.state.written;
    this.state.loadedAt = at;
    this.state.takeover = null;
  }

  /** Lets a count that waited for the end of a period take over. */
  private settle(now: number): void {
    const { mode, reload, takeover, loadedAt } = this.state;
    if (takeover === null || loadedAt === null || now < takeover) return;
    const output = outputAfter(mode, reload, takeover - loadedAt);
    this.take(takeover);
    // Mode 3: after the high half comes the low half of the new count.
    if (!output) this.state.loadedAt = takeover - Math.ceil(this.state.reload / 2);
  }

  /** The counting element as the CPU reads it: 16 bits, binary or BCD. */
  private count(now: number): number {
    this.settle(now);
    const { bcd, mode, reload, loadedAt, stoppedAt } = this.state;
    const elapsed = loadedAt === null ? 0 : Math.max(0, Math.min(now, stoppedAt ?? now) - loadedAt);
    const range = bcd ? 10000 : 65536;
    const value = countAfter(mode, reload, elapsed) % range;
    const count = value < 0 ? value + range : value;
    return bcd ? toBcd(count) : count;
  }
}

function powerOn(gate: boolean): CounterState {
  return {
    mode: 0,
    access: 3,
    bcd: false,
    written: null,
    reload: 0,
    loadedAt: null,
    takeover: null,
    gate,
    stoppedAt: null,
    retriggered: false,
    lowByte: null,
    readsHigh: false,
    latchedCount: null,
    latchedStatus: null,
  };
}

/** OUT, `elapsed` cycles after the count was loaded; negative before. */
function outputAfter(mode: TimerMode, reload: number, elapsed: number): boolean {
  switch (mode) {
    case 0:
      return elapsed >= reload;
    case 1:
      return elapsed < 0 || elapsed >= reload;
    case 2:
      return elapsed < 0 || elapsed % reload !== reload - 1;
    case 3:
      return elapsed < 0 || elapsed % reload < Math.ceil(reload / 2);
    case 4:
    case 5:
      return elapsed !== reload;
  }
}

/** The first later moment at which {@link outputAfter} changes. */
function nextChangeAfter(mode: TimerMode, reload: number, elapsed: number): number {
  switch (mode) {
    case 0:
      return elapsed < reload ? reload : Infinity;
    case 1:
      return elapsed < 0 ? 0 : elapsed < reload ? reload : Infinity;
    case 2:
    case 3: {
      const period = elapsed < 0 ? 0 : Math.floor(elapsed / reload) * reload;
      const fall = period + (mode === 2 ? reload - 1 : Math.ceil(reload / 2));
      return elapsed < fall ? fall : period + reload;
    }
    case 4:
    case 5:
      return elapsed < reload ? reload : elapsed === reload ? reload + 1 : Infinity;
  }
}

/** Where a new count takes over: the end of the period in mode 2, of the half period in mode 3. */
function endOfPart(mode: TimerMode, reload: number, elapsed: number): number {
  return mode === 3 ? nextChangeAfter(3, reload, elapsed) : (Math.floor(elapsed / reload) + 1) * reload;
}

/** The counting element, not yet wrapped to its range. */
function countAfter(mode: TimerMode, reload: number, elapsed: number): number {
  if (mode === 2) return reload - (elapsed % reload);
  if (mode !== 3) return reload - elapsed;
  // Two a cycle, from an even number, once for each half of the output.
  const half = Math.ceil(reload / 2);
  const phase = elapsed % reload;
  return (reload & ~1) - 2 * (phase < half ? phase : phase - half);
}
