import { fromBcd, toBcd } from './bcd.ts';
import type { CalendarTime } from './calendar.ts';
import type { Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, ReportGap, TimedDevice } from '../device.ts';
import { FLAG, RealTimeClock } from './real-time-clock.ts';

const INDEX_PORT = 0x70;
const DATA_PORT = 0x71;

const STATUS_A = 0x0a;
const STATUS_B = 0x0b;
const STATUS_C = 0x0c;
const STATUS_D = 0x0d;
const CENTURY = 0x32;
const ALARM = { second: 0x01, minute: 0x03, hour: 0x05 } as const;

const B = { daylightSaving: 0x01, twentyFourHours: 0x02, binary: 0x04, interrupts: 0x70, set: 0x80 } as const;
/** Register C bit 7: a flag that is enabled has risen, the pin is low. */
const INTERRUPT_REQUEST = 0x80;
const AFTERNOON = 0x80;
/** An alarm byte from 0xc0 matches any time. */
const DO_NOT_CARE = 0xc0;

const KIB = 1024;
const MIB = 1024 * KIB;

/** Fields of the time that have a register of their own, without the year, which has two. */
const FIELDS: Readonly<Record<number, 'second' | 'minute' | 'weekday' | 'day' | 'month'>> = {
  0x00: 'second',
  0x02: 'minute',
  0x06: 'weekday',
  0x07: 'day',
  0x08: 'month',
};
const HOUR = 0x04;
const YEAR = 0x09;

type CmosState = {
  index: number;
  nonMaskableInterruptsOff: boolean;
  bytes: number[];
};

/** The MC146818 clock on IRQ 8 and its 128 bytes of memory. The time of day starts at a fixed date and follows the ticks. */
export class Cmos implements TimedDevice {
  readonly name = 'MC146818 clock and CMOS memory';
  readonly ports = [{ first: INDEX_PORT, last: DATA_PORT }];
  readonly interrupts = [8];
  private readonly clock: Clock;
  private readonly line: InterruptLine;
  private readonly report: ReportGap;
  private readonly time = new RealTimeClock();
  private state: CmosState;
  /** {@link nextEvent} until something changes; undefined when it must be found again. */
  private due: number | undefined;

  /** `memorySize` in bytes. */
  constructor(clock: Clock, line: InterruptLine, memorySize: number, report: ReportGap) {
    this.clock = clock;
    this.line = line;
    this.report = report;
    this.state = powerOn(memorySize);
  }

  /** Bit 7 of the index port: the gate in front of the CPU's NMI pin. */
  get nonMaskableInterruptsOff(): boolean {
    return this.state.nonMaskableInterruptsOff;
  }

  portRead(port: number): number {
    // The index port cannot be read.
    if (port === INDEX_PORT) return 0xff;
    const { index, bytes } = this.state;
    switch (index) {
      case STATUS_A:
        return this.time.registerA(this.clock.now);
      case STATUS_C:
        return this.takeFlags();
      default:
        return this.timeField(index) ?? bytes[index] ?? 0;
    }
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    if (port === INDEX_PORT) {
      state.index = value & 0x7f;
      state.nonMaskableInterruptsOff = (value & 0x80) !== 0;
    } else {
      this.writeRegister(state.index, value);
      this.drive();
    }
  }

  nextEvent(): number {
    this.due ??= this.requesting ? Infinity : this.time.nextFlag(this.statusB & B.interrupts);
    return this.due;
  }

  advance(now: number): void {
    if (now >= this.nextEvent()) this.drive();
  }

  save(): DeviceState {
    return { ...structuredClone(this.state), time: this.time.save() };
  }

  restore(state: DeviceState): void {
    const { time, ...rest } = structuredClone(state) as CmosState & { time: DeviceState };
    this.state = rest;
    this.time.restore(time);
    this.due = undefined;
  }

  private get statusB(): number {
    return this.state.bytes[STATUS_B] ?? 0;
  }

  /** Whether the interrupt pin is active: until register C is read. */
  private get requesting(): boolean {
    return (this.time.flags & this.statusB & B.interrupts) !== 0;
  }

  private drive(): void {
    this.due = undefined;
    this.time.settle(this.clock.now);
    if (this.requesting) this.line.raise();
    else this.line.lower();
  }

  private takeFlags(): number {
    this.time.settle(this.clock.now);
    const value = this.time.flags | (this.requesting ? INTERRUPT_REQUEST : 0);
    this.time.clearFlags();
    this.drive();
    return value;
  }

  private writeRegister(index: number, value: number): void {
    const { bytes } = this.state;
    switch (index) {
      case STATUS_A:
        return this.time.setRegisterA(value, this.clock.now);
      case STATUS_B:
        return this.writeStatusB(value);
      case STATUS_C:
      case STATUS_D:
        // Read-only.
        return;
      default:
        if (!this.setTimeField(index, value)) bytes[index] = value;
        if (index === ALARM.second || index === ALARM.minute || index === ALARM.hour) this.setAlarm();
    }
  }

  private writeStatusB(value: number): void {
    const { bytes } = this.state;
    if (value & B.daylightSaving) this.report('CMOS status register B bit 0: this clock has no daylight saving time');
    // SET going high clears the update-ended enable.
    bytes[STATUS_B] = value & B.set ? value & ~FLAG.update : value;
    this.time.setUpdatesOff((value & B.set) !== 0, this.clock.now);
    // The alarm bytes are in the format that bits 1 and 2 choose.
    this.setAlarm();
  }

  /** Registers that follow the time; undefined for plain memory. */
  private timeField(index: number): number | undefined {
    const field = FIELDS[index];
    if (field === undefined && index !== HOUR && index !== YEAR && index !== CENTURY) return undefined;
    const time = this.time.time(this.clock.now);
    if (field !== undefined) return this.encode(time[field]);
    if (index === HOUR) return this.encodeHour(time.hour);
    return this.encode(index === YEAR ? time.year % 100 : Math.floor(time.year / 100));
  }

  private setTimeField(index: number, value: number): boolean {
    const fields = this.fieldsOf(index, value);
    if (fields) this.time.setTime(fields, this.clock.now);
    return fields !== undefined;
  }

  private fieldsOf(index: number, value: number): Partial<CalendarTime> | undefined {
    const field = FIELDS[index];
    if (field !== undefined) return { [field]: this.decode(value) };
    const { year } = this.time.time(this.clock.now);
    if (index === HOUR) return { hour: this.decodeHour(value) };
    if (index === YEAR) return { year: Math.floor(year / 100) * 100 + this.decode(value) };
    return index === CENTURY ? { year: this.decode(value) * 100 + (year % 100) } : undefined;
  }

  private setAlarm(): void {
    const byte = (index: number, decode: (value: number) => number): number | undefined => {
      const value = this.state.bytes[index] ?? 0;
      return value >= DO_NOT_CARE ? undefined : decode(value);
    };
    const alarm = {
      second: byte(ALARM.second, (value) => this.decode(value)),
      minute: byte(ALARM.minute, (value) => this.decode(value)),
      hour: byte(ALARM.hour, (value) => this.decodeHour(value)),
    };
    this.time.setAlarm(alarm, this.clock.now);
  }

  private encode(value: number): number {
    return this.statusB & B.binary ? value : toBcd(value);
  }

  private decode(value: number): number {
    return this.statusB & B.binary ? value : fromBcd(value);
  }

  private encodeHour(hour: number): number {
    if (this.statusB & B.twentyFourHours) return this.encode(hour);
    return this.encode(hour % 12 || 12) | (hour >= 12 ? AFTERNOON : 0);
  }

  private decodeHour(value: number): number {
    if (this.statusB & B.twentyFourHours) return this.decode(value);
    return (this.decode(value & ~AFTERNOON) % 12) + (value & AFTERNOON ? 12 : 0);
  }
}

/** What the firmware keeps: clock format, equipment, memory sizes (IBM AT; 0x34 and 0x35 as PC firmware and QEMU use them). */
function powerOn(memorySize: number): CmosState {
  const bytes = new Array<number>(128).fill(0);
  const word = (index: number, value: number): void => {
    bytes[index] = value & 0xff;
    bytes[index + 1] = value >> 8;
  };
  bytes[STATUS_B] = B.twentyFourHours;
  // Time and memory are valid.
  bytes[STATUS_D] = 0x80;
  // Equipment: 80-column colour display, a mouse, no diskette drive.
  bytes[0x14] = 0x24;
  word(0x15, 640);
  const extended = Math.min(0xffff, (memorySize - MIB) / KIB);
  word(0x17, extended);
  word(0x30, extended);
  word(0x34, Math.min(0xffff, Math.max(0, (memorySize - 16 * MIB) / (64 * KIB))));
  return { index: 0, nonMaskableInterruptsOff: false, bytes };
}
