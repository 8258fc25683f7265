import type { Clock } from './clock.ts';
import { TICKS_PER_SECOND } from './clock.ts';
import { IRQ, type Devices } from './devices.ts';
import type { TimedDevice } from './device.ts';
import type { InterruptRouting } from './interrupts/interrupt-routing.ts';
import type { MachineTime } from './machine-snapshot.ts';

/**
 * What has not woken the CPU this many ticks after every timer has acted once will never wake it: two of the longest periods of
 * the timer whose acts are not all interrupts, the 8254 with 55 ms.
 */
const LONGEST_TIMER_WAIT = TICKS_PER_SECOND / 8;

/** What acts by itself. */
type Waker = Pick<TimedDevice, 'nextEvent' | 'interrupts'>;

/** Whether a CPU that waits in HLT will ever run again. */
export class IdleWait {
  /** The latest wait: since which tick, and from which on no timer will end it. */
  state: MachineTime['wait'] = { since: -1, hopelessAt: 0 };
  private readonly clock: Clock;
  private readonly timed: () => readonly Waker[];
  private readonly devices: Devices;
  private readonly interrupts: InterruptRouting;

  constructor(
    clock: Clock,
    timed: () => readonly Waker[],
    hardware: { readonly devices: Devices; readonly interrupts: InterruptRouting },
  ) {
    this.clock = clock;
    this.timed = timed;
    this.devices = hardware.devices;
    this.interrupts = hardware.interrupts;
  }

  /**
   * The CPU last ran at tick `ranAt`, and the next event is at `next` (Infinity: none). With `hostWatches`, input that has not come yet may
   * wake it too.
   */
  mayEnd(ranAt: number, next: number, hostWatches: boolean): boolean {
    const { clock, devices } = this;
    const hostInput = Math.min(...[devices.keyboard, ...devices.serialPorts].map((device) => device.nextEvent()));
    if (this.state.since !== ranAt) this.state = { since: ranAt, hopelessAt: this.hopelessAt() };
    const timerMayWake = next !== Infinity && clock.now < this.state.hopelessAt;
    return timerMayWake || hostInput !== Infinity || (hostWatches && this.hostCanWake());
  }

  /** Whether a key, the mouse or a serial byte that has not come yet would interrupt. */
  private hostCanWake(): boolean {
    const { interrupts, devices } = this;
    const serialCanWake = devices.serialPorts.some(
      (port) => port.interruptsOnReceive && port.interrupts.some((irq) => interrupts.enabled(irq)),
    );
    return interrupts.enabled(IRQ.keyboard) || interrupts.enabled(IRQ.mouse) || serialCanWake;
  }

  /** Devices whose interrupts are masked count for nothing: the clock's alarm may be a day away. */
  private hopelessAt(): number {
    const { interrupts: routing } = this;
    const acts = this.timed()
      .filter(({ interrupts }) => interrupts?.some((irq) => routing.enabled(irq)) ?? true)
      .map((device) => device.nextEvent())
      .filter(Number.isFinite);
    return Math.max(this.clock.now, ...acts) + LONGEST_TIMER_WAIT;
  }
}
