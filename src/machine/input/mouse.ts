import { TICKS_PER_SECOND } from '../clock.ts';
import type { DeviceState, ReportGap } from '../device.ts';
import { hex } from '../../util/hex.ts';

const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
const ERROR = 0xfc;
const SELF_TEST_PASSED = 0xaa;

const SAMPLE_RATES: readonly number[] = [10, 20, 40, 60, 80, 100, 200];
/** Sample rates that, set one after the other, turn on the wheel, and then two more buttons (Microsoft IntelliMouse). */
const WHEEL_KNOCK = '200,100,80';
const FIVE_BUTTON_KNOCK = '200,200,80';
const IDENTITY = { standard: 0, wheel: 3, fiveButtons: 4 } as const;

/** Status byte 1. */
const STATUS = { right: 0x01, middle: 0x02, left: 0x04, scaling: 0x10, reporting: 0x20, remote: 0x40 } as const;
/** Packet byte 1. */
const PACKET = { buttons: 0x07, always: 0x08, xNegative: 0x10, yNegative: 0x20 } as const;
/** What 2:1 scaling makes of small movements; larger ones are doubled (IBM PS/2 Technical Reference, "Mouse"). */
const SCALED: readonly number[] = [0, 1, 1, 3, 6, 9];

type MouseState = {
  identity: number;
  reporting: boolean;
  remote: boolean;
  /** Everything that comes is sent back. */
  wrap: boolean;
  /** Samples a second. */
  rate: number;
  /** Power of two: counts for each millimetre. */
  resolution: number;
  /** 2:1. */
  scaling: boolean;
  /** The last three sample rates, oldest first. */
  rates: number[];
  /** Left, right, middle, fourth, fifth in bits 0..4. */
  buttons: number;
  /** Moved since the last packet: right, up, towards the user. */
  x: number;
  y: number;
  z: number;
  /** Something to report in stream mode. */
  changed: boolean;
  /** Tick before which no next packet is made. */
  nextSample: number;
  argumentOf: number | null;
  /** The command before was refused: the next refusal is an error. */
  refused: boolean;
  /** Bytes of packets under way. */
  packet: number[];
  /** What a resend command asks for: the last answer or packet. */
  last: number[];
  replies: number[];
};

/** A PS/2 mouse with a wheel on the second wire of the 8042 (IBM PS/2 Technical Reference, "Mouse"; Microsoft IntelliMouse). */
export class Mouse {
  private readonly report: ReportGap;
  private state = powerOn();

  constructor(report: ReportGap) {
    this.report = report;
  }

  /** Host input in counts: `dx` to the right, `dy` down, `wheel` towards the user. Lost while nobody asked for reports. */
  move(dx: number, dy: number, wheel: number): void {
    const { state } = this;
    if (!state.reporting && !state.remote) return;
    state.x += dx;
    state.y -= dy;
    state.z += wheel;
    state.changed = true;
  }

  /** Host input: left, right, middle, fourth, fifth in bits 0..4. */
  press(buttons: number): void {
    const { state } = this;
    if (buttons === state.buttons) return;
    state.buttons = buttons & 0x1f;
    state.changed = true;
  }

  /** Whether a byte of a packet waits for the wire. */
  get hasData(): boolean {
    return this.state.packet.length > 0;
  }

  /** Tick at which {@link sample} makes the next packet; Infinity when there is nothing to report. */
  get nextSample(): number {
    const { state } = this;
    const reports = state.changed && state.reporting && !state.remote && !state.wrap && state.packet.length === 0;
    return reports ? state.nextSample : Infinity;
  }

  /** Makes the packet that is due at `now`. */
  sample(now: number): void {
    const { state } = this;
    if (now < this.nextSample) return;
    state.packet = this.makePacket(state.scaling);
    state.last = [...state.packet];
    state.nextSample = now + Math.floor(TICKS_PER_SECOND / state.rate);
  }

  takeData(): number | undefined {
    return this.state.packet.shift();
  }

  takeReplies(): readonly number[] {
    return this.state.replies.splice(0);
  }

  /** A byte from the controller: a command, or the argument of the one before. */
  command(value: number): void {
    const { state } = this;
    // A command ends what is being sent.
    state.packet = [];
    if (state.wrap && value !== 0xec && value !== 0xff) return this.answer(value);
    const command = state.argumentOf;
    state.argumentOf = null;
    if (command !== null) return this.argument(command, value);
    switch (value) {
      case 0xe6:
      case 0xe7:
        state.scaling = value === 0xe7;
        return this.answer(ACKNOWLEDGE);
      case 0xe8:
      case 0xf3:
        state.argumentOf = value;
        return this.answer(ACKNOWLEDGE);
      case 0xe9:
        return this.answer(ACKNOWLEDGE, this.status(), state.resolution, state.rate);
      case 0xea:
      case 0xf0:
        state.remote = value === 0xf0;
        return this.forgetMovement();
      case 0xeb:
        // Asked for, a packet is not scaled.
        return this.answer(ACKNOWLEDGE, ...this.makePacket(false));
      case 0xec:
      case 0xee:
        state.wrap = value === 0xee;
        return this.forgetMovement();
      case 0xf2:
        return this.answer(ACKNOWLEDGE, state.identity);
      case 0xf4:
      case 0xf5:
        state.reporting = value === 0xf4;
        return this.forgetMovement();
      case 0xf6:
        this.state = { ...powerOn(), identity: state.identity, buttons: state.buttons, rates: state.rates };
        return this.answer(ACKNOWLEDGE);
      case 0xfe:
        state.replies.push(...state.last);
        return;
      case 0xff:
        this.state = { ...powerOn(), buttons: state.buttons };
        return this.answer(ACKNOWLEDGE, SELF_TEST_PASSED, IDENTITY.standard);
      default:
        this.report(`PS/2 mouse command ${hex(value, 2)}: this mouse has no such command`);
        return this.refuse();
    }
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as MouseState);
  }

  private argument(command: number, value: number): void {
    const { state } = this;
    if (command === 0xe8) {
      if (value > 3) return this.refuse();
      state.resolution = value;
    } else {
      if (!SAMPLE_RATES.includes(value)) return this.refuse();
      state.rate = value;
      state.rates = [...state.rates.slice(-2), value];
      const knock = state.rates.join();
      if (knock === WHEEL_KNOCK) state.identity = IDENTITY.wheel;
      else if (knock === FIVE_BUTTON_KNOCK && state.identity !== IDENTITY.standard)
        state.identity = IDENTITY.fiveButtons;
    }
    this.answer(ACKNOWLEDGE);
  }

  private status(): number {
    const { buttons, scaling, reporting, remote } = this.state;
    return (
      (buttons & 1 ? STATUS.left : 0) |
      (buttons & 2 ? STATUS.right : 0) |
      (buttons & 4 ? STATUS.middle : 0) |
      (scaling ? STATUS.scaling : 0) |
      (reporting ? STATUS.reporting : 0) |
      (remote ? STATUS.remote : 0)
    );
  }

  /** What one packet cannot hold is left for the next, so that the overflow bits are never needed. */
  private makePacket(scale: boolean): number[] {
    const { state } = this;
    const x = clamp(state.x, -256, 255);
    const y = clamp(state.y, -256, 255);
    const z = clamp(state.z, -8, 7);
    state.x -= x;
    state.y -= y;
    state.z = state.identity === IDENTITY.standard ? 0 : state.z - z;
    state.changed = state.x !== 0 || state.y !== 0 || state.z !== 0;
    const sentX = scale ? scaled(x) : x;
    const sentY = scale ? scaled(y) : y;
    const signs = (x < 0 ? PACKET.xNegative : 0) | (y < 0 ? PACKET.yNegative : 0);
    const packet = [(state.buttons & PACKET.buttons) | PACKET.always | signs, sentX & 0xff, sentY & 0xff];
    if (state.identity === IDENTITY.wheel) packet.push(z & 0xff);
    if (state.identity === IDENTITY.fiveButtons) packet.push((z & 0x0f) | ((state.buttons & 0x18) << 1));
    return packet;
  }

  private forgetMovement(): void {
    Object.assign(this.state, { x: 0, y: 0, z: 0, changed: false });
    this.answer(ACKNOWLEDGE);
  }

  private refuse(): void {
    const again = this.state.refused;
    this.answer(again ? ERROR : RESEND);
    this.state.refused = !again;
  }

  private answer(...bytes: number[]): void {
    this.state.refused = false;
    this.state.last = bytes;
    this.state.replies.push(...bytes);
  }
}

/** 2:1 scaling, kept within the nine bits of a packet. */
function scaled(movement: number): number {
  const size = Math.abs(movement);
  return clamp(Math.sign(movement) * (SCALED[size] ?? size * 2), -256, 255);
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}

function powerOn(): MouseState {
  return {
    identity: IDENTITY.standard,
    reporting: false,
    remote: false,
    wrap: false,
    rate: 100,
    resolution: 2,
    scaling: false,
    rates: [],
    buttons: 0,
    x: 0,
    y: 0,
    z: 0,
    changed: false,
    nextSample: 0,
    argumentOf: null,
    refused: false,
    packet: [],
    last: [],
    replies: [],
  };
}
