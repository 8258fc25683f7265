import type { A20Gate } from './a20-gate.ts';
import { TICKS_PER_SECOND, type Clock } from '../clock.ts';
import type { DeviceState, InterruptLine, ReportGap, TimedDevice } from '../device.ts';
import { Keyboard } from './keyboard.ts';
import { Mouse } from './mouse.ts';
import { BREAK_PREFIX, translateToSet1 } from './scan-codes.ts';
import { Emitter } from '../../util/emitter.ts';
import { hex } from '../../util/hex.ts';

/** Eleven bits at about 11 kHz: one byte on a device's wire takes 1 ms. */
const BYTE_TICKS = TICKS_PER_SECOND / 1000;

const DATA_PORT = 0x60;
const COMMAND_PORT = 0x64;

/** Status register bits. */
const STATUS = { outputFull: 0x01, system: 0x04, command: 0x08, notInhibited: 0x10, auxiliary: 0x20 } as const;
/** Command byte bits. */
const COMMAND = {
  interrupt: 0x01,
  mouseInterrupt: 0x02,
  system: 0x04,
  disableKeyboard: 0x10,
  disableMouse: 0x20,
  translate: 0x40,
} as const;
/** Output port bits. */
const OUTPUT = { notReset: 0x01, a20: 0x02, interrupt: 0x10, mouseInterrupt: 0x20, idleWires: 0xcc } as const;
/** Commands whose argument comes through the data port. */
const WITH_ARGUMENT: ReadonlySet<number> = new Set([0xa5, 0xd1, 0xd2, 0xd3, 0xd4]);
/** Answer to 0xa4: no password is installed. */
const NO_PASSWORD = 0xf1;
/** Bytes of controller memory that commands 0x20..0x3f read and 0x60..0x7f write; the first is the command byte. */
const MEMORY_BYTES = 32;

type OutputByte = { readonly value: number; readonly auxiliary: boolean };

type ControllerState = {
  commandByte: number;
  /** What the guest keeps in the controller's memory; byte 0 is {@link commandByte}. */
  memory: number[];
  /** Status bit 3: the last write went to the command port. */
  lastWasCommand: boolean;
  /** A command whose argument comes with the next write to the data port. */
  argumentOf: number | null;
  /** The output buffer: stays readable after it was read. */
  output: OutputByte;
  outputFull: boolean;
  /** Replies that wait for the output buffer. */
  replies: OutputByte[];
  /** Set 2's break prefix came; the next code is a release. */
  breakPrefix: boolean;
  /** Tick at which the byte on a device's wire is complete; null when none is under way. */
  arrivesAt: number | null;
};

/** Interrupt lines of the two devices: IRQ 1 and IRQ 12. */
export interface KeyboardControllerLines {
  readonly keyboard: InterruptLine;
  readonly mouse: InterruptLine;
}

/** The 8042 of the PC with a keyboard and a mouse (IBM PS/2 Technical Reference, "Keyboard/Auxiliary Device Controller"). */
export class KeyboardController implements TimedDevice {
  readonly name = '8042 keyboard controller';
  readonly ports = [
    { first: DATA_PORT, last: DATA_PORT },
    { first: COMMAND_PORT, last: COMMAND_PORT },
  ];
  readonly interrupts = [1, 12];
  /** The guest pulled the CPU's reset line. */
  readonly onReset = new Emitter<void>();
  private readonly clock: Clock;
  private readonly lines: KeyboardControllerLines;
  private readonly a20: A20Gate;
  private readonly report: ReportGap;
  private readonly keyboard: Keyboard;
  private readonly mouse: Mouse;
  private state = powerOn();

  constructor(clock: Clock, lines: KeyboardControllerLines, a20: A20Gate, report: ReportGap) {
    this.clock = clock;
    this.lines = lines;
    this.a20 = a20;
    this.report = report;
    this.keyboard = new Keyboard(report);
    this.mouse = new Mouse(report);
  }

  /** Host input: scan codes of set 1, whatever set the guest chose. They reach the guest one byte a millisecond. */
  press(scanCodes: readonly number[]): void {
    this.keyboard.press(scanCodes);
    this.settle();
  }

  /** Host input in counts: `dx` to the right, `dy` down, `wheel` towards the user. */
  moveMouse(dx: number, dy: number, wheel: number): void {
    this.mouse.move(dx, dy, wheel);
    this.settle();
  }

  /** Host input: the mouse buttons that are down, left, right, middle, fourth and fifth in bits 0..4. */
  pressMouse(buttons: number): void {
    this.mouse.press(buttons);
    this.settle();
  }

  portRead(port: number): number {
    if (port === COMMAND_PORT) return this.readStatus();
    const { value } = this.state.output;
    this.state.outputFull = false;
    this.lines.keyboard.lower();
    this.lines.mouse.lower();
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
    return Math.min(this.state.arrivesAt ?? Infinity, this.mouse.nextSample);
  }

  advance(now: number): void {
    if (now < this.nextEvent()) return;
    this.mouse.sample(now);
    if (this.state.arrivesAt !== null && now >= this.state.arrivesAt) this.arrive();
    this.settle();
  }

  save(): DeviceState {
    return { controller: structuredClone(this.state), keyboard: this.keyboard.save(), mouse: this.mouse.save() };
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state['controller'] as ControllerState);
    this.keyboard.restore(state['keyboard'] as DeviceState);
    this.mouse.restore(state['mouse'] as DeviceState);
  }

  private readStatus(): number {
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
    if (value >= 0x20 && value < 0x20 + MEMORY_BYTES)
      return this.reply(value === 0x20 ? state.commandByte : (state.memory[value - 0x20] ?? 0));
    if ((value >= 0x60 && value < 0x60 + MEMORY_BYTES) || WITH_ARGUMENT.has(value)) {
      state.argumentOf = value;
      return;
    }
    switch (value) {
      case 0xa4:
        return this.reply(NO_PASSWORD);
      case 0xa7:
        state.commandByte |= COMMAND.disableMouse;
        return;
      case 0xa8:
        state.commandByte &= ~COMMAND.disableMouse;
        return;
      case 0xa9:
      case 0xab:
        // Interface tests: no error.
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
      case 0xdd:
      case 0xdf:
        // Of the PC's chip sets, not of IBM's controller.
        return this.a20.set(value === 0xdf);
      case 0xe0:
        // Test inputs: the keyboard's clock, held low while it is disabled, and its data.
        return this.reply(state.commandByte & COMMAND.disableKeyboard ? 0x02 : 0x03);
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
    if (command === null) return this.commandKeyboard(value);
    if (command < 0x60 + MEMORY_BYTES) return this.writeMemory(command - 0x60, value);
    switch (command) {
      case 0xa5:
        // A password ends with a zero.
        if (value !== 0) this.state.argumentOf = command;
        else this.report('8042 command 0xa5: this controller does not lock the keyboard by a password');
        return;
      case 0xd1:
        this.a20.set((value & OUTPUT.a20) !== 0);
        if ((value & OUTPUT.notReset) === 0) this.onReset.fire();
        return;
      case 0xd2:
        return this.reply(value);
      case 0xd3:
        return this.reply(value, true);
      default:
        return this.commandMouse(value);
    }
  }

  private writeMemory(index: number, value: number): void {
    if (index === 0) this.state.commandByte = value;
    else this.state.memory[index] = value;
  }

  /** A byte for a device starts its clock again. */
  private commandKeyboard(value: number): void {
    this.state.commandByte &= ~COMMAND.disableKeyboard;
    this.keyboard.command(value);
    for (const reply of this.keyboard.takeReplies()) this.receive(reply);
  }

  private commandMouse(value: number): void {
    this.state.commandByte &= ~COMMAND.disableMouse;
    this.mouse.command(value);
    for (const reply of this.mouse.takeReplies()) this.reply(reply, true);
  }

  private outputPort(): number {
    const { output, outputFull } = this.state;
    const interrupt = output.auxiliary ? OUTPUT.mouseInterrupt : OUTPUT.interrupt;
    return OUTPUT.idleWires | OUTPUT.notReset | (this.a20.on ? OUTPUT.a20 : 0) | (outputFull ? interrupt : 0);
  }

  private reply(value: number, auxiliary = false): void {
    this.state.replies.push({ value, auxiliary });
  }

  /** A byte from the keyboard: set 2 becomes set 1 where the command byte says so. */
  private receive(code: number): void {
    const { state } = this;
    if ((state.commandByte & COMMAND.translate) === 0) return this.reply(code);
    if (code === BREAK_PREFIX) {
      state.breakPrefix = true;
      return;
    }
    this.reply(translateToSet1(code) | (state.breakPrefix ? 0x80 : 0));
    state.breakPrefix = false;
  }

  /** The byte on the wire has come. The keyboard goes first. */
  private arrive(): void {
    this.state.arrivesAt = null;
    const code = this.keyboardSends ? this.keyboard.takeScanCode() : undefined;
    if (code !== undefined) return this.receive(code);
    const data = this.mouse.takeData();
    if (data !== undefined) this.reply(data, true);
  }

  private get keyboardSends(): boolean {
    return (this.state.commandByte & COMMAND.disableKeyboard) === 0 && this.keyboard.hasScanCodes;
  }

  private get mouseSends(): boolean {
    return (this.state.commandByte & COMMAND.disableMouse) === 0 && this.mouse.hasData;
  }

  /** Moves what waits towards the output buffer: a reply at once, a device's own byte after its time on the wire. */
  private settle(): void {
    const { state } = this;
    if (!state.outputFull) {
      const reply = state.replies.shift();
      if (reply) {
        state.output = reply;
        state.outputFull = true;
      }
    }
    drive(this.lines.keyboard, this.interruptsFor(false));
    drive(this.lines.mouse, this.interruptsFor(true));
    // The controller holds the clock of a device that is disabled, and of both while its buffer is full.
    if (state.outputFull || !(this.keyboardSends || this.mouseSends)) state.arrivesAt = null;
    else state.arrivesAt ??= this.clock.now + BYTE_TICKS;
  }

  private interruptsFor(auxiliary: boolean): boolean {
    const { commandByte, output, outputFull } = this.state;
    const enabled = commandByte & (auxiliary ? COMMAND.mouseInterrupt : COMMAND.interrupt);
    return outputFull && output.auxiliary === auxiliary && enabled !== 0;
  }
}

function drive(line: InterruptLine, high: boolean): void {
  if (high) line.raise();
  else line.lower();
}

function powerOn(): ControllerState {
  return {
    commandByte: 0,
    memory: new Array<number>(MEMORY_BYTES).fill(0),
    lastWasCommand: false,
    argumentOf: null,
    output: { value: 0, auxiliary: false },
    outputFull: false,
    replies: [],
    breakPrefix: false,
    arrivesAt: null,
  };
}
