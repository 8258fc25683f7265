import type { A20Gate } from '../input/a20-gate.ts';
import type { Device, DeviceState } from '../device.ts';
import { Emitter } from '../../util/emitter.ts';

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
  private readonly a20: A20Gate;
  private fastReset = false;
  private resetControl = 0;

  constructor(a20: A20Gate) {
    this.a20 = a20;
  }

  get summary(): string {
    return `A20 ${this.a20.on ? 'on' : 'off'}`;
  }

  portRead(port: number): number {
    if (port === RESET_CONTROL_PORT) return this.resetControl;
    return (this.a20.on ? FAST_A20 : 0) | (this.fastReset ? FAST_RESET : 0);
  }

  portWrite(port: number, _width: number, value: number): void {
    if (port === SYSTEM_CONTROL_PORT) {
      const reset = (value & FAST_RESET) !== 0;
      const rise = reset && !this.fastReset;
      this.fastReset = reset;
      this.a20.set((value & FAST_A20) !== 0);
      if (rise) this.onReset.fire(port);
    } else {
      const rise = (value & ~this.resetControl & RESET_CPU) !== 0;
      this.resetControl = value & RESET_WRITABLE;
      if (rise) this.onReset.fire(port);
    }
  }

  save(): DeviceState {
    return { a20: this.a20.on, fastReset: this.fastReset, resetControl: this.resetControl };
  }

  restore(state: DeviceState): void {
    this.a20.restore(state['a20'] as boolean);
    this.fastReset = state['fastReset'] as boolean;
    this.resetControl = state['resetControl'] as number;
  }
}
