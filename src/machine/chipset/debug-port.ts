import type { Device, DeviceState } from '../device.ts';
import { Emitter } from '../../util/emitter.ts';

const EXIT_PORT = 0xf4;
const CONSOLE_PORT = 0xe9;

/** Two ports for test kernels: 0xf4 ends the run (QEMU's isa-debug-exit), 0xe9 prints a character (Bochs). */
export class DebugPort implements Device {
  readonly name = 'Debug exit and console ports';
  readonly ports = [
    { first: EXIT_PORT, last: EXIT_PORT },
    { first: CONSOLE_PORT, last: CONSOLE_PORT },
  ];
  readonly widest = 32;
  /** The value written to the exit port. */
  readonly onExit = new Emitter<number>();
  /** Every byte written to the console port, 0..255. */
  readonly onConsole = new Emitter<number>();

  portRead(port: number): number {
    // Reading 0xe9 back is how a guest finds out that the console is there.
    return port === CONSOLE_PORT ? CONSOLE_PORT : 0;
  }

  portWrite(port: number, _width: number, value: number): void {
    if (port === EXIT_PORT) this.onExit.fire(value);
    else this.onConsole.fire(value & 0xff);
  }

  save(): DeviceState {
    return {};
  }

  restore(): void {
    // No state.
  }
}
