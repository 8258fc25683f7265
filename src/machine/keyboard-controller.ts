import { TICKS_PER_SECOND, type Clock } from './clock.ts';
import type { DeviceState, InterruptLine, ReportGap, TimedDevice } from './device.ts';
import { Keyboard } from './keyboard.ts';
import { SET_2_BREAK, translateToSet1 } from './scan-codes.ts';
import { Emitter } from '../util/emitter.ts';
import { hex } from '../util/hex.ts';

/** Eleven bits at about 11 kHz: one byte on the keyboard's wire takes 1 ms. */
const BYTE_TICKS = TICKS_PER_SECOND / 1000;

const DATA_PORT = 0x60;
const COMMAND_PORT = 0x64;

/** Status register bits. */
const STATUS = { outputFull: 0x01, system: 0x04, command: 0x08, notInhibited: 0x10, auxiliary: 0x20 } as const;
/** Command byte bits. */
const COMMAND = { interrupt: 0x01, system: 0x04, disableKeyboard: 0x10, disableMouse: 0x20, translate: 0x40 } as const;
/** Output port bits. */
const OUTPUT = { notReset: 0x01, a20: 0x02, interrupt: 0x10, idleWires: 0xc0 } as const;
/** What a PS/2 device says when it cannot be reached. */
const RESEND = 0xfe;

type OutputByte = { readonly value: number; readonly auxiliary: boolean };

type ControllerState = {
  commandByte: number;
  /** Status bit 3: the last write went to the command port. */
  lastWasCommand: boolean;
  /** A command whose argument comes with the next write to the data port. */
  argumentOf: number | null;
  /** The output buffer: stays readable after it was read. */
  output: OutputByte;
  outputFull: boolean;
  /** Replies that wait for the output buffer. */
  replies: OutputByte[];
  a20: boolean;
  /** Set 2's break prefix came; the next code is a release. */
  breakPrefix: boolean;
  /** Tick at which the byte on the keyboard's wire is complete; null when none is under way. */
  arrivesAt: number | null;
};

/** The 8042 of the PC with a keyboard and no mouse (IBM PS/2 Technical Reference, "Keyboard/Auxiliary Device Controller"). */
export class KeyboardController implements TimedDevice {
  readonly name = '8042 keyboard controller';
  readonly ports = [
    { first: DATA_PORT, last: DATA_PORT },
    { first: COMMAND_PORT, last: COMMAND_PORT },
  ];
  /** The guest pulled the CPU's reset line. */
  readonly onReset = new Emitter<void>();
  private readonly clock: Clock;
  private readonly interrupt: InterruptLine;
  private readonly report: ReportGap;
  private readonly keyboard: Keyboard;
  private state = powerOn();

  constructor(clock: Clock, interrupt: InterruptLine, report: ReportGap) {
    this.clock = clock;
    this.interrupt = interrupt;
    this.report = report;
    this.keyboard = new Keyboard(report);
  }

  /** Host input: scan codes of set 1, whatever set the guest chose. They reach the guest one byte a millisecond. */
  press(scanCodes: readonly number[]): void {
    this.keyboard.press(scanCodes);
    this.settle();
  }

  portRead(port: number): number {
    if (port === COMMAND_PORT) return this.status();
    const { value } = this.state.output;
    this.state.outputFull = false;
    this.interrupt.lower();
    this.settle();
    return value;
  }

  portWrite(port: number, _width: number, value: number): void {
    this.state.lastWasCommand = port === COMMAND_PORT;
    if (port === COMMAND_PORT) this.command(value);
    else this.data(value);
    this.settle();
  }

  nextEvent(): number {
    return this.state.arrivesAt ?? Infinity;
  }

  advance(now: number): void {
    if (this.state.arrivesAt === null || now < this.state.arrivesAt) return;
    this.state.arrivesAt = null;
    const code = this.keyboard.takeScanCode();
    if (code !== undefined) this.receive(code);
    this.settle();
  }

  save(): DeviceState {
    return { controller: structuredClone(this.state), keyboard: this.keyboard.save() };
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state['controller'] as ControllerState);
    this.keyboard.restore(state['keyboard'] as DeviceState);
  }

  private status(): number {
    const { state } = this;
    return (
      STATUS.notInhibited |
      (state.outputFull ? STATUS.outputFull : 0) |
      (state.commandByte & COMMAND.system ? STATUS.system : 0) |
      (state.lastWasCommand ? STATUS.command : 0) |
      (state.outputFull && state.output.auxiliary ? STATUS.auxiliary : 0)
    );
  }

  private command(value: number): void {
    const { state } = this;
    state.argumentOf = null;
    switch (value) {
      case 0x20:
        return this.reply(state.commandByte);
      case 0x60:
      case 0xd1:
      case 0xd2:
      case 0xd3:
      case 0xd4:
        state.argumentOf = value;
        return;
      case 0xa7:
        state.commandByte |= COMMAND.disableMouse;
        return;
      case 0xa8:
        state.commandByte &= ~COMMAND.disableMouse;
        return;
      case 0xa9:
      case 0xab:
        return this.reply(0x00);
      case 0xaa:
        return this.reply(0x55);
      case 0xad:
        state.commandByte |= COMMAND.disableKeyboard;
        return;
      case 0xae:
        state.commandByte &= ~COMMAND.disableKeyboard;
        return;
      case 0xc0:
        // Input port: keyboard not locked.
        return this.reply(0x80);
      case 0xd0:
        return this.reply(this.outputPort());
      default:
        // 0xf0..0xff pulse the output port's bits 0..3 that are 0 in the command; bit 0 is the CPU's reset line.
        if (value >= 0xf0) {
          if ((value & OUTPUT.notReset) === 0) this.onReset.fire();
        } else this.report(`8042 command ${hex(value, 2)}: this controller has no such command`);
    }
  }

  private data(value: number): void {
    const command = this.state.argumentOf;
    this.state.argumentOf = null;
    switch (command) {
      case null:
        // A byte for the keyboard starts its clock again.
        this.state.commandByte &= ~COMMAND.disableKeyboard;
        this.keyboard.command(value);
        for (const reply of this.keyboard.takeReplies()) this.receive(reply);
        return;
      case 0x60:
        this.state.commandByte = value;
        return;
      case 0xd1:
        return this.writeOutputPort(value);
      case 0xd2:
        return this.reply(value);
      case 0xd3:
        return this.reply(value, true);
      default:
        this.report(`PS/2 mouse command ${hex(value, 2)}: no mouse is attached`);
        return this.reply(RESEND, true);
    }
  }

  private outputPort(): number {
    return (
      OUTPUT.idleWires |
      OUTPUT.notReset |
      (this.state.a20 ? OUTPUT.a20 : 0) |
      (this.state.outputFull ? OUTPUT.interrupt : 0)
    );
  }

  private writeOutputPort(value: number): void {
    this.state.a20 = (value & OUTPUT.a20) !== 0;
    if (!this.state.a20) this.report('A20 switched off by the 8042: address line 20 is always on in this machine');
    if ((value & OUTPUT.notReset) === 0) this.onReset.fire();
  }

  private reply(value: number, auxiliary = false): void {
    this.state.replies.push({ value, auxiliary });
  }

  /** A byte from the keyboard: set 2 becomes set 1 where the command byte says so. */
  private receive(code: number): void {
    const { state } = this;
    if ((state.commandByte & COMMAND.translate) === 0) return this.reply(code);
    if (code === SET_2_BREAK) {
      state.breakPrefix = true;
      return;
    }
    this.reply(translateToSet1(code) | (state.breakPrefix ? 0x80 : 0));
    state.breakPrefix = false;
  }

  /** Moves what waits towards the output buffer: a reply at once, a scan code after its time on the wire. */
  private settle(): void {
    const { state } = this;
    if (!state.outputFull) {
      const reply = state.replies.shift();
      if (reply) {
        state.output = reply;
        state.outputFull = true;
      }
    }
    if (state.outputFull && !state.output.auxiliary && state.commandByte & COMMAND.interrupt) this.interrupt.raise();
    else this.interrupt.lower();
    // The controller holds the keyboard's clock while its buffer is full or the keyboard is disabled.
    if (state.outputFull || state.commandByte & COMMAND.disableKeyboard || !this.keyboard.hasScanCodes)
      state.arrivesAt = null;
    else state.arrivesAt ??= this.clock.now + BYTE_TICKS;
  }
}

function powerOn(): ControllerState {
  return {
    commandByte: 0,
    lastWasCommand: false,
    argumentOf: null,
    output: { value: 0, auxiliary: false },
    outputFull: false,
    replies: [],
    a20: true,
    breakPrefix: false,
    arrivesAt: null,
  };
}
