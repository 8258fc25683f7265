import assert from 'node:assert/strict';
import type { InterruptMessage } from '../../../src/machine/interrupts/interrupt-message.ts';
import { IO_APIC_ADDRESS, IoApic } from '../../../src/machine/interrupts/io-apic.ts';
import { throughJson } from '../support.ts';

class Bench {
  readonly sent: InterruptMessage[] = [];
  readonly reports: string[] = [];
  accepts = true;
  readonly apic = new IoApic(
    (message) => {
      this.sent.push(message);
      return this.accepts;
    },
    (what) => this.reports.push(what),
  );

  read(register: number): number {
    this.apic.memoryWrite(IO_APIC_ADDRESS, 32, register);
    return this.apic.memoryRead(IO_APIC_ADDRESS + 0x10, 32);
  }

  write(register: number, value: number): void {
    this.apic.memoryWrite(IO_APIC_ADDRESS, 32, register);
    this.apic.memoryWrite(IO_APIC_ADDRESS + 0x10, 32, value);
  }

  /** Vectors sent since the last call. */
  vectors(): number[] {
    return this.sent.splice(0).map(({ vector }) => vector);
  }
}

describe('I/O APIC', () => {
  it('reads as the 82093AA after a reset: version 0x11, 24 masked entries', () => {
    const bench = new Bench();
    assert.equal(bench.read(0), 0);
    assert.equal(bench.read(1), 0x00170011);
    assert.equal(bench.read(2), 0);
    for (let register = 0x10; register < 0x40; register++)
      assert.equal(bench.read(register), register % 2 === 0 ? 0x10000 : 0);
    assert.deepEqual(bench.reports, []);
    assert.equal(bench.read(0x40), 0);
    assert.deepEqual(bench.reports, ['I/O APIC register 0x40 does not exist']);
  });

  it('keeps the writable bits: ID 24..27, entry without delivery status and remote IRR, destination', () => {
    const bench = new Bench();
    bench.write(0, 0xffffffff);
    assert.equal(bench.read(0), 0x0f000000);
    assert.equal(bench.read(2), 0x0f000000);
    bench.write(1, 0);
    assert.equal(bench.read(1), 0x00170011);
    bench.write(0x12, 0xffffffff);
    bench.write(0x13, 0xffffffff);
    assert.equal(bench.read(0x12), 0x0001afff);
    assert.equal(bench.read(0x13), 0xff000000);
  });

  it('edge: one message a rise, none while masked, and an edge that came then is lost', () => {
    const bench = new Bench();
    const line = bench.apic.line(4);
    line.raise();
    bench.write(0x19, 0x03000000);
    bench.write(0x18, 0x00000931);
    assert.deepEqual(bench.sent, []);
    line.lower();
    line.raise();
    line.raise();
    assert.deepEqual(bench.sent, [{ vector: 0x31, deliveryMode: 1, logical: true, destination: 3, level: false }]);
  });

  it('level: again after the end of the interrupt while the line is high, with remote IRR between', () => {
    const bench = new Bench();
    const line = bench.apic.line(9);
    bench.write(0x22, 0x00008061);
    line.raise();
    assert.deepEqual(bench.vectors(), [0x61]);
    assert.equal(bench.read(0x22), 0x0000c061);
    line.lower();
    line.raise();
    assert.deepEqual(bench.vectors(), []);
    bench.apic.endOfInterrupt(0x60);
    assert.equal(bench.read(0x22), 0x0000c061);
    bench.apic.endOfInterrupt(0x61);
    assert.deepEqual(bench.vectors(), [0x61]);
    line.lower();
    bench.apic.endOfInterrupt(0x61);
    assert.deepEqual(bench.vectors(), []);
    assert.equal(bench.read(0x22), 0x00008061);
  });

  it('level: a change to edge and back clears remote IRR, as kernels do without an EOI register', () => {
    const bench = new Bench();
    bench.write(0x22, 0x00008061);
    bench.apic.line(9).raise();
    bench.write(0x22, 0x00010061);
    assert.equal(bench.read(0x22), 0x00010061);
    bench.write(0x22, 0x00008061);
    assert.deepEqual(bench.vectors(), [0x61, 0x61]);
  });

  it('level: is asked again when it is unmasked; remote IRR stays off when nobody takes the message', () => {
    const bench = new Bench();
    bench.apic.line(9).raise();
    bench.accepts = false;
    bench.write(0x22, 0x00008061);
    assert.equal(bench.read(0x22), 0x00008061);
    bench.accepts = true;
    bench.write(0x22, 0x00008061);
    assert.equal(bench.read(0x22), 0x0000c061);
    assert.deepEqual(bench.vectors(), [0x61, 0x61]);
  });

  it('active low: a fall interrupts', () => {
    const bench = new Bench();
    const line = bench.apic.line(5);
    line.raise();
    bench.write(0x1a, 0x2041);
    line.lower();
    assert.deepEqual(bench.vectors(), [0x41]);
    line.raise();
    assert.deepEqual(bench.vectors(), []);
  });

  it('reports what is not 32 bits at the window', () => {
    const bench = new Bench();
    bench.apic.memoryWrite(IO_APIC_ADDRESS + 0x10, 8, 0);
    bench.apic.memoryRead(IO_APIC_ADDRESS + 0x40, 32);
    assert.deepEqual(bench.reports, [
      'I/O APIC write of 8 bits at offset 0x10: it has 32-bit registers at 0x00 and 0x10',
      'I/O APIC read of 32 bits at offset 0x40: it has 32-bit registers at 0x00 and 0x10',
    ]);
  });

  it('comes back from its state', () => {
    const bench = new Bench();
    bench.write(0, 0x02000000);
    bench.write(0x22, 0x00008061);
    bench.apic.line(9).raise();
    const copy = new Bench();
    copy.apic.restore(throughJson(bench.apic.save()));
    assert.deepEqual(copy.apic.save(), bench.apic.save());
    assert.deepEqual(copy.sent, []);
    copy.apic.endOfInterrupt(0x61);
    assert.deepEqual(copy.vectors(), [0x61]);
  });
});
