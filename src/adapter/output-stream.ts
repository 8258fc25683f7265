import type { Machine } from '../machine/machine.ts';
import type { UnclaimedAccess } from '../machine/unclaimed.ts';
import type { SerialEvent } from './protocol.ts';

/** Collects what the guest sends to COM1 and to the console port, so that a run of bytes is one event. */
export class OutputStream {
  private readonly send: (event: string, body: unknown) => void;
  /** For the serial terminal. */
  private serial = '';
  /** For the Debug Console, in the order in which it came. */
  private console = '';
  /** What the machine has to say of the guest. */
  private notes = '';

  constructor(machine: Machine, serial: 'console' | 'terminal', send: (event: string, body: unknown) => void) {
    this.send = send;
    machine.onSerial.on((byte) => {
      const character = String.fromCharCode(byte);
      this.serial += character;
      if (serial === 'console') this.console += character;
    });
    machine.bus.unclaimed.onFirst.on((access) => (this.notes += note(access)));
    machine.console.on((character) => (this.console += character));
  }

  /** Sends what has come since the last time. */
  flush(): void {
    const serial: SerialEvent = { text: this.serial };
    if (serial.text !== '') this.send('startOfDay/serial', serial);
    // A line feed may come behind a carriage return with the next flush.
    const held = this.console.endsWith('\r') ? '\r' : '';
    const output = this.console.slice(0, this.console.length - held.length).replaceAll('\r\n', '\n');
    if (output !== '') this.send('output', { category: 'stdout', output });
    if (this.notes !== '') this.send('output', { category: 'console', output: this.notes });
    this.serial = '';
    this.console = held;
    this.notes = '';
  }
}

/** Said once for each kind of access; "machine devices" lists them with their counts. */
function note({ space, description, at }: UnclaimedAccess): string {
  const where = at === undefined ? '' : `, at ${at}`;
  return `${space === 'device' ? 'Not emulated' : 'Nobody answered'}: ${description}${where}\n`;
}
