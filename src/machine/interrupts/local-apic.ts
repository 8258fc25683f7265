import type { AccessWidth } from '../../cpu/context.ts';
import { Emitter } from '../../util/emitter.ts';
import { hex } from '../../util/hex.ts';
import type { Clock } from '../clock.ts';
import type { DeviceState, MemoryRange, ReportGap, TimedDevice } from '../device.ts';
import { DELIVERY, deliveryName, type InterruptMessage } from './interrupt-message.ts';
import { InterruptRequests } from './interrupt-requests.ts';
import { APIC_REGISTER, LOCAL_APIC_ADDRESS } from './local-apic-registers.ts';
import { LocalApicTimer } from './local-apic-timer.ts';

/** Integrated APIC with six entries in the local vector table, as QEMU's. */
const VERSION = 0x00050014;

/** Index in the local vector table: (offset - 0x320) / 16. */
const LVT = { timer: 0, thermal: 1, performance: 2, lint0: 3, lint1: 4, error: 5 } as const;
/** Bits of each entry that can be written. No TSC-deadline mode. */
const LVT_WRITABLE = [0x300ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff];
const LVT_MASKED = 0x10000;
const LVT_LEVEL = 0x8000;
const LVT_REMOTE_IRR = 0x4000;
const LVT_ACTIVE_LOW = 0x2000;
const TIMER_PERIODIC = 0x20000;

const SPURIOUS_ENABLE = 0x100;
/** Vector, enable, focus processor checking. */
const SPURIOUS_WRITABLE = 0x3ff;

const ERROR = { sendIllegalVector: 0x20, receivedIllegalVector: 0x40, illegalRegister: 0x80 } as const;

const COMMAND_WRITABLE = 0x000ccfff;
const COMMAND_ASSERT = 0x4000;
const COMMAND_LEVEL = 0x8000;
const SHORTHAND = { none: 0, self: 1, all: 2, others: 3 } as const;

/** IA32_APIC_BASE: the processor that boots, global enable. */
const BASE_BOOT_PROCESSOR = 0x100;
const BASE_ENABLE = 0x800;

type ApicState = {
  enabled: boolean;
  /** Physical address of its page. */
  address: number;
  id: number;
  logicalDestination: number;
  /** DFR bits 28..31: 15 flat, 0 cluster. */
  destinationFormat: number;
  spurious: number;
  /** Since ESR was last written, and what it shows. */
  errors: number;
  errorStatus: number;
  commandLow: number;
  commandHigh: number;
  table: number[];
  /** Levels of LINT0 and LINT1. */
  inputs: number;
};

/**
 * The local APIC of the only processor (SDM 3A chapter 10), in xAPIC mode. Interrupts come in as messages of the I/O APIC, through
 * LINT0 (the 8259's INTR) and LINT1, and from its timer; {@link pending} and {@link acknowledge} are its way to the CPU.
 */
export class LocalApic implements TimedDevice {
  readonly name = 'Local APIC';
  readonly ports = [];
  /** Gives the page at one physical address up for the one at another; false where RAM or another device is. */
  move: (from: number, to: number) => boolean = () => false;
  /** A level-triggered interrupt has ended: its vector, for the I/O APIC. */
  readonly onEndOfInterrupt = new Emitter<number>();
  /** An NMI for the processor. */
  readonly onNonMaskable = new Emitter<void>();
  private readonly clock: Clock;
  private readonly report: ReportGap;
  private readonly timer = new LocalApicTimer();
  private readonly requests = new InterruptRequests();
  private state = powerOn();

  constructor(clock: Clock, report: ReportGap) {
    this.clock = clock;
    this.report = report;
  }

  get memory(): readonly MemoryRange[] {
    const { address } = this.state;
    return [{ first: address, last: address + 0xfff }];
  }

  /** Low half of IA32_APIC_BASE (MSR 0x1b); the high half is 0. */
  get base(): number {
    return (this.state.address | BASE_BOOT_PROCESSOR | (this.state.enabled ? BASE_ENABLE : 0)) >>> 0;
  }
  /** Switched off it forgets everything but its place; switched on again it is as after a reset (SDM 3A, 10.4.3 to 10.4.5). */
  set base(value: number) {
    this.moveTo((value & ~0xfff) >>> 0);
    const enabled = (value & BASE_ENABLE) !== 0;
    if (enabled === this.state.enabled) return;
    const { inputs, address } = this.state;
    this.state = { ...powerOn(), enabled, inputs, address };
    this.timer.reset();
    this.requests.reset();
  }

  private moveTo(address: number): void {
    const { state } = this;
    if (address === state.address) return;
    if (this.move(state.address, address)) state.address = address;
    else
      this.report(
        `local APIC moved to ${hex(address, 8)}, where something else is: it answers at ${hex(state.address, 8)}`,
      );
  }

  /** Whether an interrupt waits whose priority is above the processor's. */
  pending(): boolean {
    return this.requests.deliverable;
  }

  get summary(): string {
    if (!this.state.enabled) return 'off';
    return (this.state.spurious & SPURIOUS_ENABLE) === 0
      ? 'disabled by software'
      : this.external
        ? 'virtual wire'
        : 'on';
  }

  /** Whether the 8259 drives the CPU's INTR: the APIC is off, or LINT0 is in ExtINT mode (virtual wire). */
  get external(): boolean {
    const lint0 = this.entry(LVT.lint0);
    return !this.state.enabled || ((lint0 & LVT_MASKED) === 0 && deliveryMode(lint0) === DELIVERY.external);
  }

  /** Takes the highest request into service: its vector, or the spurious one when nothing waits (SDM 3A 10.9). */
  acknowledge(): number {
    return this.requests.acknowledge() ?? this.state.spurious & 0xff;
  }

  /** A message of the I/O APIC. Whether this APIC is meant and takes it. */
  receive(message: InterruptMessage): boolean {
    if (!this.state.enabled || !this.addressed(message.destination, message.logical)) return false;
    return this.take(message.deliveryMode, message.vector, message.level);
  }

  /** Level of the pin LINT0 or LINT1. */
  setInput(pin: 0 | 1, high: boolean): void {
    const bit = 1 << pin;
    const rise = high && (this.state.inputs & bit) === 0;
    this.state.inputs = high ? this.state.inputs | bit : this.state.inputs & ~bit;
    this.lineChanged(pin, rise);
  }

  memoryRead(physical: number, width: AccessWidth): number {
    if (!this.state.enabled) return width === 32 ? 0xffffffff : (1 << width) - 1;
    this.expire(this.clock.now);
    const offset = physical & 0xfff;
    if ((offset & 15) + width / 8 > 4) this.report('local APIC read across the bytes of a register');
    const value = this.read(offset & ~15);
    return width === 32 ? value : (value >>> ((offset & 3) * 8)) & ((1 << width) - 1);
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    if (!this.state.enabled) return;
    const offset = physical & 0xfff;
    if (width !== 32 || (offset & 15) !== 0) {
      this.report(`local APIC write of ${width} bits at offset ${hex(offset, 3)}: registers are written as 32 bits`);
      return;
    }
    this.expire(this.clock.now);
    this.write(offset, value >>> 0);
  }

  portRead(): number {
    return 0;
  }
  portWrite(): void {
    // It has no ports.
  }

  nextEvent(): number {
    return (this.entry(LVT.timer) & LVT_MASKED) !== 0 ? Infinity : this.timer.due;
  }

  advance(now: number): void {
    if (now < this.nextEvent()) return;
    this.expire(now);
  }

  save(): DeviceState {
    return {
      ...structuredClone(this.state),
      timer: this.timer.save(),
      requests: this.requests.save(),
    };
  }

  restore(saved: DeviceState): void {
    const { timer, requests, ...state } = structuredClone(saved) as ApicState &
      Readonly<Record<'timer' | 'requests', DeviceState>>;
    this.moveTo(state.address);
    this.state = state;
    this.timer.restore(timer);
    this.requests.restore(requests);
  }

  private read(register: number): number {
    const { state } = this;
    const now = this.clock.now;
    if (register >= APIC_REGISTER.inService && register < APIC_REGISTER.errorStatus)
      return this.requests.word(register);
    if (register >= APIC_REGISTER.timer && register <= APIC_REGISTER.error) return this.entry((register - 0x320) >> 4);
    switch (register) {
      case APIC_REGISTER.id:
        return (state.id << 24) >>> 0;
      case APIC_REGISTER.version:
        return VERSION;
      case APIC_REGISTER.taskPriority:
        return this.requests.taskPriority;
      case APIC_REGISTER.arbitrationPriority:
        return this.requests.arbitrationPriority;
      case APIC_REGISTER.processorPriority:
        return this.requests.processorPriority;
      case APIC_REGISTER.endOfInterrupt:
      case APIC_REGISTER.remoteRead:
        return 0;
      case APIC_REGISTER.logicalDestination:
        return (state.logicalDestination << 24) >>> 0;
      case APIC_REGISTER.destinationFormat:
        return ((state.destinationFormat << 28) | 0x0fffffff) >>> 0;
      case APIC_REGISTER.spurious:
        return state.spurious;
      case APIC_REGISTER.errorStatus:
        return state.errorStatus;
      case APIC_REGISTER.commandLow:
        return state.commandLow;
      case APIC_REGISTER.commandHigh:
        return (state.commandHigh << 24) >>> 0;
      case APIC_REGISTER.initialCount:
        return this.timer.initial;
      case APIC_REGISTER.currentCount:
        return this.timer.current(now);
      case APIC_REGISTER.divide:
        return this.timer.divide;
      default:
        this.fail(ERROR.illegalRegister);
        return 0;
    }
  }

  private write(register: number, value: number): void {
    const { state } = this;
    const now = this.clock.now;
    if (register >= APIC_REGISTER.timer && register <= APIC_REGISTER.error)
      return this.writeEntry((register - 0x320) >> 4, value);
    switch (register) {
      case APIC_REGISTER.id:
        state.id = value >>> 24;
        return;
      case APIC_REGISTER.taskPriority:
        this.requests.taskPriority = value & 0xff;
        return;
      case APIC_REGISTER.endOfInterrupt:
        return this.endOfInterrupt();
      case APIC_REGISTER.logicalDestination:
        state.logicalDestination = value >>> 24;
        return;
      case APIC_REGISTER.destinationFormat:
        state.destinationFormat = value >>> 28;
        return;
      case APIC_REGISTER.spurious:
        state.spurious = value & SPURIOUS_WRITABLE;
        // Software disable masks the whole table (SDM 3A 10.4.7.2).
        if ((value & SPURIOUS_ENABLE) === 0) state.table = state.table.map((entry) => entry | LVT_MASKED);
        return;
      case APIC_REGISTER.errorStatus:
        state.errorStatus = state.errors;
        state.errors = 0;
        return;
      case APIC_REGISTER.commandLow:
        state.commandLow = value & COMMAND_WRITABLE;
        return this.command(state.commandLow);
      case APIC_REGISTER.commandHigh:
        state.commandHigh = value >>> 24;
        return;
      case APIC_REGISTER.initialCount:
        return this.timer.writeInitial(value, now);
      case APIC_REGISTER.divide:
        return this.timer.writeDivide(value, now);
      case APIC_REGISTER.version:
      case APIC_REGISTER.arbitrationPriority:
      case APIC_REGISTER.processorPriority:
      case APIC_REGISTER.remoteRead:
      case APIC_REGISTER.currentCount:
        return;
      default:
        if (register < APIC_REGISTER.inService || register >= APIC_REGISTER.errorStatus)
          this.fail(ERROR.illegalRegister);
    }
  }

  private entry(index: number): number {
    return this.state.table[index] ?? 0;
  }

  private writeEntry(index: number, value: number): void {
    const { state } = this;
    const kept = this.entry(index) & LVT_REMOTE_IRR;
    const enabled = (state.spurious & SPURIOUS_ENABLE) !== 0;
    state.table[index] = (value & (LVT_WRITABLE[index] ?? 0)) | kept | (enabled ? 0 : LVT_MASKED);
    if (index === LVT.lint0) this.lineChanged(0, false);
  }

  private expire(now: number): void {
    const entry = this.entry(LVT.timer);
    if (this.timer.expire(now, (entry & TIMER_PERIODIC) !== 0) && (entry & LVT_MASKED) === 0)
      this.accept(entry & 0xff, false);
  }

  /** LINT pins: level-triggered only for fixed mode on LINT0; ExtINT is asked for by {@link external}. */
  private lineChanged(pin: 0 | 1, rise: boolean): void {
    const index = pin === 0 ? LVT.lint0 : LVT.lint1;
    const entry = this.entry(index);
    const mode = deliveryMode(entry);
    if ((entry & LVT_MASKED) !== 0 || mode === DELIVERY.external) return;
    if (pin === 0 && mode === DELIVERY.fixed && (entry & LVT_LEVEL) !== 0) {
      const active = (this.state.inputs & 1) !== ((entry & LVT_ACTIVE_LOW) !== 0 ? 1 : 0);
      if (!active || (entry & LVT_REMOTE_IRR) !== 0) return;
      this.state.table[index] = entry | LVT_REMOTE_IRR;
      this.take(mode, entry & 0xff, true);
    } else if (rise) this.take(mode, entry & 0xff, false);
  }

  private take(mode: number, vector: number, level: boolean): boolean {
    switch (mode) {
      case DELIVERY.fixed:
      case DELIVERY.lowestPriority:
        if ((this.state.spurious & SPURIOUS_ENABLE) === 0) return false;
        this.accept(vector, level);
        return true;
      case DELIVERY.nonMaskable:
        this.onNonMaskable.fire();
        return true;
      default:
        this.report(`${deliveryName(mode)} delivered to the processor: the local APIC takes fixed interrupts and NMI`);
        return false;
    }
  }

  private accept(vector: number, level: boolean): void {
    if (vector < 16) return this.fail(ERROR.receivedIllegalVector);
    this.requests.accept(vector, level);
  }

  /** The bit is set before the interrupt is sent: an illegal vector of the error entry itself ends here. */
  private fail(error: number): void {
    const known = (this.state.errors & error) !== 0;
    this.state.errors |= error;
    const entry = this.entry(LVT.error);
    if (!known && (entry & LVT_MASKED) === 0) this.accept(entry & 0xff, false);
  }

  private endOfInterrupt(): void {
    const ended = this.requests.end();
    if (ended?.level !== true) return;
    const { vector } = ended;
    const lint0 = this.entry(LVT.lint0);
    if ((lint0 & LVT_REMOTE_IRR) !== 0 && (lint0 & 0xff) === vector) {
      this.state.table[LVT.lint0] = lint0 & ~LVT_REMOTE_IRR;
      this.lineChanged(0, false);
    }
    this.onEndOfInterrupt.fire(vector);
  }

  /** ICR (SDM 3A 10.6.1). Level-triggered is treated as edge when asserted and ignored when not (table 10-4, P6). */
  private command(low: number): void {
    if ((low & COMMAND_LEVEL) !== 0 && (low & COMMAND_ASSERT) === 0) return;
    const mode = deliveryMode(low);
    const vector = low & 0xff;
    if ((mode === DELIVERY.fixed || mode === DELIVERY.lowestPriority) && vector < 16)
      return this.fail(ERROR.sendIllegalVector);
    const shorthand = (low >> 18) & 3;
    const destination = this.state.commandHigh;
    const toSelf =
      shorthand === SHORTHAND.none ? this.addressed(destination, (low & 0x800) !== 0) : shorthand !== SHORTHAND.others;
    if (toSelf) this.take(mode, vector, false);
    else {
      const whom = shorthand === SHORTHAND.others ? 'all others' : `destination ${hex(destination, 2)}`;
      this.report(`${deliveryName(mode)} interprocessor interrupt to ${whom}: this machine has one processor`);
    }
  }

  /** SDM 3A 10.6.2. */
  private addressed(destination: number, logical: boolean): boolean {
    const { id, logicalDestination, destinationFormat } = this.state;
    if (!logical) return destination === id || destination === 0xff;
    if (destinationFormat === 15) return (destination & logicalDestination) !== 0;
    const cluster = destination >> 4;
    return (cluster === 15 || cluster === logicalDestination >> 4) && (destination & logicalDestination & 15) !== 0;
  }
}

function deliveryMode(register: number): number {
  return (register >> 8) & 7;
}

function powerOn(): ApicState {
  return {
    enabled: true,
    address: LOCAL_APIC_ADDRESS,
    id: 0,
    logicalDestination: 0,
    destinationFormat: 15,
    spurious: 0xff,
    errors: 0,
    errorStatus: 0,
    commandLow: 0,
    commandHigh: 0,
    table: new Array<number>(6).fill(LVT_MASKED),
    inputs: 0,
  };
}
