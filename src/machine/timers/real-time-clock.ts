import { calendarAt, secondsOf, type CalendarTime } from './calendar.ts';
import { TICKS_PER_SECOND, tickOfCycle, cyclesAt } from '../clock.ts';
import type { DeviceState } from '../device.ts';

/** The time base that the PC gives the chip, in Hz. */
const OSCILLATOR = 32_768;
/** Register A bits 4..6: 010 runs from 32.768 kHz, 11x holds the divider in reset. */
const DIVIDER = { mask: 0x70, running: 0x20, reset: 0x60 } as const;
const RATE_MASK = 0x0f;
/** The update bit rises 244 µs before an update, which takes 1984 µs at 32.768 kHz (MC146818 datasheet, "Update Cycle"). */
const UPDATE_TICKS = (TICKS_PER_SECOND * 2228) / 1_000_000;
/** Register C; the enable bits of register B have the same places. */
export const FLAG = { periodic: 0x40, alarm: 0x20, update: 0x10 } as const;

const SECONDS_PER_DAY = 86_400;

/** Hours, minutes, seconds at which the alarm comes, undefined for any; a number outside the range never comes. */
export interface AlarmTime {
  readonly hour: number | undefined;
  readonly minute: number | undefined;
  readonly second: number | undefined;
}

type ClockState = {
  /** The calendar stood at `seconds` (from its first day) at tick `origin`; the next second begins a second of ticks later. */
  seconds: number;
  origin: number;
  /** Days that the guest's weekday is ahead of the calendar's. */
  weekdayShift: number;
  /** The fields while nothing updates them: as written, in any combination. Null while the clock runs. */
  frozen: CalendarTime | null;
  /** Register A bits 0..6. */
  control: number;
  /** Register B bit 7. */
  set: boolean;
  /** Flags of register C that are up to date until tick `settled`. */
  flags: number;
  settled: number;
  alarm: { hour: number | null; minute: number | null; second: number | null };
};

/**
 * Time of day, alarm and the periodic divider of the MC146818. Nothing happens from second to second: what has come to pass is found
 * when somebody asks, and {@link nextFlag} tells when the next flag will rise.
 */
export class RealTimeClock {
  private state = powerOn();

  /** Register A with the update bit. */
  registerA(now: number): number {
    const { control, set, origin } = this.state;
    const toUpdate = TICKS_PER_SECOND - modulo(now - origin, TICKS_PER_SECOND);
    return control | (this.dividerRuns && !set && toUpdate <= UPDATE_TICKS ? 0x80 : 0);
  }

  /** Writes register A: bit 7 is read-only. */
  setRegisterA(value: number, now: number): void {
    this.settle(now);
    const { state } = this;
    const before = this.dividerRuns;
    const time = this.time(now);
    state.control = value & (DIVIDER.mask | RATE_MASK);
    if (before === this.dividerRuns) return;
    // Out of its reset the divider makes the first update half a second later.
    if (this.dividerRuns) state.origin = now - TICKS_PER_SECOND / 2;
    this.freezeOrRun(time, now);
  }

  /** Register B bit 7: the guest sets the time, nothing updates it meanwhile. */
  setUpdatesOff(off: boolean, now: number): void {
    this.settle(now);
    const time = this.time(now);
    this.state.set = off;
    this.freezeOrRun(time, now);
  }

  time(now: number): CalendarTime {
    const { frozen, seconds, origin, weekdayShift } = this.state;
    if (frozen) return frozen;
    const time = calendarAt(seconds + Math.floor((now - origin) / TICKS_PER_SECOND));
    return { ...time, weekday: ((time.weekday - 1 + weekdayShift) % 7) + 1 };
  }

  /** Sets fields of the time. While the clock runs a date that does not exist becomes the one it stands for. */
  setTime(fields: Partial<CalendarTime>, now: number): void {
    this.settle(now);
    const time = { ...this.time(now), ...fields };
    if (this.state.frozen) this.state.frozen = time;
    else this.start(time, now);
  }

  setAlarm({ hour, minute, second }: AlarmTime, now: number): void {
    this.settle(now);
    this.state.alarm = { hour: hour ?? null, minute: minute ?? null, second: second ?? null };
  }

  /** The flags of register C that had risen at the last {@link settle}. */
  get flags(): number {
    return this.state.flags;
  }

  clearFlags(): void {
    this.state.flags = 0;
  }

  /** Finds the flags that have risen up to `now`. */
  settle(now: number): void {
    const { state } = this;
    if (now <= state.settled) return;
    for (const flag of Object.values(FLAG)) if (this.nextFlag(flag) <= now) state.flags |= flag;
    state.settled = now;
  }

  /** Tick at which the first of the flags `wanted` rises after the last {@link settle}; Infinity when none will. */
  nextFlag(wanted: number): number {
    const { settled } = this.state;
    return Math.min(
      wanted & FLAG.periodic ? this.nextPeriodic(settled) : Infinity,
      wanted & FLAG.update ? this.nextUpdate(settled) : Infinity,
      wanted & FLAG.alarm ? this.nextAlarm(settled) : Infinity,
    );
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as ClockState);
  }

  private get dividerRuns(): boolean {
    return (this.state.control & DIVIDER.reset) !== DIVIDER.reset;
  }

  private freezeOrRun(time: CalendarTime, now: number): void {
    const { state } = this;
    if (!this.dividerRuns || state.set) state.frozen = time;
    else if (state.frozen) {
      state.frozen = null;
      this.start(time, now);
    }
  }

  /** Lets the time run on from `time`, with the next update where the divider has it. */
  private start(time: CalendarTime, now: number): void {
    const { state } = this;
    state.origin = now - modulo(now - state.origin, TICKS_PER_SECOND);
    state.seconds = secondsOf(time);
    state.weekdayShift = modulo(time.weekday - calendarAt(state.seconds).weekday, 7);
  }

  /** Frequency by the rate in register A; rates 1 and 2 are those of 8 and 9 (MC146818 datasheet, table 5). */
  private nextPeriodic(after: number): number {
    const { control, origin } = this.state;
    const rate = control & RATE_MASK;
    if (rate === 0 || !this.dividerRuns) return Infinity;
    const frequency = OSCILLATOR >> ((rate < 3 ? rate + 7 : rate) - 1);
    const start = modulo(origin, TICKS_PER_SECOND) - TICKS_PER_SECOND;
    return tickOfCycle(cyclesAt(after - start, frequency) + 1, frequency) + start;
  }

  private nextUpdate(after: number): number {
    const { frozen, origin } = this.state;
    return frozen ? Infinity : after + TICKS_PER_SECOND - modulo(after - origin, TICKS_PER_SECOND);
  }

  /** The alarm is compared when an update has ended. */
  private nextAlarm(after: number): number {
    const first = this.nextUpdate(after);
    if (first === Infinity) return Infinity;
    const { seconds, origin, alarm } = this.state;
    const from = modulo(seconds + (first - origin) / TICKS_PER_SECOND, SECONDS_PER_DAY);
    const wait = secondsToAlarm(from, alarm);
    return first + wait * TICKS_PER_SECOND;
  }
}

/** Seconds from second `from` of a day until one that matches; Infinity when none does. Steps over hours and minutes that do not. */
function secondsToAlarm(from: number, alarm: ClockState['alarm']): number {
  for (let at = from; at < from + SECONDS_PER_DAY;) {
    const hour = Math.floor(at / 3600) % 24;
    const minute = Math.floor(at / 60) % 60;
    if (alarm.hour !== null && alarm.hour !== hour) at += 3600 - (at % 3600);
    else if (alarm.minute !== null && alarm.minute !== minute) at += 60 - (at % 60);
    else if (alarm.second !== null && alarm.second !== at % 60) at += 1;
    else return at - from;
  }
  return Infinity;
}

/** The remainder that is never negative. */
function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

function powerOn(): ClockState {
  return {
    seconds: 0,
    origin: 0,
    weekdayShift: 0,
    frozen: null,
    // 1024 Hz, as firmware leaves it.
    control: DIVIDER.running | 0x06,
    set: false,
    flags: 0,
    settled: 0,
    alarm: { hour: 0, minute: 0, second: 0 },
  };
}
