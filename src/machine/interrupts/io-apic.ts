import type { AccessWidth } from '../../cpu/context.ts';
import { hex } from '../../util/hex.ts';
import type { Device, DeviceState, InterruptLine, ReportGap } from '../device.ts';
import type { InterruptMessage } from './interrupt-message.ts';

export const IO_APIC_ADDRESS = 0xfec00000;
export const IO_APIC_PINS = 24;

/** Memory offsets: the index, and the register it selects. */
const SELECT = 0x00;
const WINDOW = 0x10;

/** Register indexes (82093AA 3.2). */
const ID = 0;
const VERSION = 1;
const ARBITRATION = 2;
const REDIRECTION = 0x10;

/** Version 0x11, 24 entries. */
const VERSION_VALUE = 0x11 | ((IO_APIC_PINS - 1) << 16);

const MASKED = 0x10000;
const LEVEL = 0x8000;
const REMOTE_IRR = 0x4000;
const ACTIVE_LOW = 0x2000;
const LOGICAL = 0x0800;
/** All of the low word but delivery status and remote IRR. */
const WRITABLE = 0x1afff;

type Entry = { low: number; high: number };

/** Brings a message to the local APICs. Whether one took it. */
export type SendMessage = (message: InterruptMessage) => boolean;

/** The 82093AA I/O APIC. Its pins 1 and 3..15 are the ISA interrupts of that number, pin 2 is IRQ 0, and pin 0 is not connected. */
export class IoApic implements Device {
  readonly name = 'I/O APIC';
  readonly ports = [];
  readonly memory = [{ first: IO_APIC_ADDRESS, last: IO_APIC_ADDRESS + 0xfff }];
  private readonly send: SendMessage;
  private readonly report: ReportGap;
  private selected = 0;
  private id = 0;
  /** Electrical levels of the pins. */
  private levels = 0;
  private entries: Entry[] = Array.from({ length: IO_APIC_PINS }, () => ({ low: MASKED, high: 0 }));

  constructor(send: SendMessage, report: ReportGap) {
    this.send = send;
    this.report = report;
  }

  get summary(): string {
    const open = this.entries.filter(({ low }) => (low & MASKED) === 0).length;
    return `${open} of ${IO_APIC_PINS} pins unmasked`;
  }

  /** Input pin 0..23: high is the electrical level, which the entry's polarity makes active or not. */
  line(pin: number): InterruptLine {
    return { raise: () => this.setPin(pin, true), lower: () => this.setPin(pin, false) };
  }

  /** Whether the pin's entry lets an interrupt through. */
  enabled(pin: number): boolean {
    return ((this.entries[pin]?.low ?? MASKED) & MASKED) === 0;
  }

  /** A local APIC has ended a level-triggered interrupt of this vector. */
  endOfInterrupt(vector: number): void {
    for (const [pin, entry] of this.entries.entries()) {
      if ((entry.low & 0xff) !== vector || (entry.low & REMOTE_IRR) === 0) continue;
      entry.low &= ~REMOTE_IRR;
      this.serveLevel(pin, entry);
    }
  }

  memoryRead(physical: number, width: AccessWidth): number {
    const offset = physical & 0xff;
    const value = offset === SELECT ? this.selected : offset === WINDOW ? this.read(this.selected) : undefined;
    if (value === undefined || (width !== 32 && offset !== SELECT)) {
      this.reportAccess('read', offset, width);
      return 0;
    }
    return value;
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    const offset = physical & 0xff;
    if (offset === SELECT) this.selected = value & 0xff;
    else if (offset === WINDOW && width === 32) this.write(this.selected, value >>> 0);
    else this.reportAccess('write', offset, width);
  }

  portRead(): number {
    return 0;
  }
  portWrite(): void {
    // It has no ports.
  }

  save(): DeviceState {
    const { selected, id, levels, entries } = this;
    return { selected, id, levels, entries: structuredClone(entries) };
  }

  restore(state: DeviceState): void {
    this.selected = state['selected'] as number;
    this.id = state['id'] as number;
    this.levels = state['levels'] as number;
    this.entries = structuredClone(state['entries'] as Entry[]);
  }

  private read(register: number): number {
    switch (register) {
      case ID:
      case ARBITRATION:
        return this.id << 24;
      case VERSION:
        return VERSION_VALUE;
    }
    const entry = this.entries[(register - REDIRECTION) >> 1];
    if (entry === undefined) {
      this.report(`I/O APIC register ${hex(register, 2)} does not exist`);
      return 0;
    }
    return (register & 1) !== 0 ? entry.high : entry.low;
  }

  private write(register: number, value: number): void {
    if (register === ID) {
      this.id = (value >>> 24) & 15;
      return;
    }
    if (register === VERSION || register === ARBITRATION) return;
    const pin = (register - REDIRECTION) >> 1;
    const entry = this.entries[pin];
    if (entry === undefined) {
      this.report(`I/O APIC register ${hex(register, 2)} does not exist`);
    } else if ((register & 1) !== 0) {
      entry.high = (value & 0xff000000) >>> 0;
    } else {
      // Edge-triggered entries have no remote IRR: kernels clear it by a change of mode and back.
      const kept = (value & LEVEL) !== 0 ? entry.low & REMOTE_IRR : 0;
      entry.low = (value & WRITABLE) | kept;
      this.serveLevel(pin, entry);
    }
  }

  private setPin(pin: number, high: boolean): void {
    const bit = 1 << pin;
    const entry = this.entries[pin];
    if (entry === undefined || ((this.levels & bit) !== 0) === high) return;
    this.levels ^= bit;
    if ((entry.low & LEVEL) !== 0) this.serveLevel(pin, entry);
    // An edge at a masked pin is lost (82093AA 3.2.4, bit 16).
    else if ((entry.low & MASKED) === 0 && this.active(pin, entry)) this.send(message(entry));
  }

  private active(pin: number, entry: Entry): boolean {
    return ((this.levels >> pin) & 1) !== ((entry.low & ACTIVE_LOW) !== 0 ? 1 : 0);
  }

  private serveLevel(pin: number, entry: Entry): void {
    const waits = (entry.low & (MASKED | LEVEL | REMOTE_IRR)) === LEVEL && this.active(pin, entry);
    if (waits && this.send(message(entry))) entry.low |= REMOTE_IRR;
  }

  private reportAccess(access: string, offset: number, width: AccessWidth): void {
    this.report(
      `I/O APIC ${access} of ${width} bits at offset ${hex(offset, 2)}: it has 32-bit registers at 0x00 and 0x10`,
    );
  }
}

function message({ low, high }: Entry): InterruptMessage {
  return {
    vector: low & 0xff,
    deliveryMode: (low >> 8) & 7,
    logical: (low & LOGICAL) !== 0,
    destination: high >>> 24,
    level: (low & LEVEL) !== 0,
  };
}
