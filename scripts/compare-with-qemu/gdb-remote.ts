import type { Readable, Writable } from 'node:stream';

/** The client's side of GDB's remote serial protocol ("Debugging with GDB", appendix E), over the two pipes of a stub. */
export class GdbRemote {
  private readonly output: Writable;
  private readonly waiting: { resolve: (packet: string) => void; reject: (error: Error) => void }[] = [];
  private readonly packets: string[] = [];
  private received = '';
  private closed = false;

  constructor(input: Readable, output: Writable) {
    this.output = output;
    input.setEncoding('latin1');
    input.on('data', (text: string) => this.receive(text));
    input.on('close', () => this.close());
    output.on('error', () => this.close());
  }

  /** Sends a command and gives the answer. Rejects when the stub has gone. */
  async ask(command: string): Promise<string> {
    this.send(command);
    return this.next();
  }

  /** What QEMU's monitor prints for a command. */
  async monitor(command: string): Promise<string> {
    this.send(`qRcmd,${Buffer.from(command).toString('hex')}`);
    let text = '';
    for (;;) {
      const packet = await this.next();
      if (!/^O[0-9a-f]/.test(packet)) return text;
      text += Buffer.from(packet.slice(1), 'hex').toString('latin1');
    }
  }

  /** Asks a running target to stop; the answer comes to the command that made it run. */
  interrupt(): void {
    if (!this.closed) this.output.write('\u0003');
  }

  private send(command: string): void {
    const sum = Buffer.from(command, 'latin1').reduce((total, byte) => (total + byte) & 0xff, 0);
    if (!this.closed) this.output.write(`$${command}#${sum.toString(16).padStart(2, '0')}`, 'latin1');
  }

  private next(): Promise<string> {
    const packet = this.packets.shift();
    if (packet !== undefined) return Promise.resolve(packet);
    if (this.closed) return Promise.reject(new Error('QEMU has ended'));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** A pipe loses nothing, so checksums are not looked at; every packet is acknowledged. */
  private receive(text: string): void {
    this.received += text;
    for (;;) {
      const found = /\$([^#]*)#../s.exec(this.received);
      if (found === null) return;
      this.received = this.received.slice(found.index + found[0].length);
      this.output.write('+');
      const packet = found[1] ?? '';
      const waiter = this.waiting.shift();
      if (waiter === undefined) this.packets.push(packet);
      else waiter.resolve(packet);
    }
  }

  private close(): void {
    this.closed = true;
    for (const waiter of this.waiting.splice(0)) waiter.reject(new Error('QEMU has ended'));
  }
}
