import { cyclesAt, tickOfCycle, type Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, TimedDevice } from '../device.ts';
import { TimerCounter, type TimerMode } from './timer-counter.ts';

/** Clock input of the PC's timer in Hz. */
export const TIMER_FREQUENCY = 1_193_182;

/** Counter 1 asked for a memory refresh every 18 cycles on the PC; port 0x61 bit 4 still shows it. */
const REFRESH_CYCLES = 18;

const CONTROL_PORT = 0x43;
const SYSTEM_PORT = 0x61;

/** The 8254 of the PC with the part of port 0x61 that belongs to it. Counter 0 drives IRQ 0, counter 2 the speaker. */
export class IntervalTimer implements TimedDevice {
  readonly name = '8254 interval timer';
  readonly ports = [
    { first: 0x40, last: CONTROL_PORT },
    { first: SYSTEM_PORT, last: SYSTEM_PORT },
  ];
  readonly interrupts = [0];
  private readonly clock: Clock;
  private readonly interrupt: InterruptLine;
  private readonly system = new TimerCounter(true);
  private readonly refresh = new TimerCounter(true);
  private readonly speaker = new TimerCounter(false);
  /** Port 0x61 bits 1..3 as written: speaker data, parity check and channel check off. */
  private systemBits = 0;
  /** {@link nextEvent} until something changes; undefined when it must be found again. */
  private due: number | undefined;

  constructor(clock: Clock, interrupt: InterruptLine) {
    this.clock = clock;
    this.interrupt = interrupt;
  }

  portRead(port: number): number {
    const now = this.cycle(this.clock.now);
    if (port === SYSTEM_PORT) return this.readSystemPort(now);
    // The control word cannot be read: the data lines stay high.
    return port === CONTROL_PORT ? 0xff : this.counter(port & 3).read(now);
  }

  portWrite(port: number, _width: number, value: number): void {
    const now = this.cycle(this.clock.now);
    if (port === SYSTEM_PORT) {
      this.speaker.setGate((value & 1) !== 0, now);
      this.systemBits = value & 0x0e;
    } else if (port === CONTROL_PORT) this.writeControl(value, now);
    else this.counter(port & 3).write(value, now);
    this.drive(now);
  }

  nextEvent(): number {
    this.due ??= this.nextChange();
    return this.due;
  }

  advance(now: number): void {
    if (now >= this.nextEvent()) this.drive(this.cycle(now));
  }

  save(): DeviceState {
    return {
      counters: [this.system.save(), this.refresh.save(), this.speaker.save()],
      systemBits: this.systemBits,
    };
  }

  restore(state: DeviceState): void {
    const counters = state['counters'] as readonly [DeviceState, DeviceState, DeviceState];
    this.system.restore(counters[0]);
    this.refresh.restore(counters[1]);
    this.speaker.restore(counters[2]);
    this.systemBits = state['systemBits'] as number;
    this.due = undefined;
  }

  private cycle(ticks: number): number {
    return cyclesAt(ticks, TIMER_FREQUENCY);
  }

  private counter(index: number): TimerCounter {
    return index === 0 ? this.system : index === 1 ? this.refresh : this.speaker;
  }

  private writeControl(value: number, now: number): void {
    const select = value >> 6;
    if (select === 3) return this.readBack(value, now);
    const counter = this.counter(select);
    const access = (value >> 4) & 3;
    if (access === 0) return counter.latchCount(now);
    const mode = (value >> 1) & 7;
    // The upper mode bit is ignored for modes 2 and 3.
    counter.control((mode > 5 ? mode & 3 : mode) as TimerMode, access, (value & 1) !== 0);
  }

  /** Read-back command: bits 5 and 4 low ask for count and status, bits 1..3 choose the counters. */
  private readBack(value: number, now: number): void {
    for (const index of [0, 1, 2]) {
      if ((value & (2 << index)) === 0) continue;
      if ((value & 0x20) === 0) this.counter(index).latchCount(now);
      if ((value & 0x10) === 0) this.counter(index).latchStatus(now);
    }
  }

  private readSystemPort(now: number): number {
    const refresh = Math.floor(now / REFRESH_CYCLES) & 1;
    const output = this.speaker.output(now) ? 0x20 : 0;
    return output | (refresh << 4) | this.systemBits | (this.speaker.gate ? 1 : 0);
  }

  private nextChange(): number {
    const cycle = this.system.nextChange(this.cycle(this.clock.now));
    return cycle === Infinity ? Infinity : tickOfCycle(cycle, TIMER_FREQUENCY);
  }

  private drive(now: number): void {
    this.due = undefined;
    if (this.system.output(now)) this.interrupt.raise();
    else this.interrupt.lower();
  }
}
