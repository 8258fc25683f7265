import type { DeviceState, ReportGap } from '../device.ts';
import { allSet3Keys, BREAK_PREFIX, toSet2, toSet3 } from './scan-codes.ts';
import { hex } from '../../util/hex.ts';

const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;
const IDENTITY = [0xab, 0x83] as const;
/** A real keyboard keeps 16 bytes; a host pastes whole lines, so this one keeps more. */
const BUFFERED_CODES = 4096;

/** 10.9 characters a second after half a second. */
const DEFAULT_TYPEMATIC = 0x2b;

type KeyboardState = {
  scanning: boolean;
  /** Scan code set 1, 2 or 3. */
  set: number;
  /** Scroll, num, caps lock in bits 0..2. */
  leds: number;
  /** A command whose argument byte is still to come. */
  argumentOf: number | null;
  /** Repeat rate and delay as set; the host repeats its keys by itself. */
  typematic: number;
  /** Set 3: codes of keys that say nothing when they are released, or true for all. */
  silentReleases: number[] | true;
  scanCodes: number[];
  /** What a resend command asks for: the last byte sent. */
  last: number;
  replies: number[];
};

/** A PS/2 keyboard on the wire behind the 8042: commands in, replies and scan codes out (IBM PS/2 Technical Reference, "Keyboard"). */
export class Keyboard {
  private readonly report: ReportGap;
  private state = powerOn();

  constructor(report: ReportGap) {
    this.report = report;
  }

  get hasScanCodes(): boolean {
    return this.state.scanCodes.length > 0;
  }

  /** Host input in set 1; kept in the set that the guest chose. Lost while scanning is off or the buffer is full, as on the desk. */
  press(set1: readonly number[]): void {
    const { state } = this;
    const codes = state.set === 1 ? set1 : state.set === 2 ? toSet2(set1) : this.inSet3(set1);
    if (state.scanning && state.scanCodes.length + codes.length <= BUFFERED_CODES) state.scanCodes.push(...codes);
  }

  takeScanCode(): number | undefined {
    const code = this.state.scanCodes.shift();
    if (code !== undefined) this.state.last = code;
    return code;
  }

  takeReplies(): readonly number[] {
    return this.state.replies.splice(0);
  }

  /** A byte from the controller: a command, or the argument of the one before. */
  command(value: number): void {
    const { state } = this;
    const command = state.argumentOf;
    state.argumentOf = null;
    if (command !== null && value < 0xed) return this.argument(command, value);
    if (value >= 0xf7 && value <= 0xfd) return this.chooseKeyTypes(value);
    switch (value) {
      case 0xed:
      case 0xf0:
      case 0xf3:
        state.argumentOf = value;
        return this.answer(ACKNOWLEDGE);
      case 0xee:
        return this.answer(0xee);
      case 0xf2:
        return this.answer(ACKNOWLEDGE, ...IDENTITY);
      case 0xf4:
        state.scanning = true;
        state.scanCodes = [];
        return this.answer(ACKNOWLEDGE);
      case 0xf5:
        this.state = { ...powerOn(), scanning: false };
        return this.answer(ACKNOWLEDGE);
      case 0xf6:
        this.state = powerOn();
        return this.answer(ACKNOWLEDGE);
      case 0xfe:
        state.replies.push(state.last);
        return;
      case 0xff:
        this.state = powerOn();
        return this.answer(ACKNOWLEDGE, SELF_TEST_PASSED);
      default:
        this.report(`keyboard command ${hex(value, 2)}: this keyboard has no such command`);
        return this.answer(RESEND);
    }
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as KeyboardState);
  }

  private argument(command: number, value: number): void {
    const { state } = this;
    switch (command) {
      case 0xed:
        state.leds = value & 7;
        return this.answer(ACKNOWLEDGE);
      case 0xf0:
        return this.chooseSet(value);
      case 0xf3:
        state.typematic = value & 0x7f;
        return this.answer(ACKNOWLEDGE);
      default:
        // 0xfb to 0xfd: a key of set 3. The list goes on until the next command.
        this.chooseKeyType(command, value);
        state.argumentOf = command;
        return this.answer(ACKNOWLEDGE);
    }
  }

  private chooseSet(value: number): void {
    if (value === 0) return this.answer(ACKNOWLEDGE, this.state.set);
    if (value > 3) return this.answer(RESEND);
    this.state.set = value;
    this.state.scanCodes = [];
    this.answer(ACKNOWLEDGE);
  }

  /** Set 3 only: 0xf7 to 0xfa for all keys, 0xfb to 0xfd for those that follow. Repeating is the host's matter. */
  private chooseKeyTypes(command: number): void {
    const { state } = this;
    if (command >= 0xfb) state.argumentOf = command;
    else state.silentReleases = command === 0xf7 || command === 0xf9 ? true : [];
    this.answer(ACKNOWLEDGE);
  }

  private chooseKeyType(command: number, key: number): void {
    const { state } = this;
    // After "all keys make only" every key is in the list but those named since; that needs the keys of the keyboard.
    const others = state.silentReleases === true ? allSet3Keys() : state.silentReleases;
    const rest = others.filter((other) => other !== key);
    state.silentReleases = command === 0xfc ? rest : [...rest, key];
  }

  private inSet3(set1: readonly number[]): readonly number[] {
    const silent = this.state.silentReleases;
    return toSet3(set1).flatMap(({ code, release }) => {
      if (!release) return [code];
      return silent === true || silent.includes(code) ? [] : [BREAK_PREFIX, code];
    });
  }

  private answer(...bytes: number[]): void {
    this.state.last = bytes.at(-1) ?? this.state.last;
    this.state.replies.push(...bytes);
  }
}

function powerOn(): KeyboardState {
  return {
    scanning: true,
    set: 2,
    leds: 0,
    argumentOf: null,
    typematic: DEFAULT_TYPEMATIC,
    silentReleases: [],
    scanCodes: [],
    last: 0,
    replies: [],
  };
}
