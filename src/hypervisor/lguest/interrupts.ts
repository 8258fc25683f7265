import { LGUEST_CLOCK_INTERRUPT, LGUEST_FIRST_VECTOR } from '../../abi/lguest.ts';
import { TICKS_PER_SECOND } from '../../machine/clock.ts';
import { POWER_ON_UNIX_TIME } from '../../machine/timers/calendar.ts';
import type { InterruptSource } from '../../machine/supervisor.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import type { LguestGuest } from './guest.ts';
import type { Traps } from './traps.ts';

/** Ticks of 10 ns. */
const NANOSECONDS_PER_TICK = 10;
/**
 * The host comes back to a guest that makes no hypercall at each of its own timer interrupts, and looks for interrupts of the guest then:
 * HZ is 1000 here.
 */
const HOST_TICK = TICKS_PER_SECOND / 1000;
/** A jiffy of the guest of 2.6.23-rc1, whose clock is the host's: HZ is 250. */
const JIFFY = TICKS_PER_SECOND / 250;

export interface InterruptState {
  readonly waiting: number;
  readonly halted: boolean;
  readonly due: boolean;
  readonly clockAt: number;
  readonly lookAt: number;
  readonly readJiffies: number;
  readonly quiet: { readonly start: number; readonly end: number };
}

/**
 * Virtual interrupts. They are looked at when the host has the CPU (after a hypercall or a fault, at its own clock's interrupt) and never
 * because the guest wrote to memory that it shares: that is how lguest does it, and it makes how a run is cut invisible.
 */
export class VirtualInterrupts implements InterruptSource {
  /** Instructions at which no interrupt comes: from, and below. */
  quiet = { start: 0, end: 0 };
  private readonly guest: LguestGuest;
  private readonly traps: Traps;
  /** A bit for each interrupt that waits. */
  private waiting = 0;
  /** LHCALL_HALT: asleep until an interrupt comes. */
  private halted = false;
  private due = false;
  /** Tick of the next clock interrupt. */
  private clockAt = Infinity;
  /** Tick at which the host looks again. */
  private lookAt = Infinity;
  /** Jiffies at the last TIMER_READ. */
  private readJiffies = 0;

  constructor(guest: LguestGuest, traps: Traps) {
    this.guest = guest;
    this.traps = traps;
    if (this.tickless) this.clockAt = this.now + JIFFY;
  }

  pending(): boolean {
    return this.due;
  }
  open(): boolean {
    return this.due;
  }

  /** try_deliver_interrupt. */
  deliver(): void {
    const { guest, traps } = this;
    const wanted = this.wanted();
    this.due = false;
    if (wanted === 0 || guest.death !== undefined) return;
    const interrupt = 31 - Math.clz32(wanted & -wanted);
    const { irq_enabled, irq_pending } = guest.interface.data;
    if (this.halted) guest.setField(irq_enabled, EFLAGS.IF);
    this.halted = false;
    const vector = LGUEST_FIRST_VECTOR + interrupt;
    if (traps.hasHandler(vector)) {
      this.waiting &= ~(1 << interrupt);
      traps.interrupt(vector);
    }
    this.writeTime();
    const more = this.wanted();
    if (more === 0) guest.setField(irq_pending, 0);
    this.lookAt = more === 0 ? Infinity : this.now + HOST_TICK;
  }

  /** The host has the CPU: is there an interrupt that can be delivered? */
  look(): void {
    const { guest } = this;
    if (guest.death !== undefined) return;
    const wanted = this.wanted();
    this.lookAt = wanted === 0 ? Infinity : this.now + HOST_TICK;
    this.due = wanted !== 0 && this.mayEnter();
    if (wanted !== 0 && !this.due && !this.inQuiet()) guest.setField(guest.interface.data.irq_pending, EFLAGS.IF);
    if (this.halted && !this.due) guest.host.cpu.halt();
  }

  /** LHCALL_HALT; {@link look} comes after every hypercall. */
  halt(): void {
    this.halted = true;
  }

  /** LHCALL_SET_CLOCKEVENT: nanoseconds from now, 0 for never. */
  setClock(nanoseconds: number): void {
    this.clockAt = nanoseconds === 0 ? Infinity : this.now + Math.max(1, Math.ceil(nanoseconds / NANOSECONDS_PER_TICK));
  }

  /** LHCALL_TIMER_READ: jiffies since the last one. */
  readTimer(): number {
    const jiffies = Math.floor(this.now / JIFFY);
    const passed = jiffies - this.readJiffies;
    this.readJiffies = jiffies;
    return passed >>> 0;
  }

  nextEvent(): number {
    return Math.min(this.clockAt, this.lookAt);
  }

  advance(now: number): void {
    if (now < this.nextEvent()) return;
    if (now >= this.clockAt) {
      this.waiting |= 1 << LGUEST_CLOCK_INTERRUPT;
      this.clockAt = this.tickless ? now + JIFFY : Infinity;
    }
    this.look();
  }

  /** write_timestamp: the time of day. */
  writeTime(): void {
    const { guest } = this;
    const { time } = guest.interface.data;
    if (time === undefined) return;
    guest.setField(time, this.seconds());
    guest.setField(time + 4, (this.now % TICKS_PER_SECOND) * NANOSECONDS_PER_TICK);
  }

  /** Seconds since 1970. */
  seconds(): number {
    return POWER_ON_UNIX_TIME + Math.floor(this.now / TICKS_PER_SECOND);
  }

  save(): InterruptState {
    const { waiting, halted, due, clockAt, lookAt, readJiffies, quiet } = this;
    const saved = (tick: number): number => (tick === Infinity ? -1 : tick);
    return { waiting, halted, due, clockAt: saved(clockAt), lookAt: saved(lookAt), readJiffies, quiet };
  }
  restore({ clockAt, lookAt, ...rest }: InterruptState): void {
    const tick = (saved: number): number => (saved < 0 ? Infinity : saved);
    Object.assign(this, { ...rest, clockAt: tick(clockAt), lookAt: tick(lookAt) });
  }

  private get now(): number {
    return this.guest.host.clock.now;
  }

  /** The guest of 2.6.23-rc1 does not set its clock: interrupt 0 comes with each jiffy of the host. */
  private get tickless(): boolean {
    return this.guest.interface.revision === '2.6.23-rc1';
  }

  /** Waiting and not blocked. */
  private wanted(): number {
    const { guest } = this;
    return guest.data === undefined ? 0 : this.waiting & ~guest.field(guest.interface.data.blocked_interrupts);
  }

  private mayEnter(): boolean {
    const { guest } = this;
    if (this.inQuiet()) return false;
    return this.halted || guest.field(guest.interface.data.irq_enabled) !== 0;
  }

  private inQuiet(): boolean {
    const { ip } = this.guest.host.cpu.state;
    return ip >= this.quiet.start && ip < this.quiet.end;
  }
}
