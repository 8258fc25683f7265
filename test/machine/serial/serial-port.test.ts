import assert from 'node:assert/strict';
import { COM_PORTS, SerialPort } from '../../../src/machine/serial/serial-port.ts';
import { input, output, TestClock, TestLine, throughJson } from '../support.ts';

const [DATA, IER, IIR, LCR, MCR, LSR, MSR, SCRATCH] = [0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff];
/** One character at 115200 bits a second, ten bits: 86.8 µs, rounded up to ticks of 10 ns. */
const CHARACTER = 8681;

class Bench {
  readonly clock = new TestClock();
  readonly line = new TestLine();
  readonly port = new SerialPort(COM_PORTS[0], this.clock, this.line);
  readonly sent: number[] = [];

  /** 115200 8N1 and OUT2, as kernels set it up. */
  constructor() {
    this.port.onTransmit.on((byte) => this.sent.push(byte));
    output(this.port, [LCR, 0x80], [DATA, 0x01], [IER, 0x00], [LCR, 0x03], [MCR, 0x0b]);
  }

  read(port: number): number {
    return input(this.port, port);
  }

  write(...writes: readonly (readonly [number, number])[]): void {
    output(this.port, ...writes);
  }

  runTo(tick: number): void {
    for (let next = this.port.nextEvent(); next <= tick; next = this.port.nextEvent()) {
      this.clock.now = next;
      this.port.advance(next);
    }
    this.clock.now = tick;
  }

  receive(...bytes: number[]): void {
    for (const byte of bytes) this.port.receive(byte);
  }
}

describe('16550A serial port', () => {
  it('keeps divisor, line control, modem control and scratch', () => {
    const bench = new Bench();
    bench.write([LCR, 0x83], [DATA, 0x0c], [IER, 0x01], [SCRATCH, 0x5a]);
    assert.deepEqual(
      [DATA, IER, LCR, MCR, SCRATCH].map((port) => bench.read(port)),
      [0x0c, 0x01, 0x83, 0x0b, 0x5a],
    );
    bench.write([LCR, 0x03], [IER, 0xff], [MCR, 0xff]);
    assert.equal(bench.read(IER), 0x0f);
    assert.equal(bench.read(MCR), 0x1f);
  });

  it('sends a byte in the time of its frame, with another waiting: THRE, TEMT', () => {
    const bench = new Bench();
    assert.equal(bench.read(LSR), 0x60);
    bench.write([DATA, 0x48]);
    assert.equal(bench.read(LSR), 0x20);
    bench.write([DATA, 0x69]);
    assert.deepEqual(bench.sent, [0x48, 0x69]);
    assert.equal(bench.read(LSR), 0x00);
    bench.runTo(CHARACTER - 1);
    assert.equal(bench.read(LSR), 0x00);
    bench.runTo(CHARACTER);
    assert.equal(bench.read(LSR), 0x20);
    bench.runTo(2 * CHARACTER);
    assert.equal(bench.read(LSR), 0x60);
    assert.equal(bench.port.nextEvent(), Infinity);
  });

  // Start bit, data, parity, stop bits at 115200 bits a second (PC16550D, 8.1).
  for (const [control, bits] of [
    [0x00, 7],
    [0x04, 7.5],
    [0x03, 10],
    [0x07, 11],
    [0x1b, 11],
    [0x0e, 11],
  ] as const)
    it(`takes ${bits} bit times for a frame with LCR ${control}`, () => {
      const bench = new Bench();
      bench.write([LCR, control], [DATA, 0x00]);
      assert.equal(bench.port.nextEvent(), Math.ceil((bits * 100_000_000) / 115_200));
    });

  it('keeps 16 bytes in its FIFO; THRE comes with the last one, FCR bit 2 drops what waits', () => {
    const bench = new Bench();
    bench.write([IIR, 0x01], [IER, 0x02]);
    bench.read(IIR);
    for (let byte = 0; byte < 17; byte++) bench.write([DATA, byte]);
    bench.runTo(16 * CHARACTER - 1);
    assert.deepEqual([bench.read(LSR), bench.line.high], [0x00, false]);
    bench.runTo(16 * CHARACTER);
    assert.deepEqual([bench.read(LSR), bench.line.high, bench.read(IIR)], [0x20, true, 0xc2]);
    bench.write([DATA, 0], [DATA, 0], [IIR, 0x05]);
    assert.equal(bench.read(LSR), 0x20);
    bench.runTo(17 * CHARACTER);
    assert.equal(bench.read(LSR), 0x60);
  });

  it('tells when the guest polls a busy LSR, and until when', () => {
    const bench = new Bench();
    const polls: number[] = [];
    bench.port.onPoll.on((tick) => polls.push(tick));
    bench.write([DATA, 0x41], [DATA, 0x42]);
    bench.read(LSR);
    assert.deepEqual(polls, []);
    bench.read(LSR);
    assert.deepEqual(polls, [CHARACTER]);
    bench.runTo(CHARACTER);
    bench.read(LSR);
    assert.deepEqual(polls, [CHARACTER]);
    bench.read(LSR);
    assert.deepEqual(polls, [CHARACTER, 2 * CHARACTER]);
    bench.runTo(2 * CHARACTER);
    bench.read(LSR);
    bench.read(LSR);
    assert.equal(polls.length, 2);
  });

  it('receives at the programmed rate', () => {
    const bench = new Bench();
    bench.receive(0x41, 0x42);
    assert.equal(bench.port.nextEvent(), CHARACTER);
    assert.equal(bench.read(LSR), 0x60);
    bench.runTo(CHARACTER);
    assert.equal(bench.read(LSR), 0x61);
    assert.equal(bench.read(DATA), 0x41);
    assert.equal(bench.read(LSR), 0x60);
    // Without FIFOs the terminal waited for the read.
    assert.equal(bench.port.nextEvent(), 2 * CHARACTER);
  });

  it('THRE interrupt: when enabled, cleared by reading IIR, again after every byte', () => {
    const bench = new Bench();
    assert.equal(bench.read(IIR), 0x01);
    bench.write([IER, 0x02]);
    assert.equal(bench.line.edges, 1);
    assert.equal(bench.read(IIR), 0x02);
    assert.equal(bench.line.high, false);
    assert.equal(bench.read(IIR), 0x01);
    bench.write([DATA, 0x41]);
    assert.equal(bench.line.edges, 2);
    bench.write([DATA, 0x42]);
    assert.equal(bench.line.high, false);
    bench.runTo(CHARACTER);
    assert.equal(bench.line.edges, 3);
    bench.write([IER, 0x00]);
    assert.equal(bench.line.high, false);
    assert.equal(bench.read(IIR), 0x01);
  });

  it('received data interrupt, and the trigger level of the FIFO', () => {
    const bench = new Bench();
    bench.write([IER, 0x01], [IIR, 0x41]);
    bench.receive(1, 2, 3, 4);
    bench.runTo(3 * CHARACTER);
    assert.equal(bench.line.high, false);
    assert.equal(bench.read(IIR), 0xc1);
    bench.runTo(4 * CHARACTER);
    assert.equal(bench.line.high, true);
    assert.equal(bench.read(IIR), 0xc4);
    assert.equal(bench.read(DATA), 1);
    assert.equal(bench.line.high, false);
  });

  it('time-out interrupt after four characters of silence', () => {
    const bench = new Bench();
    bench.write([IER, 0x01], [IIR, 0xc1]);
    bench.receive(7);
    bench.runTo(CHARACTER);
    assert.equal(bench.port.nextEvent(), CHARACTER + 4 * CHARACTER);
    bench.runTo(5 * CHARACTER - 1);
    assert.equal(bench.read(IIR), 0xc1);
    bench.runTo(5 * CHARACTER);
    assert.equal(bench.read(IIR), 0xcc);
    assert.equal(bench.line.high, true);
    assert.equal(bench.read(DATA), 7);
    assert.equal(bench.read(IIR), 0xc1);
    assert.equal(bench.port.nextEvent(), Infinity);
  });

  it('loses nothing of a long paste: the terminal waits while the FIFO is full', () => {
    const bench = new Bench();
    bench.write([IIR, 0x01]);
    const paste = Array.from({ length: 40 }, (_, index) => index);
    bench.receive(...paste);
    bench.runTo(1_000_000);
    const read: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      while (bench.read(LSR) & 1) read.push(bench.read(DATA));
      bench.runTo(bench.clock.now + 1_000_000);
    }
    assert.deepEqual(read, paste);
  });

  it('clears the FIFO by FCR bit 1 and when the FIFO is switched', () => {
    const bench = new Bench();
    bench.write([IIR, 0x01]);
    bench.receive(1, 2);
    bench.runTo(2 * CHARACTER);
    bench.write([IIR, 0x03]);
    assert.equal(bench.read(LSR), 0x60);
    bench.receive(3);
    bench.runTo(4 * CHARACTER);
    bench.write([IIR, 0x00]);
    assert.equal(bench.read(LSR), 0x60);
    assert.equal(bench.read(IIR), 0x01);
  });

  it('loopback: bytes and modem lines come back, nothing leaves', () => {
    const bench = new Bench();
    bench.write([MCR, 0x1e], [DATA, 0xae]);
    assert.equal(bench.read(LSR), 0x20);
    bench.runTo(CHARACTER);
    assert.equal(bench.read(DATA), 0xae);
    assert.deepEqual(bench.sent, []);
    // RTS, OUT1 and OUT2 give CTS, RI and DCD; DSR has gone.
    assert.equal(bench.read(MSR), 0xd0 | 0x02);
    bench.write([MCR, 0x11]);
    assert.equal(bench.read(MSR), 0x20 | 0x0f);
    assert.equal(bench.read(MSR), 0x20);
  });

  it('loopback without FIFO overruns, and says so once', () => {
    const bench = new Bench();
    bench.write([MCR, 0x10], [DATA, 0x01], [DATA, 0x02]);
    bench.runTo(2 * CHARACTER);
    assert.equal(bench.read(LSR), 0x63);
    assert.equal(bench.read(LSR), 0x61);
    assert.equal(bench.read(DATA), 0x02);
  });

  it('loopback of five data bits gives five', () => {
    const bench = new Bench();
    bench.write([LCR, 0x00], [MCR, 0x10], [DATA, 0xff]);
    bench.runTo(CHARACTER);
    assert.equal(bench.read(DATA), 0x1f);
  });

  it('loopback of a break: a zero with BI and FE after a whole frame, an error of its byte in the FIFO', () => {
    const bench = new Bench();
    bench.write([IIR, 0x01], [MCR, 0x10], [DATA, 0x41]);
    bench.runTo(CHARACTER);
    bench.write([LCR, 0x43]);
    bench.runTo(2 * CHARACTER - 1);
    assert.equal(bench.read(LSR), 0x61);
    bench.runTo(2 * CHARACTER);
    // Only bit 7 tells of it until the byte before has been read.
    assert.equal(bench.read(LSR), 0xe1);
    bench.write([IER, 0x04], [MCR, 0x08]);
    assert.equal(bench.line.high, false);
    assert.equal(bench.read(DATA), 0x41);
    assert.deepEqual([bench.line.high, bench.read(IIR)], [true, 0xc6]);
    assert.equal(bench.read(LSR), 0xf9);
    assert.deepEqual([bench.read(LSR), bench.read(DATA), bench.line.high], [0x61, 0x00, false]);
  });

  it('orders its interrupts: line status, data, THRE, modem status', () => {
    const bench = new Bench();
    bench.write([MCR, 0x1b], [DATA, 0x01], [DATA, 0x02]);
    bench.runTo(2 * CHARACTER);
    bench.write([MCR, 0x10], [MCR, 0x0b], [IER, 0x0f]);
    const served: number[] = [];
    for (const serve of [LSR, DATA, IIR, MSR]) {
      served.push(bench.read(IIR));
      bench.read(serve);
    }
    // Reading IIR for THRE has already served it.
    assert.deepEqual(served, [0x06, 0x04, 0x02, 0x00]);
    assert.equal(bench.read(IIR), 0x01);
    assert.equal(bench.line.high, false);
  });

  it('reaches the bus only with OUT2, as on the PC', () => {
    const bench = new Bench();
    bench.write([MCR, 0x03], [IER, 0x02]);
    assert.equal(bench.line.high, false);
    bench.write([MCR, 0x0b]);
    assert.equal(bench.line.high, true);
  });

  it('comes back from its state with bytes on the wire and in the FIFO', () => {
    const bench = new Bench();
    bench.write([IER, 0x03], [IIR, 0x81]);
    bench.receive(1, 2, 3);
    bench.runTo(2 * CHARACTER);
    const copy = new Bench();
    copy.clock.now = bench.clock.now;
    copy.port.restore(throughJson(bench.port.save()));
    for (const one of [bench, copy]) one.runTo(10 * CHARACTER);
    assert.deepEqual(
      [IIR, DATA, DATA, DATA, LSR].map((port) => copy.read(port)),
      [0xcc, 1, 2, 3, 0x60],
    );
    [IIR, DATA, DATA, DATA, LSR].map((port) => bench.read(port));
    assert.deepEqual(copy.port.save(), bench.port.save());
  });
});
