import type { AccessWidth } from '../../cpu/context.ts';
import { Emitter } from '../../util/emitter.ts';
import { hex } from '../../util/hex.ts';
import { cyclesAt, tickOfCycle, type Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, ReportGap, TimedDevice } from '../device.ts';

/** Hz (ACPI 4.8.2.1). */
export const PM_TIMER_FREQUENCY = 3_579_545;
/** The timer's status is set when bit 23 of its 24 changes. */
const HALF_PERIOD = 2 ** 23;

/** Addresses of the fixed hardware, as the FADT says them. */
export const POWER_PORT = { event: 0x600, control: 0x604, timer: 0x608, generalEvent: 0xafe0, command: 0xb2 } as const;
/** Written to the SMI command port these give the events to the operating system and back (SCI_EN). */
export const ACPI_COMMAND = { enable: 0xf1, disable: 0xf0 } as const;

/** PM1 status and enable bits. */
const TIMER = 0x0001;
const STATUS_CLEARS = 0x8d31;
const ENABLE_WRITABLE = 0x0521;

/** PM1 control: SCI_EN, BM_RLD and SLP_TYP are kept; GBL_RLS and SLP_EN act when they are written. */
const SCI_ENABLE = 0x0001;
const GLOBAL_RELEASE = 0x0004;
const SLEEP_ENABLE = 0x2000;
const CONTROL_WRITABLE = 0x1c03;

type PowerState = {
  status: number;
  enable: number;
  control: number;
  /** Half periods of the timer when its status was last looked at. */
  halves: number;
  generalStatus: number;
  generalEnable: number;
  command: number;
  /** Port 0xb3: a byte for firmware's use. */
  commandStatus: number;
};

/**
 * ACPI fixed hardware as the 82371AB (PIIX4) has it at 0x600: PM1 events and control, the 24-bit timer, general purpose events
 * without a source, the SMI command port. The interrupt is the SCI.
 */
export class PowerManagement implements TimedDevice {
  readonly name = 'ACPI power management';
  readonly ports = [
    { first: POWER_PORT.event, last: POWER_PORT.control + 1 },
    { first: POWER_PORT.timer, last: POWER_PORT.timer + 3 },
    { first: POWER_PORT.generalEvent, last: POWER_PORT.generalEvent + 3 },
    { first: POWER_PORT.command, last: POWER_PORT.command + 1 },
  ];
  /** The SCI. */
  readonly interrupts = [9];
  readonly widest = 32;
  /** The guest asked to be switched off (S5). */
  readonly onPowerOff = new Emitter<void>();
  private readonly clock: Clock;
  private readonly interrupt: InterruptLine;
  private readonly report: ReportGap;
  private state = powerOn();

  constructor(clock: Clock, interrupt: InterruptLine, report: ReportGap) {
    this.clock = clock;
    this.interrupt = interrupt;
    this.report = report;
  }

  get summary(): string {
    return (this.state.control & SCI_ENABLE) !== 0 ? 'ACPI mode' : 'legacy mode';
  }

  portRead(port: number, width: AccessWidth): number {
    this.settle(this.clock.now);
    let value = 0;
    for (let byte = width / 8 - 1; byte >= 0; byte--) value = value * 256 + this.readByte(port + byte);
    return value;
  }

  portWrite(port: number, width: AccessWidth, value: number): void {
    this.settle(this.clock.now);
    for (let byte = 0; byte < width / 8; byte++) this.writeByte(port + byte, (value >>> (byte * 8)) & 0xff);
    this.drive();
  }

  nextEvent(): number {
    const { enable, status, halves } = this.state;
    const waits = (enable & ~status & TIMER) !== 0;
    return waits ? tickOfCycle((halves + 1) * HALF_PERIOD, PM_TIMER_FREQUENCY) : Infinity;
  }

  advance(now: number): void {
    if (now < this.nextEvent()) return;
    this.settle(now);
    this.drive();
  }

  save(): DeviceState {
    return { ...this.state };
  }

  restore(state: DeviceState): void {
    this.state = { ...(state as PowerState) };
  }

  private settle(now: number): void {
    const halves = Math.floor(cyclesAt(now, PM_TIMER_FREQUENCY) / HALF_PERIOD);
    if (halves !== this.state.halves) this.state.status |= TIMER;
    this.state.halves = halves;
  }

  private drive(): void {
    const { status, enable, control, generalStatus, generalEnable } = this.state;
    const event = (status & enable) !== 0 || (generalStatus & generalEnable) !== 0;
    if (event && (control & SCI_ENABLE) !== 0) this.interrupt.raise();
    else this.interrupt.lower();
  }

  private readByte(port: number): number {
    const { state } = this;
    switch (port & ~1) {
      case POWER_PORT.event:
        return byteOf(state.status, port);
      case POWER_PORT.event + 2:
        return byteOf(state.enable, port);
      case POWER_PORT.control:
        return byteOf(state.control, port);
      case POWER_PORT.timer:
      case POWER_PORT.timer + 2:
        return ((cyclesAt(this.clock.now, PM_TIMER_FREQUENCY) % 2 ** 24) >>> ((port & 3) * 8)) & 0xff;
      case POWER_PORT.generalEvent:
        return byteOf(state.generalStatus, port);
      case POWER_PORT.generalEvent + 2:
        return byteOf(state.generalEnable, port);
      case POWER_PORT.command:
        return (port & 1) !== 0 ? state.commandStatus : state.command;
      default:
        return 0;
    }
  }

  private writeByte(port: number, value: number): void {
    const { state } = this;
    switch (port & ~1) {
      case POWER_PORT.event:
        state.status &= ~(placed(value, port) & STATUS_CLEARS);
        break;
      case POWER_PORT.event + 2:
        state.enable = withByte(state.enable, port, value) & ENABLE_WRITABLE;
        break;
      case POWER_PORT.control:
        this.control(placed(value, port), withByte(state.control, port, value));
        break;
      case POWER_PORT.generalEvent:
        state.generalStatus &= ~placed(value, port);
        break;
      case POWER_PORT.generalEvent + 2:
        state.generalEnable = withByte(state.generalEnable, port, value);
        break;
      case POWER_PORT.command:
        if ((port & 1) !== 0) state.commandStatus = value;
        else this.command(value);
    }
  }

  /** `written` has the bits of this access alone, `control` the whole register with them. */
  private control(written: number, control: number): void {
    this.state.control = control & CONTROL_WRITABLE;
    if ((written & GLOBAL_RELEASE) !== 0) this.report('ACPI GBL_RLS: this machine has no firmware that waits for it');
    if ((written & SLEEP_ENABLE) === 0) return;
    const type = (control >> 10) & 7;
    if (type === 0) this.onPowerOff.fire();
    else this.report(`ACPI sleep type ${type}: this machine has S5 only, type 0`);
  }

  private command(value: number): void {
    this.state.command = value;
    if (value === ACPI_COMMAND.enable) this.state.control |= SCI_ENABLE;
    else if (value === ACPI_COMMAND.disable) this.state.control &= ~SCI_ENABLE;
    else this.report(`SMI command ${hex(value, 2)}: this machine has no system management mode`);
  }
}

function byteOf(register: number, port: number): number {
  return (register >> ((port & 1) * 8)) & 0xff;
}

function placed(value: number, port: number): number {
  return value << ((port & 1) * 8);
}

function withByte(register: number, port: number, value: number): number {
  return (register & (0xff00 >> ((port & 1) * 8))) | placed(value, port);
}

function powerOn(): PowerState {
  return {
    status: 0,
    enable: 0,
    control: 0,
    halves: 0,
    generalStatus: 0,
    generalEnable: 0,
    command: 0,
    commandStatus: 0,
  };
}
