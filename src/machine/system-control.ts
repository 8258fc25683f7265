import type { Device, DeviceState, ReportGap } from './device.ts';
import { Emitter } from '../util/emitter.ts';

const SYSTEM_CONTROL_PORT = 0x92;
const RESET_CONTROL_PORT = 0xcf9;

const FAST_RESET = 0x01;
const FAST_A20 = 0x02;
/** Reset control: a rise of this bit resets the CPU; bit 1 says whether softly or the whole machine. */
const RESET_CPU = 0x04;
const RESET_WRITABLE = 0x0e;

/** Port 0x92 (PS/2 system control port A: fast A20 and reset) and port 0xcf9 (82371 reset control). */
export class SystemControl implements Device {
  readonly name = 'System control ports';
  readonly ports = [
    { first: SYSTEM_CONTROL_PORT, last: SYSTEM_CONTROL_PORT },
    { first: RESET_CONTROL_PORT, last: RESET_CONTROL_PORT },
  ];
  /** The guest asked for a reset: the port it used. */
  readonly onReset = new Emitter<number>();
  private readonly report: ReportGap;
  private state = powerOn();

  constructor(report: ReportGap) {
    this.report = report;
  }

  portRead(port: number): number {
    return port === SYSTEM_CONTROL_PORT ? this.state.systemControl : this.state.resetControl;
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    if (port === SYSTEM_CONTROL_PORT) {
      const rise = (value & ~state.systemControl & FAST_RESET) !== 0;
      state.systemControl = value & (FAST_A20 | FAST_RESET);
      if ((value & FAST_A20) === 0)
        this.report('A20 switched off by port 0x92: address line 20 is always on in this machine');
      if (rise) this.onReset.fire(port);
    } else {
      const rise = (value & ~state.resetControl & RESET_CPU) !== 0;
      state.resetControl = value & RESET_WRITABLE;
      if (rise) this.onReset.fire(port);
    }
  }

  save(): DeviceState {
    return { ...this.state };
  }

  restore(state: DeviceState): void {
    this.state = { ...(state as SystemControlState) };
  }
}

type SystemControlState = { systemControl: number; resetControl: number };

function powerOn(): SystemControlState {
  return { systemControl: FAST_A20, resetControl: 0 };
}
