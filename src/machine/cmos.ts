import { toBcd } from './bcd.ts';
import { calendarAt } from './calendar.ts';
import { TICKS_PER_SECOND, type Clock } from './clock.ts';
import type { Device, DeviceState, ReportGap } from './device.ts';
import { hex } from '../util/hex.ts';

const INDEX_PORT = 0x70;
const DATA_PORT = 0x71;

/** Status register A: update in progress. */
const UPDATE_IN_PROGRESS = 0x80;
/** The update bit rises 244 µs before an update, which takes 1984 µs at 32.768 kHz (MC146818 datasheet, "Update Cycle"). */
const UPDATE_TICKS = (TICKS_PER_SECOND * 2228) / 1_000_000;
const STATUS_B = { twentyFourHours: 0x02, binary: 0x04, interrupts: 0x70, set: 0x80 } as const;

const KIB = 1024;
const MIB = 1024 * KIB;

type CmosState = {
  index: number;
  nonMaskableInterruptsOff: boolean;
  bytes: number[];
};

/** The MC146818 clock and its 128 bytes of memory. The time of day starts at a fixed date and follows the ticks. */
export class Cmos implements Device {
  readonly name = 'MC146818 clock and CMOS memory';
  readonly ports = [{ first: INDEX_PORT, last: DATA_PORT }];
  private readonly clock: Clock;
  private readonly report: ReportGap;
  private state: CmosState;

  /** `memorySize` in bytes. */
  constructor(clock: Clock, memorySize: number, report: ReportGap) {
    this.clock = clock;
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
    return this.timeField(index) ?? bytes[index] ?? 0;
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    if (port === INDEX_PORT) {
      state.index = value & 0x7f;
      state.nonMaskableInterruptsOff = (value & 0x80) !== 0;
    } else if (this.timeField(state.index) === undefined) this.writeByte(value);
    else if (state.index !== 0x0a)
      this.report(`CMOS clock register ${hex(state.index, 2)} set: this clock cannot be set`);
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as CmosState);
  }

  private writeByte(value: number): void {
    const { index, bytes } = this.state;
    // Status registers C and D are read-only.
    if (index === 0x0c || index === 0x0d) return;
    bytes[index] = value;
    if (index === 0x0b && value & STATUS_B.interrupts)
      this.report(`CMOS status register B ${hex(value, 2)}: this clock has no interrupts`);
  }

  /** Registers that follow the time; undefined for plain memory. */
  private timeField(index: number): number | undefined {
    const time = calendarAt(Math.floor(this.clock.now / TICKS_PER_SECOND));
    switch (index) {
      case 0x00:
        return this.encode(time.second);
      case 0x02:
        return this.encode(time.minute);
      case 0x04:
        return this.hour(time.hour);
      case 0x06:
        return this.encode(time.weekday);
      case 0x07:
        return this.encode(time.day);
      case 0x08:
        return this.encode(time.month);
      case 0x09:
        return this.encode(time.year % 100);
      case 0x32:
        return this.encode(Math.floor(time.year / 100));
      case 0x0a: {
        const updating = TICKS_PER_SECOND - (this.clock.now % TICKS_PER_SECOND) <= UPDATE_TICKS;
        return 0x26 | (updating && (this.statusB & STATUS_B.set) === 0 ? UPDATE_IN_PROGRESS : 0);
      }
      default:
        return undefined;
    }
  }

  private get statusB(): number {
    return this.state.bytes[0x0b] ?? 0;
  }

  private encode(value: number): number {
    return this.statusB & STATUS_B.binary ? value : toBcd(value);
  }

  private hour(hour: number): number {
    if (this.statusB & STATUS_B.twentyFourHours) return this.encode(hour);
    return this.encode(hour % 12 || 12) | (hour >= 12 ? 0x80 : 0);
  }
}

/** What the firmware keeps: clock format, equipment, memory sizes (IBM AT; 0x34 and 0x35 as PC firmware and QEMU use them). */
function powerOn(memorySize: number): CmosState {
  const bytes = new Array<number>(128).fill(0);
  const word = (index: number, value: number): void => {
    bytes[index] = value & 0xff;
    bytes[index + 1] = value >> 8;
  };
  bytes[0x0b] = STATUS_B.twentyFourHours;
  // Time and memory are valid.
  bytes[0x0d] = 0x80;
  // Equipment: 80-column colour display, no diskette drive.
  bytes[0x14] = 0x20;
  word(0x15, 640);
  const extended = Math.min(0xffff, (memorySize - MIB) / KIB);
  word(0x17, extended);
  word(0x30, extended);
  word(0x34, Math.min(0xffff, Math.max(0, (memorySize - 16 * MIB) / (64 * KIB))));
  return { index: 0, nonMaskableInterruptsOff: false, bytes };
}
