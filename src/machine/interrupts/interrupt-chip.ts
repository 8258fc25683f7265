import type { DeviceState } from '../device.ts';

/** What an 8259A is waiting for at its odd port. */
type Expected = 'icw1' | 'icw2' | 'icw3' | 'icw4' | 'mask';

type ChipState = {
  expected: Expected;
  /** ICW1: another chip hangs on this one, or it on another. */
  cascaded: boolean;
  /** ICW1: ICW4 will come. */
  needsIcw4: boolean;
  /** ICW1.LTIM: all inputs level-triggered. */
  allLevel: boolean;
  /** ELCR: inputs that are level-triggered one by one. */
  levelInputs: number;
  /** ICW2: bits 3..7 of the vector. */
  vectorBase: number;
  /** ICW3 as written; the wiring of this machine is fixed. */
  icw3: number;
  autoEoi: boolean;
  rotateOnAutoEoi: boolean;
  specialFullyNested: boolean;
  specialMask: boolean;
  /** Level of the inputs now. */
  lines: number;
  /** Rising edges since the last acknowledge. */
  edges: number;
  mask: number;
  inService: number;
  /** The level with the lowest priority: 7 unless rotated. */
  lowest: number;
  /** OCW3: the even port reads ISR, not IRR. */
  readsInService: boolean;
  /** OCW3.P: the next read is a poll. */
  poll: boolean;
};

/** The level that a request gets which is gone when it is acknowledged. */
const SPURIOUS = 7;

/** One 8259A (Intel 231468-003). Levels are numbered 0..7 as its IR pins. */
export class InterruptChip {
  /** Levels at which another chip hangs: bit set. 0 for a slave. */
  private readonly cascadeLevels: number;
  private state: ChipState;

  constructor(cascadeLevels: number) {
    this.cascadeLevels = cascadeLevels;
    this.state = powerOn();
  }

  /** Input pin. In both trigger modes the request is gone when the pin goes low before the acknowledge. */
  setLine(level: number, high: boolean): void {
    const bit = 1 << level;
    if (high && (this.state.lines & bit) === 0) this.state.edges |= bit;
    this.state.lines = high ? this.state.lines | bit : this.state.lines & ~bit;
    if (!high) this.state.edges &= ~bit;
  }

  get levelInputs(): number {
    return this.state.levelInputs;
  }
  set levelInputs(bits: number) {
    this.state.levelInputs = bits;
  }

  masked(level: number): boolean {
    return this.state.expected !== 'mask' || (this.state.mask & (1 << level)) !== 0;
  }

  /** The level that the INT pin is high for; undefined while it is low. */
  pendingLevel(): number | undefined {
    const { state } = this;
    if (state.expected !== 'mask') return undefined;
    const request = this.highest(this.requests() & ~state.mask);
    if (request === undefined) return undefined;
    let blocking = state.specialMask ? state.inService & ~state.mask : state.inService;
    if (state.specialFullyNested) blocking &= ~this.cascadeLevels;
    const served = this.highest(blocking);
    return served === undefined || this.rank(request) < this.rank(served) ? request : undefined;
  }

  /** The INTA sequence: takes the pending level into service. Level 7 without an ISR bit when the request is gone. */
  acknowledge(): number {
    const level = this.pendingLevel();
    if (level === undefined) return SPURIOUS;
    this.state.edges &= ~(1 << level);
    if (!this.state.autoEoi) this.state.inService |= 1 << level;
    else if (this.state.rotateOnAutoEoi) this.state.lowest = level;
    return level;
  }

  vector(level: number): number {
    return this.state.vectorBase | level;
  }

  /** `odd` is the A0 pin. */
  read(odd: boolean): number {
    if (this.state.poll) {
      this.state.poll = false;
      return this.pendingLevel() === undefined ? 0 : 0x80 | this.acknowledge();
    }
    if (odd) return this.state.mask;
    return this.state.readsInService ? this.state.inService : this.requests();
  }

  write(odd: boolean, value: number): void {
    if (odd) this.writeOdd(value);
    else if (value & 0x10) this.initialise(value);
    else if (value & 0x08) this.operationCommand3(value);
    else this.operationCommand2(value >> 5, value & 7);
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as ChipState);
  }

  /** IRR. */
  private requests(): number {
    const level = this.state.allLevel ? 0xff : this.state.levelInputs;
    return this.state.edges | (this.state.lines & level);
  }

  /** 0 is the highest priority. */
  private rank(level: number): number {
    return (level - this.state.lowest - 1) & 7;
  }

  private highest(levels: number): number | undefined {
    for (let rank = 0; rank < 8; rank++) {
      const level = (this.state.lowest + 1 + rank) & 7;
      if (levels & (1 << level)) return level;
    }
    return undefined;
  }

  /** ICW1 starts over: edges forgotten, mask and special mask cleared, priorities as after power-on, ICW4's functions off. */
  private initialise(icw1: number): void {
    const { lines, levelInputs } = this.state;
    this.state = {
      ...powerOn(),
      lines,
      levelInputs,
      expected: 'icw2',
      allLevel: (icw1 & 0x08) !== 0,
      cascaded: (icw1 & 0x02) === 0,
      needsIcw4: (icw1 & 0x01) !== 0,
    };
  }

  private writeOdd(value: number): void {
    const { state } = this;
    switch (state.expected) {
      case 'icw2':
        state.vectorBase = value & 0xf8;
        state.expected = state.cascaded ? 'icw3' : state.needsIcw4 ? 'icw4' : 'mask';
        break;
      case 'icw3':
        state.icw3 = value;
        state.expected = state.needsIcw4 ? 'icw4' : 'mask';
        break;
      case 'icw4':
        state.autoEoi = (value & 0x02) !== 0;
        state.specialFullyNested = (value & 0x10) !== 0;
        state.expected = 'mask';
        break;
      case 'icw1':
      case 'mask':
        state.mask = value;
    }
  }

  private operationCommand2(command: number, level: number): void {
    const { state } = this;
    const rotate = (command & 4) !== 0;
    const specific = (command & 2) !== 0;
    const endOfInterrupt = (command & 1) !== 0;
    if (!endOfInterrupt) {
      if (!specific) state.rotateOnAutoEoi = rotate;
      else if (rotate) state.lowest = level;
      return;
    }
    // In special mask mode a non-specific EOI does not clear an ISR bit that is masked.
    const ended = specific ? level : this.highest(state.specialMask ? state.inService & ~state.mask : state.inService);
    if (ended === undefined) return;
    state.inService &= ~(1 << ended);
    if (rotate) state.lowest = ended;
  }

  private operationCommand3(value: number): void {
    if (value & 0x40) this.state.specialMask = (value & 0x20) !== 0;
    if (value & 0x02) this.state.readsInService = (value & 0x01) !== 0;
    this.state.poll = (value & 0x04) !== 0;
  }
}

function powerOn(): ChipState {
  return {
    expected: 'icw1',
    cascaded: true,
    needsIcw4: false,
    allLevel: false,
    levelInputs: 0,
    vectorBase: 0,
    icw3: 0,
    autoEoi: false,
    rotateOnAutoEoi: false,
    specialFullyNested: false,
    specialMask: false,
    lines: 0,
    edges: 0,
    mask: 0,
    inService: 0,
    lowest: 7,
    readsInService: false,
    poll: false,
  };
}
