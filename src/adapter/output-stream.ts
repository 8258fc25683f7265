import type { Machine } from '../machine/machine.ts';
import type { SerialEvent } from './protocol.ts';

/** Collects what the guest sends to COM1 and to the console port, so that a run of bytes is one event. */
export class OutputStream {
  private readonly toConsole: boolean;
  private readonly send: (event: string, body: unknown) => void;
  private serial = '';
  private console = '';

  constructor(machine: Machine, serial: 'console' | 'terminal', send: (event: string, body: unknown) => void) {
    this.toConsole = serial === 'console';
    this.send = send;
    machine.devices.serial.onTransmit.on((byte) => (this.serial += String.fromCharCode(byte)));
    machine.console.on((character) => (this.console += character));
  }

  /** Sends what has come since the last time. */
  flush(): void {
    if (this.serial !== '') {
      const body: SerialEvent = { text: this.serial };
      this.send('startOfDay/serial', body);
      if (this.toConsole) this.output(this.serial);
      this.serial = '';
    }
    if (this.console !== '') {
      this.output(this.console);
      this.console = '';
    }
  }

  private output(text: string): void {
    this.send('output', { category: 'stdout', output: text.replaceAll('\r\n', '\n') });
  }
}
