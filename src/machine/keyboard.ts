import type { DeviceState, ReportGap } from './device.ts';
import { toSet2 } from './scan-codes.ts';
import { hex } from '../util/hex.ts';

const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;
const IDENTITY = [0xab, 0x83] as const;
/** A real keyboard keeps 16 bytes; a host pastes whole lines, so this one keeps more. */
const BUFFERED_CODES = 4096;

type KeyboardState = {
  scanning: boolean;
  /** Scan code set 1, 2 or 3. */
  set: number;
  /** Scroll, num, caps lock in bits 0..2. */
  leds: number;
  /** A command whose argument byte is still to come. */
  argumentOf: number | null;
  scanCodes: number[];
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
    const codes = state.set === 1 ? set1 : toSet2(set1);
    if (state.scanning && state.scanCodes.length + codes.length <= BUFFERED_CODES) state.scanCodes.push(...codes);
  }

  takeScanCode(): number | undefined {
    return this.state.scanCodes.shift();
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
    if (command === 0xed) state.leds = value & 7;
    else if (command === 0xf0) return this.chooseSet(value);
    // 0xf3: typematic rate and delay; the host repeats its keys by itself.
    this.answer(ACKNOWLEDGE);
  }

  private chooseSet(value: number): void {
    if (value === 0) return this.answer(ACKNOWLEDGE, this.state.set);
    if (value === 1 || value === 2) {
      this.state.set = value;
      return this.answer(ACKNOWLEDGE);
    }
    this.report(`keyboard scan code set ${value}: this keyboard has sets 1 and 2`);
    this.answer(RESEND);
  }

  private answer(...bytes: number[]): void {
    this.state.replies.push(...bytes);
  }
}

function powerOn(): KeyboardState {
  return { scanning: true, set: 2, leds: 0, argumentOf: null, scanCodes: [], replies: [] };
}
