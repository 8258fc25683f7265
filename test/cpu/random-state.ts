import { ORACLE } from '../support/native-oracle.ts';
import type { Random } from '../support/random.ts';
import { boundaryWord, fillState } from './state-fill.ts';

/** General registers in encoding order. */
export const REGISTER = { ax: 0, cx: 1, dx: 2, bx: 3, sp: 4, bp: 5, si: 6, di: 7 } as const;
export const NOT_STACK_POINTER = [0, 1, 2, 3, 5, 6, 7];
export const DATA_WINDOW = ORACLE.data + 0x1000 - ORACLE.window;

/** Registers and memory before an instruction, chosen at random and then bent to what the instruction needs. */
export class RandomState {
  readonly random: Random;
  readonly registers: number[];
  /** Registers whose value matters: an address must do with it. */
  readonly pinned = new Set<number>();
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
  readonly eflags: number;
  /** Which of the oracle's FS segments. */
  readonly fs: 0 | 1;

  /** `seed`: the number of the state to start from; `random` makes the choices after it. */
  constructor(seed: number, random: Random) {
    this.random = random;
    ({
      registers: this.registers,
      data: this.data,
      stack: this.stack,
      eflags: this.eflags,
      fs: this.fs,
    } = fillState(seed));
    this.pinned.add(REGISTER.sp);
  }

  /** 32 bits, often at the edge of a width. */
  word(): number {
    return boundaryWord(this.random);
  }

  get(register: number): number {
    return this.registers[register] ?? 0;
  }
  set(register: number, value: number): void {
    this.registers[register] = value >>> 0;
  }
  pin(register: number, value: number): void {
    this.set(register, value);
    this.pinned.add(register);
  }

  /** The word on the top of the stack. */
  setTop(value: number): void {
    new DataView(this.stack.buffer).setUint32(this.get(REGISTER.sp) - ORACLE.stack, value, true);
  }

  /** A linear address for an access of `size` bytes: mostly in the data window, now and then where it is refused. */
  target(size: number): number {
    const { random } = this;
    const into = (page: number): number => page - size + 1 + random.below(size);
    switch (random.below(20)) {
      case 0:
        return into(ORACLE.readOnly);
      case 1:
        return ORACLE.readOnly + random.below(0x1000 - size);
      case 2:
        return into(ORACLE.readOnly + 0x1000);
      case 3:
        return ORACLE.data - 1 - random.below(0x800);
      default:
        return DATA_WINDOW + random.below(ORACLE.window - size + 1);
    }
  }

  /** An address of int3 that a short jump reaches, away from the instruction. */
  landing(): number {
    return ORACLE.start + (this.random.oneIn(2) ? 40 + this.random.below(80) : -(2 + this.random.below(100)));
  }
}
