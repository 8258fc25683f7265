import { TICKS_PER_SECOND, type Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, TimedDevice } from '../device.ts';
import { SerialTransmitter } from './serial-transmitter.ts';
import { Emitter } from '../../util/emitter.ts';

/** The divisor counts this frequency in Hz down to 16 times the bit rate. */
const UART_FREQUENCY = 1_843_200;
const FIFO_SIZE = 16;
/** Bytes at which a FIFO with this FCR trigger level (bits 6..7) interrupts. */
const TRIGGER_LEVELS: readonly number[] = [1, 4, 8, 14];

const IER = { received: 0x01, transmitterEmpty: 0x02, lineStatus: 0x04, modemStatus: 0x08 } as const;
/** Interrupt identification, highest priority first as in the datasheet's table. */
const IIR = { none: 0x01, lineStatus: 0x06, received: 0x04, timeout: 0x0c, transmitterEmpty: 0x02, modemStatus: 0x00 };
const MCR = { out2: 0x08, loopback: 0x10 } as const;
const LSR = {
  ...{ dataReady: 0x01, overrun: 0x02, framing: 0x08, breakInterrupt: 0x10 },
  ...{ holdingEmpty: 0x20, idle: 0x40, errorInFifo: 0x80 },
} as const;
/** Break control beside the format of a frame. */
const LCR = { twoStopBits: 0x04, parity: 0x08, break: 0x40, divisorLatch: 0x80 } as const;
/** Marks a received zero as a break, above its eight bits. */
const BREAK = 0x100;
/** Modem status while a terminal is connected: CTS, DSR and DCD. */
const CONNECTED = 0xb0;

/** Where the PC has its serial ports: COM1 and COM3 share a line, COM2 and COM4 another. */
export const COM_PORTS = [
  { name: 'COM1', base: 0x3f8, irq: 4 },
  { name: 'COM2', base: 0x2f8, irq: 3 },
  { name: 'COM3', base: 0x3e8, irq: 4 },
  { name: 'COM4', base: 0x2e8, irq: 3 },
] as const;

/** One of {@link COM_PORTS}: its name, the first of its eight ports, its IRQ. */
export type ComPort = (typeof COM_PORTS)[number];

type SerialState = {
  divisor: number;
  interruptEnable: number;
  fifo: boolean;
  trigger: number;
  lineControl: number;
  modemControl: number;
  /** Bits 0..3 changes since the last read, 4..7 the inputs. */
  modemStatus: number;
  scratch: number;
  /** Bytes, {@link BREAK} beside them. */
  received: number[];
  /** What RBR gives when nothing is there: the last byte. */
  lastReceived: number;
  overrun: boolean;
  transmitterEmptyPending: boolean;
  /** Received bytes have waited for four character times. */
  timeout: boolean;
  timeoutAt: number | null;
  /** Host bytes that have not come over the wire. */
  incoming: number[];
  arrivesAt: number | null;
  /** Loopback: when the receiver will have seen a whole frame of break. */
  breakAt: number | null;
  /** LSR as it was last read since the transmitter changed. */
  polled: number | null;
};

/**
 * A 16550A (National PC16550D) with a terminal at its other end. Both ways bytes take the time of their frames, as the registers show. The
 * host has a byte as soon as the guest writes it, so that none is missing when the machine stops, and one written over another as well.
 * A guest that reads the same busy LSR twice is waiting: {@link onPoll} lets the machine skip that time as it skips HLT, which makes
 * the exact rate cost no more than a few reads for each byte.
 */
export class SerialPort implements TimedDevice {
  readonly name: string;
  readonly ports;
  readonly interrupts;
  /** Every byte the guest sent, 0..255. */
  readonly onTransmit = new Emitter<number>();
  /** The guest polls LSR for what comes at this tick. */
  readonly onPoll = new Emitter<number>();
  private readonly clock: Clock;
  private readonly interrupt: InterruptLine;
  private readonly transmitter = new SerialTransmitter();
  private state = powerOn();

  constructor({ name, base, irq }: ComPort, clock: Clock, interrupt: InterruptLine) {
    this.name = `16550A serial port ${name}`;
    this.ports = [{ first: base, last: base + 7 }];
    this.interrupts = [irq];
    this.clock = clock;
    this.interrupt = interrupt;
  }

  /** Host input. The terminal waits while the receiver is full, so nothing is lost. */
  receive(byte: number): void {
    this.state.incoming.push(byte & 0xff);
    this.update();
  }

  /** Whether a received byte would interrupt. */
  get interruptsOnReceive(): boolean {
    return (this.state.interruptEnable & IER.received) !== 0 && this.interruptsReachTheBus;
  }

  /** Whether the port holds its line high. */
  get interrupting(): boolean {
    return this.interruptsReachTheBus && this.identify() !== IIR.none;
  }

  portRead(port: number): number {
    const { state } = this;
    switch (port & 7) {
      case 0:
        return this.latchAccess ? state.divisor & 0xff : this.readByte();
      case 1:
        return this.latchAccess ? state.divisor >> 8 : state.interruptEnable;
      case 2:
        return this.readIdentification();
      case 3:
        return state.lineControl;
      case 4:
        return state.modemControl;
      case 5:
        return this.readLineStatus();
      case 6:
        return this.readModemStatus();
      default:
        return state.scratch;
    }
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    switch (port & 7) {
      case 0:
        if (this.latchAccess) state.divisor = (state.divisor & 0xff00) | value;
        else this.transmit(value);
        break;
      case 1:
        if (this.latchAccess) state.divisor = (state.divisor & 0x00ff) | (value << 8);
        else this.enableInterrupts(value & 0x0f);
        break;
      case 2:
        this.controlFifo(value);
        break;
      case 3:
        this.controlLine(value);
        break;
      case 4:
        state.modemControl = value & 0x1f;
        this.setModemInputs();
        break;
      case 7:
        state.scratch = value;
        break;
      default:
        // LSR and MSR are for reading; a write is for factory tests and does nothing here.
        break;
    }
    this.update();
  }

  nextEvent(): number {
    const { arrivesAt, timeoutAt, breakAt } = this.state;
    return Math.min(arrivesAt ?? Infinity, timeoutAt ?? Infinity, breakAt ?? Infinity, this.transmitter.doneAt);
  }

  advance(now: number): void {
    const { state } = this;
    if (now < this.nextEvent()) return;
    if (now >= this.transmitter.doneAt) this.finishTransmit();
    if (state.breakAt !== null && now >= state.breakAt) {
      state.breakAt = null;
      this.accept(BREAK);
    }
    if (state.arrivesAt !== null && now >= state.arrivesAt) {
      state.arrivesAt = null;
      const byte = state.incoming.shift();
      if (byte !== undefined) this.accept(byte);
    }
    if (state.timeoutAt !== null && now >= state.timeoutAt) {
      state.timeoutAt = null;
      state.timeout = true;
    }
    this.update();
  }

  save(): DeviceState {
    return { ...structuredClone(this.state), transmitter: this.transmitter.save() };
  }

  restore(state: DeviceState): void {
    const { transmitter, ...rest } = structuredClone(state) as SerialState & { transmitter: DeviceState };
    this.state = rest;
    this.transmitter.restore(transmitter);
  }

  private get latchAccess(): boolean {
    return (this.state.lineControl & LCR.divisorLatch) !== 0;
  }

  private get loopback(): boolean {
    return (this.state.modemControl & MCR.loopback) !== 0;
  }

  /** On the PC the OUT2 pin gates the interrupt; loopback holds the pin inactive. */
  private get interruptsReachTheBus(): boolean {
    return (this.state.modemControl & MCR.out2) !== 0 && !this.loopback;
  }

  private get capacity(): number {
    return this.state.fifo ? FIFO_SIZE : 1;
  }

  private get dataBits(): number {
    return 5 + (this.state.lineControl & 3);
  }

  /** A frame: start bit, data, parity, and one stop bit, or two, or one and a half after five bits of data. */
  private get characterTicks(): number {
    const { lineControl, divisor } = this.state;
    const parity = lineControl & LCR.parity ? 1 : 0;
    const stop = lineControl & LCR.twoStopBits ? (this.dataBits === 5 ? 1.5 : 2) : 1;
    const cycles = Math.max(1, divisor) * 16 * (1 + this.dataBits + parity + stop);
    return Math.ceil((cycles * TICKS_PER_SECOND) / UART_FREQUENCY);
  }

  private readByte(): number {
    const { state } = this;
    const byte = (state.received.shift() ?? state.lastReceived) & 0xff;
    state.lastReceived = byte;
    this.restartTimeout();
    this.update();
    return byte;
  }

  private transmit(value: number): void {
    // THRE goes away with the write. It is back at once when the byte goes right on to the shift register: the line falls and rises.
    this.state.transmitterEmptyPending = false;
    this.state.polled = null;
    this.update();
    this.transmitter.write(value, this.capacity, this.clock.now, this.characterTicks);
    if (!this.loopback) this.onTransmit.fire(value);
    this.state.transmitterEmptyPending = this.transmitter.holdingEmpty;
  }

  private finishTransmit(): void {
    const { byte, emptied } = this.transmitter.finish(this.characterTicks);
    this.state.polled = null;
    if (emptied) this.state.transmitterEmptyPending = true;
    const held = (this.state.lineControl & LCR.break) !== 0;
    if (this.loopback && !held) this.accept(byte & ((1 << this.dataBits) - 1));
  }

  /** Break holds the line low: looped back, the receiver sees it when a whole frame was low. To the terminal it is nothing. */
  private controlLine(value: number): void {
    const { state } = this;
    const begins = value & ~state.lineControl & LCR.break;
    state.lineControl = value;
    if ((value & LCR.break) === 0) state.breakAt = null;
    else if (begins && this.loopback) state.breakAt = this.clock.now + this.characterTicks;
  }

  private accept(byte: number): void {
    const { state } = this;
    if (state.received.length < this.capacity) state.received.push(byte);
    else {
      state.overrun = true;
      // Without FIFOs the new byte replaces the unread one.
      if (!state.fifo) state.received[0] = byte;
    }
    this.restartTimeout();
  }

  private restartTimeout(): void {
    const { state } = this;
    state.timeout = false;
    state.timeoutAt = state.fifo && state.received.length > 0 ? this.clock.now + 4 * this.characterTicks : null;
  }

  private enableInterrupts(value: number): void {
    // Enabling THRE while the transmitter is empty interrupts at once.
    if (value & ~this.state.interruptEnable & IER.transmitterEmpty) this.state.transmitterEmptyPending = true;
    this.state.interruptEnable = value;
  }

  private controlFifo(value: number): void {
    const { state } = this;
    const fifo = (value & 0x01) !== 0;
    const switched = fifo !== state.fifo;
    // The other bits count only with bit 0.
    if (switched || (fifo && (value & 0x04) !== 0)) {
      state.transmitterEmptyPending ||= !this.transmitter.holdingEmpty;
      this.transmitter.clear();
    }
    if (switched || (fifo && value & 0x02)) {
      state.received = [];
      this.restartTimeout();
    }
    state.fifo = fifo;
    state.trigger = fifo ? (TRIGGER_LEVELS[value >> 6] ?? 1) : 1;
  }

  /** Loopback connects RTS, DTR, OUT1 and OUT2 to CTS, DSR, RI and DCD. */
  private setModemInputs(): void {
    const { modemControl: control, modemStatus: before } = this.state;
    const looped = ((control & 2) << 3) | ((control & 1) << 5) | ((control & 0x0c) << 4);
    const inputs = this.loopback ? looped : CONNECTED;
    // RI sets its change bit at the trailing edge only.
    const changed = ((before ^ inputs) & 0xb0) | (before & ~inputs & 0x40);
    this.state.modemStatus = inputs | (before & 0x0f) | (changed >> 4);
  }

  private readIdentification(): number {
    const identification = this.identify();
    if (identification === IIR.transmitterEmpty) {
      this.state.transmitterEmptyPending = false;
      this.update();
    }
    return identification | (this.state.fifo ? 0xc0 : 0);
  }

  private readLineStatus(): number {
    const { state, transmitter } = this;
    const broken = state.received.some((byte) => (byte & BREAK) !== 0);
    const status =
      (state.received.length > 0 ? LSR.dataReady : 0) |
      (state.overrun ? LSR.overrun : 0) |
      (this.breakOnTop ? LSR.breakInterrupt | LSR.framing : 0) |
      (transmitter.holdingEmpty ? LSR.holdingEmpty : 0) |
      (transmitter.idle ? LSR.idle : 0) |
      (state.fifo && broken ? LSR.errorInFifo : 0);
    state.overrun = false;
    if (this.breakOnTop) state.received[0] = 0;
    this.update();
    if (!transmitter.idle && state.polled === status) this.onPoll.fire(transmitter.doneAt);
    state.polled = status;
    return status;
  }

  /** Errors belong to the byte that is read next. */
  private get breakOnTop(): boolean {
    return ((this.state.received[0] ?? 0) & BREAK) !== 0;
  }

  private readModemStatus(): number {
    const { modemStatus } = this.state;
    this.state.modemStatus = modemStatus & 0xf0;
    this.update();
    return modemStatus;
  }

  private identify(): number {
    const { state } = this;
    const enabled = state.interruptEnable;
    if (enabled & IER.lineStatus && (state.overrun || this.breakOnTop)) return IIR.lineStatus;
    if (enabled & IER.received && state.received.length >= state.trigger) return IIR.received;
    if (enabled & IER.received && state.timeout) return IIR.timeout;
    if (enabled & IER.transmitterEmpty && state.transmitterEmptyPending) return IIR.transmitterEmpty;
    if (enabled & IER.modemStatus && state.modemStatus & 0x0f) return IIR.modemStatus;
    return IIR.none;
  }

  private update(): void {
    const { state } = this;
    if (state.incoming.length === 0 || this.loopback || state.received.length >= this.capacity) state.arrivesAt = null;
    else state.arrivesAt ??= this.clock.now + this.characterTicks;
    if (this.interrupting) this.interrupt.raise();
    else this.interrupt.lower();
  }
}

function powerOn(): SerialState {
  return {
    divisor: 0,
    interruptEnable: 0,
    fifo: false,
    trigger: 1,
    lineControl: 0,
    modemControl: 0,
    modemStatus: CONNECTED,
    scratch: 0,
    received: [],
    lastReceived: 0,
    overrun: false,
    transmitterEmptyPending: false,
    timeout: false,
    timeoutAt: null,
    incoming: [],
    arrivesAt: null,
    breakAt: null,
    polled: null,
  };
}
