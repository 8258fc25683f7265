import type { AccessWidth } from '../../cpu/context.ts';
import { hex } from '../../util/hex.ts';
import type { Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, ReportGap, TimedDevice } from '../device.ts';
import { HPET_ADDRESS, HPET_CAPABILITIES, HPET_PERIOD } from './hpet-registers.ts';

const ENABLE = 1;
const LEGACY = 2;

/** General registers, then 0x20 bytes for each comparator from 0x100 on. */
const GENERAL = { capabilities: 0x00, period: 0x04, configuration: 0x10, status: 0x20, counter: 0xf0 } as const;
const COMPARATORS = 0x100;

/** Configuration of a comparator (2.3.8): what can be written, what it is able to do, and which pins it may be routed to. */
const LEVEL = 0x0002;
const INTERRUPT = 0x0004;
const PERIODIC = 0x0008;
const SET_VALUE = 0x0040;
const NARROW = 0x0100;
const WRITABLE = 0x014e;
const ABLE = 0x0030;
const ROUTES = 0x00000004;

const WORD = 2n ** 32n;
const COUNTER = 2n ** 64n;

type Comparator = { configuration: number; value: bigint; period: bigint };

/** Where the interrupts go: with legacy replacement comparators 0 and 1 are IRQ 0 and 8; else all are pin 2 of the I/O APIC. */
export interface HpetLines {
  readonly timer: InterruptLine;
  readonly clock: InterruptLine;
  readonly pin: InterruptLine;
}

/**
 * The high precision event timers (IA-PC HPET 1.0a): a 64-bit counter of 100 MHz, one count a tick, and three comparators.
 * Periods of 0 are none: such a comparator interrupts once.
 */
export class Hpet implements TimedDevice {
  readonly name = 'HPET';
  readonly ports = [];
  readonly memory = [{ first: HPET_ADDRESS, last: HPET_ADDRESS + 0xfff }];
  private readonly clock: Clock;
  private readonly lines: HpetLines;
  private readonly report: ReportGap;
  private comparators: readonly Comparator[] = [powerOn(), powerOn(), powerOn()];
  private configuration = 0;
  /** Level-triggered comparators that have interrupted. */
  private status = 0;
  /** The counter is this while it stands, and this plus the ticks while it runs; modulo 2^64. */
  private offset = 0n;
  /** Next tick at which each comparator interrupts; undefined until it is asked for. */
  private due: readonly number[] | undefined;

  constructor(clock: Clock, lines: HpetLines, report: ReportGap) {
    this.clock = clock;
    this.lines = lines;
    this.report = report;
  }

  get summary(): string {
    const running = (this.configuration & ENABLE) !== 0 ? 'on' : 'off';
    return (this.configuration & LEGACY) !== 0 ? `${running}, in place of IRQ 0 and 8` : running;
  }

  /** Whether the 8254 and the real-time clock have lost their interrupt lines to comparators 0 and 1. */
  get replacesLegacy(): boolean {
    return (this.configuration & (ENABLE | LEGACY)) === (ENABLE | LEGACY);
  }

  memoryRead(physical: number, width: AccessWidth): number {
    const offset = physical & 0xfff;
    if ((offset & 3) + width / 8 > 4) this.report(`HPET read of ${width} bits at offset ${hex(offset, 3)}`);
    const value = this.read(offset & ~3) >>> ((offset & 3) * 8);
    return width === 32 ? value : value & ((1 << width) - 1);
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    const offset = physical & 0xfff;
    if (width === 32 && (offset & 3) === 0) {
      this.write(offset, value >>> 0);
      this.due = undefined;
    } else
      this.report(`HPET write of ${width} bits at offset ${hex(offset, 3)}: registers are written as 32 or 64 bits`);
  }

  portRead(): number {
    return 0;
  }
  portWrite(): void {
    // It has no ports.
  }

  nextEvent(): number {
    return Math.min(...this.dues());
  }

  advance(now: number): void {
    if (now < this.nextEvent()) return;
    for (const [index, due] of this.dues().entries()) if (due <= now) this.match(index);
    this.due = undefined;
  }

  save(): DeviceState {
    const { configuration, status, offset, comparators } = this;
    return {
      ...{ configuration, status, offset: offset.toString() },
      comparators: comparators.map((one) => ({
        configuration: one.configuration,
        value: one.value.toString(),
        period: one.period.toString(),
      })),
      due: this.dues().map((due) => (due === Infinity ? null : due)),
    };
  }

  restore(state: DeviceState): void {
    this.configuration = state['configuration'] as number;
    this.status = state['status'] as number;
    this.offset = BigInt(state['offset'] as string);
    const saved = state['comparators'] as readonly Readonly<{ configuration: number; value: string; period: string }>[];
    this.comparators = saved.map(({ configuration, value, period }) => ({
      ...{ configuration, value: BigInt(value), period: BigInt(period) },
    }));
    this.due = (state['due'] as readonly (number | null)[]).map((due) => due ?? Infinity);
  }

  private counter(now: number): bigint {
    const running = (this.configuration & ENABLE) !== 0;
    return running ? BigInt.asUintN(64, this.offset + BigInt(now)) : this.offset;
  }

  /** A match is met when the counter comes to the value, not while it is there: after a wait of 0 comes a whole round. */
  private dues(): readonly number[] {
    this.due ??= this.comparators.map((one) => {
      if ((this.configuration & ENABLE) === 0 || (one.configuration & INTERRUPT) === 0) return Infinity;
      const now = this.clock.now;
      const round = (one.configuration & NARROW) !== 0 ? WORD : COUNTER;
      const distance = BigInt.asUintN(64, one.value - this.counter(now)) % round;
      return now + Number(distance === 0n ? round : distance);
    });
    return this.due;
  }

  private match(index: number): void {
    const one = this.comparators[index];
    if (one === undefined) return;
    if ((one.configuration & PERIODIC) !== 0) one.value = BigInt.asUintN(64, one.value + one.period);
    const line = this.line(index);
    line.raise();
    if ((one.configuration & LEVEL) !== 0) this.status |= 1 << index;
    else line.lower();
  }

  private line(index: number): InterruptLine {
    if (!this.replacesLegacy || index > 1) return this.lines.pin;
    return index === 0 ? this.lines.timer : this.lines.clock;
  }

  private read(offset: number): number {
    const counter = this.counter(this.clock.now);
    switch (offset) {
      case GENERAL.capabilities:
        return HPET_CAPABILITIES;
      case GENERAL.period:
        return HPET_PERIOD;
      case GENERAL.configuration:
        return this.configuration;
      case GENERAL.status:
        return this.status;
      case GENERAL.counter:
        return Number(counter % WORD);
      case GENERAL.counter + 4:
        return Number(counter / WORD);
    }
    const one = this.comparatorAt(offset);
    if (one === undefined) return 0;
    switch (offset & 0x1f) {
      case 0x00:
        return one.configuration | ABLE;
      case 0x04:
        return ROUTES;
      case 0x08:
        return Number(one.value % WORD);
      case 0x0c:
        return Number(one.value / WORD);
      default:
        return 0;
    }
  }

  private write(offset: number, value: number): void {
    const now = this.clock.now;
    if (offset === GENERAL.configuration) {
      const counter = this.counter(now);
      this.configuration = value & (ENABLE | LEGACY);
      this.offset = (value & ENABLE) !== 0 ? BigInt.asUintN(64, counter - BigInt(now)) : counter;
    } else if (offset === GENERAL.status) {
      for (const index of this.comparators.keys())
        if ((value & this.status & (1 << index)) !== 0) this.line(index).lower();
      this.status &= ~value;
    } else if (offset === GENERAL.counter || offset === GENERAL.counter + 4) {
      if ((this.configuration & ENABLE) !== 0) this.report('HPET counter written while it runs: it keeps counting');
      else this.offset = withHalf(this.offset, offset !== GENERAL.counter, value);
    } else this.writeComparator(offset, value);
  }

  private writeComparator(offset: number, value: number): void {
    const one = this.comparatorAt(offset);
    const register = offset & 0x1f;
    if (one === undefined) return;
    if (register === 0x00) {
      if ((value & 0x3e00) !== 0 && (value & 0x3e00) !== 2 << 9)
        this.report(`HPET interrupt routed to pin ${(value >> 9) & 31}: pin 2 is the only one`);
      one.configuration = value & WRITABLE;
      if ((value & NARROW) !== 0) one.value %= WORD;
    } else if (register === 0x08 || register === 0x0c) {
      const high = register === 0x0c;
      // In periodic mode a write sets the period, and the value too after VAL_SET (2.3.9.2.2).
      const periodic = (one.configuration & PERIODIC) !== 0;
      if (high && (one.configuration & NARROW) !== 0) return;
      if (!periodic || (one.configuration & SET_VALUE) !== 0) one.value = withHalf(one.value, high, value);
      if (periodic) one.period = withHalf(one.period % WORD, high, value);
      if (!high) one.configuration &= ~SET_VALUE;
    }
  }

  private comparatorAt(offset: number): Comparator | undefined {
    return offset < COMPARATORS ? undefined : this.comparators[(offset - COMPARATORS) >> 5];
  }
}

function withHalf(value: bigint, high: boolean, half: number): bigint {
  return high ? (value % WORD) + BigInt(half) * WORD : value - (value % WORD) + BigInt(half);
}

function powerOn(): Comparator {
  return { configuration: 0, value: COUNTER - 1n, period: 0n };
}
