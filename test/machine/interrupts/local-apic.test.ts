import assert from 'node:assert/strict';
import { DELIVERY, type InterruptMessage } from '../../../src/machine/interrupts/interrupt-message.ts';
import { LocalApic } from '../../../src/machine/interrupts/local-apic.ts';
import { APIC_REGISTER as REGISTER, LOCAL_APIC_ADDRESS } from '../../../src/machine/interrupts/local-apic-registers.ts';
import { TestClock, throughJson } from '../support.ts';

class Bench {
  readonly clock = new TestClock();
  readonly reports: string[] = [];
  readonly ended: number[] = [];
  nonMaskable = 0;
  readonly apic = new LocalApic(this.clock, (what) => this.reports.push(what));

  constructor() {
    this.apic.onNonMaskable.on(() => this.nonMaskable++);
    this.apic.onEndOfInterrupt.on((vector) => this.ended.push(vector));
  }

  read(register: number): number {
    return this.apic.memoryRead(LOCAL_APIC_ADDRESS + register, 32);
  }

  write(...writes: readonly (readonly [register: number, value: number])[]): void {
    for (const [register, value] of writes) this.apic.memoryWrite(LOCAL_APIC_ADDRESS + register, 32, value);
  }

  send(vector: number, message: Partial<InterruptMessage> = {}): boolean {
    const fixed = { deliveryMode: DELIVERY.fixed, logical: false, destination: 0, level: false };
    return this.apic.receive({ vector, ...fixed, ...message });
  }

  /** Takes what is pending; undefined when nothing is. */
  take(): number | undefined {
    return this.apic.pending() ? this.apic.acknowledge() : undefined;
  }

  /** Lets time pass event by event. Returns the ticks at which the timer's vector was taken and ended. */
  runTo(tick: number): number[] {
    const taken: number[] = [];
    for (let next = this.apic.nextEvent(); next <= tick; next = this.apic.nextEvent()) {
      this.clock.now = next;
      this.apic.advance(next);
      if (this.take() !== undefined) taken.push(next);
      this.write([REGISTER.endOfInterrupt, 0]);
    }
    this.clock.now = tick;
    return taken;
  }
}

/** Software enabled. */
function enabled(): Bench {
  const bench = new Bench();
  bench.write([REGISTER.spurious, 0x1ff]);
  return bench;
}

describe('local APIC', () => {
  it('is after a reset as SDM 3A 10.4.7.1 says', () => {
    const bench = new Bench();
    const values = Object.fromEntries(Object.entries(REGISTER).map(([name, register]) => [name, bench.read(register)]));
    assert.deepEqual(values, {
      ...Object.fromEntries(Object.keys(REGISTER).map((name) => [name, 0])),
      version: 0x00050014,
      destinationFormat: 0xffffffff,
      spurious: 0xff,
      timer: 0x10000,
      lint0: 0x10000,
      lint1: 0x10000,
      error: 0x10000,
    });
    assert.equal(bench.apic.base, 0xfee00900);
  });

  it('keeps the writable bits of each register and no others (SDM 3A figures 10-6 to 10-23)', () => {
    const bench = enabled();
    const all = (register: number): number => {
      bench.write([register, 0xffffffff]);
      return bench.read(register);
    };
    assert.equal(all(REGISTER.id), 0xff000000);
    assert.equal(all(REGISTER.taskPriority), 0xff);
    assert.equal(all(REGISTER.logicalDestination), 0xff000000);
    bench.write([REGISTER.destinationFormat, 0]);
    assert.equal(bench.read(REGISTER.destinationFormat), 0x0fffffff);
    assert.equal(all(REGISTER.timer), 0x300ff);
    assert.equal(all(0x330), 0x107ff);
    assert.equal(all(0x340), 0x107ff);
    assert.equal(all(REGISTER.lint0), 0x1a7ff);
    assert.equal(all(REGISTER.lint1), 0x1a7ff);
    assert.equal(all(REGISTER.error), 0x100ff);
    assert.equal(all(REGISTER.divide), 0x0b);
    assert.equal(all(REGISTER.commandHigh), 0xff000000);
    assert.equal(all(REGISTER.version), 0x00050014);
    assert.equal(bench.read(REGISTER.errorStatus), 0);
  });

  it('delivers by class: IRR to ISR, PPR holds the class back, EOI ends the highest (10.8)', () => {
    const bench = enabled();
    bench.send(0x41);
    bench.send(0x52);
    assert.equal(bench.read(REGISTER.request + 0x20), (1 << 1) | (1 << 18));
    assert.equal(bench.take(), 0x52);
    assert.equal(bench.read(REGISTER.inService + 0x20), 1 << 18);
    assert.equal(bench.read(REGISTER.processorPriority), 0x50);
    // A higher vector of the same class waits, a higher class does not.
    bench.send(0x5f);
    assert.equal(bench.take(), undefined);
    bench.send(0x60);
    assert.equal(bench.take(), 0x60);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), undefined);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), 0x5f);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), 0x41);
    assert.deepEqual(bench.ended, []);
  });

  it('holds back what is not above TPR, and PPR is TPR when its class is at least that of ISR', () => {
    const bench = enabled();
    bench.write([REGISTER.taskPriority, 0x45]);
    assert.equal(bench.read(REGISTER.processorPriority), 0x45);
    bench.send(0x4f);
    assert.equal(bench.take(), undefined);
    bench.write([REGISTER.taskPriority, 0x3f]);
    assert.equal(bench.take(), 0x4f);
    assert.equal(bench.read(REGISTER.processorPriority), 0x40);
  });

  it('gives the spurious vector when the request is gone at the acknowledge (10.9), without ISR', () => {
    const bench = new Bench();
    bench.write([REGISTER.spurious, 0x1ef]);
    bench.send(0x31);
    bench.write([REGISTER.taskPriority, 0x30]);
    assert.equal(bench.apic.acknowledge(), 0xef);
    assert.equal(bench.read(REGISTER.inService + 0x70), 0);
  });

  it('takes no fixed interrupt while software disabled, and masks its table (10.4.7.2)', () => {
    const bench = enabled();
    bench.write([REGISTER.timer, 0x31], [REGISTER.spurious, 0xff]);
    assert.equal(bench.read(REGISTER.timer), 0x10031);
    bench.write([REGISTER.timer, 0x31]);
    assert.equal(bench.read(REGISTER.timer), 0x10031);
    assert.equal(bench.send(0x31), false);
    assert.equal(bench.send(0, { deliveryMode: DELIVERY.nonMaskable }), true);
    assert.equal(bench.nonMaskable, 1);
  });

  it('counts an entry with a vector below 16 as received illegal vector, and interrupts for the error (10.5.3)', () => {
    const bench = enabled();
    bench.write([REGISTER.error, 0xfe]);
    bench.send(0x0f);
    assert.equal(bench.take(), 0xfe);
    assert.equal(bench.read(REGISTER.errorStatus), 0);
    bench.write([REGISTER.errorStatus, 0]);
    assert.equal(bench.read(REGISTER.errorStatus), 0x40);
    bench.write([REGISTER.errorStatus, 0]);
    assert.equal(bench.read(REGISTER.errorStatus), 0);
    bench.write([REGISTER.commandLow, 0x40005], [REGISTER.errorStatus, 0]);
    assert.equal(bench.read(REGISTER.errorStatus), 0x20);
    bench.read(0x40);
    bench.write([REGISTER.errorStatus, 0]);
    assert.equal(bench.read(REGISTER.errorStatus), 0x80);
  });

  it('sends itself interrupts: by shorthand, ID, broadcast, flat and cluster address (10.6)', () => {
    const bench = enabled();
    const taken = (...writes: readonly (readonly [number, number])[]): number | undefined => {
      bench.write(...writes);
      const vector = bench.take();
      bench.write([REGISTER.endOfInterrupt, 0]);
      return vector;
    };
    assert.equal(taken([REGISTER.commandLow, 0x40031]), 0x31);
    assert.equal(taken([REGISTER.commandLow, 0x80032]), 0x32);
    assert.equal(taken([REGISTER.commandHigh, 0], [REGISTER.commandLow, 0x33]), 0x33);
    assert.equal(taken([REGISTER.commandHigh, 0xff000000], [REGISTER.commandLow, 0x34]), 0x34);
    bench.write([REGISTER.logicalDestination, 0x02000000], [REGISTER.commandHigh, 0x03000000]);
    assert.equal(taken([REGISTER.commandLow, 0x835]), 0x35);
    bench.write([REGISTER.destinationFormat, 0x0fffffff], [REGISTER.logicalDestination, 0x12000000]);
    assert.equal(taken([REGISTER.commandHigh, 0x12000000], [REGISTER.commandLow, 0x836]), 0x36);
    assert.equal(taken([REGISTER.commandHigh, 0xf2000000], [REGISTER.commandLow, 0x837]), 0x37);
    assert.deepEqual(bench.reports, []);
    assert.equal(taken([REGISTER.commandHigh, 0x22000000], [REGISTER.commandLow, 0x838]), undefined);
    assert.equal(taken([REGISTER.commandHigh, 0x01000000], [REGISTER.commandLow, 0x4500]), undefined);
    assert.equal(taken([REGISTER.commandLow, 0xc4608]), undefined);
    assert.deepEqual(bench.reports, [
      'fixed interprocessor interrupt to destination 0x22: this machine has one processor',
      'INIT interprocessor interrupt to destination 0x01: this machine has one processor',
      'start-up interprocessor interrupt to all others: this machine has one processor',
    ]);
    // INIT level de-assert only synchronises arbitration IDs.
    bench.write([REGISTER.commandLow, 0x88500]);
    assert.equal(bench.reports.length, 3);
    bench.write([REGISTER.commandHigh, 0], [REGISTER.commandLow, 0x400]);
    assert.equal(bench.nonMaskable, 1);
  });

  it('tells the I/O APIC the end of a level-triggered interrupt', () => {
    const bench = enabled();
    bench.send(0x61, { level: true });
    assert.equal(bench.read(REGISTER.triggerMode + 0x30), 2);
    assert.equal(bench.take(), 0x61);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.deepEqual(bench.ended, [0x61]);
    bench.send(0x61);
    assert.equal(bench.read(REGISTER.triggerMode + 0x30), 0);
  });

  it('lets the 8259 through while off, and through LINT0 in ExtINT mode while on', () => {
    const bench = enabled();
    assert.equal(bench.apic.external, false);
    bench.write([REGISTER.lint0, 0x700]);
    assert.equal(bench.apic.external, true);
    bench.write([REGISTER.lint0, 0x10700]);
    assert.equal(bench.apic.external, false);
    bench.apic.base = 0xfee00100;
    assert.equal(bench.apic.external, true);
    assert.equal(bench.read(REGISTER.version), 0xffffffff);
    bench.apic.base = 0xfee00900;
    assert.equal(bench.read(REGISTER.spurious), 0xff);
    bench.apic.base = 0xfed00900;
    assert.deepEqual(bench.reports, [
      'local APIC moved to 0xfed00000, where something else is: it answers at 0xfee00000',
    ]);
    assert.equal(bench.apic.base, 0xfee00900);
  });

  it('LINT0 fixed: an edge interrupts once; a level again after EOI, with remote IRR between; LINT1 gives NMI', () => {
    const bench = enabled();
    bench.write([REGISTER.lint0, 0x31], [REGISTER.lint1, 0x400]);
    bench.apic.setInput(0, true);
    assert.equal(bench.take(), 0x31);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), undefined);
    bench.write([REGISTER.lint0, 0x8031]);
    assert.equal(bench.read(REGISTER.lint0), 0xc031);
    assert.equal(bench.take(), 0x31);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), 0x31);
    bench.apic.setInput(0, false);
    bench.write([REGISTER.endOfInterrupt, 0]);
    assert.equal(bench.take(), undefined);
    assert.equal(bench.read(REGISTER.lint0), 0x8031);
    bench.apic.setInput(1, true);
    assert.equal(bench.nonMaskable, 1);
  });

  it('timer: one shot after count × divide ticks, for each divide value (figure 10-10)', () => {
    for (const [divide, by] of [
      [0x0, 2],
      [0x1, 4],
      [0x2, 8],
      [0x3, 16],
      [0x8, 32],
      [0x9, 64],
      [0xa, 128],
      [0xb, 1],
    ] as const) {
      const bench = enabled();
      bench.clock.now = 1000;
      bench.write([REGISTER.divide, divide], [REGISTER.timer, 0x40], [REGISTER.initialCount, 100]);
      assert.equal(bench.read(REGISTER.currentCount), 100);
      bench.clock.now = 1000 + by * 30;
      assert.equal(bench.read(REGISTER.currentCount), 70);
      assert.deepEqual(bench.runTo(1_000_000), [1000 + by * 100]);
      assert.equal(bench.read(REGISTER.currentCount), 0);
      assert.equal(bench.apic.nextEvent(), Infinity);
    }
  });

  it('timer: periodic without drift, and 0 stops it', () => {
    const bench = enabled();
    bench.write([REGISTER.divide, 0x3], [REGISTER.timer, 0x20040], [REGISTER.initialCount, 62_500]);
    const taken = bench.runTo(100_000_000);
    assert.equal(taken.length, 100);
    taken.forEach((tick, index) => {
      assert.equal(tick, (index + 1) * 1_000_000);
    });
    bench.write([REGISTER.initialCount, 0]);
    assert.equal(bench.apic.nextEvent(), Infinity);
  });

  it('timer: counts on while masked, asks for nothing, and interrupts from the next period when unmasked', () => {
    const bench = enabled();
    bench.write([REGISTER.divide, 0xb], [REGISTER.timer, 0x30040], [REGISTER.initialCount, 1000]);
    assert.equal(bench.apic.nextEvent(), Infinity);
    bench.clock.now = 2300;
    assert.equal(bench.read(REGISTER.currentCount), 700);
    bench.write([REGISTER.timer, 0x20040]);
    assert.deepEqual(bench.runTo(4500), [3000, 4000]);
  });

  it('refuses what is not 32 bits at a register, and reads its bytes', () => {
    const bench = enabled();
    bench.apic.memoryWrite(LOCAL_APIC_ADDRESS + REGISTER.taskPriority, 8, 0x20);
    bench.apic.memoryWrite(LOCAL_APIC_ADDRESS + REGISTER.taskPriority + 4, 32, 0x20);
    assert.equal(bench.read(REGISTER.taskPriority), 0);
    assert.equal(bench.reports.length, 2);
    assert.equal(bench.apic.memoryRead(LOCAL_APIC_ADDRESS + REGISTER.version + 2, 8), 0x05);
    assert.equal(bench.apic.memoryRead(LOCAL_APIC_ADDRESS + REGISTER.version, 16), 0x0014);
  });

  it('comes back from its state with an interrupt in service, one waiting and the timer running', () => {
    const bench = enabled();
    bench.write([REGISTER.timer, 0x20040], [REGISTER.initialCount, 5000], [REGISTER.lint0, 0x700]);
    bench.send(0x81);
    bench.take();
    bench.send(0x92, { level: true });
    bench.clock.now = 3333;
    const copy = new Bench();
    copy.clock.now = 3333;
    copy.apic.restore(throughJson(bench.apic.save()));
    assert.deepEqual(copy.apic.save(), bench.apic.save());
    assert.equal(copy.apic.nextEvent(), 10_000);
    assert.equal(copy.apic.external, true);
    assert.equal(copy.take(), 0x92);
  });
});
