import { EXCEPTION, roundingOf } from './floating-point/environment.ts';
import { unpack, type Extended, type ExtendedControl } from './floating-point/extended.ts';
import * as L from './layout.ts';

/** Bits of the status word beside the exceptions (SDM 1, 8.1.3). */
export const X87_STATUS = {
  stackFault: 0x40,
  /** ES: an unmasked exception is pending. */
  errorSummary: 0x80,
  c0: 0x100,
  c1: 0x200,
  c2: 0x400,
  c3: 0x4000,
  conditions: 0x4700,
  topShift: 11,
  top: 0x3800,
  busy: 0x8000,
} as const;

/** Values of a register's two tag bits (SDM 1, 8.1.7). */
export const X87_TAG = { valid: 0, zero: 1, special: 2, empty: 3 } as const;

const ALL_EXCEPTIONS = 0x3f;
/** Bits 6, 7 and 13 to 15 of the control word are fixed; bit 6 reads as 1. */
const CONTROL_WRITABLE = 0x1f3f;
const CONTROL_FIXED = 0x40;
/** PC field to significant bits; 1 is reserved and works as 64. */
const PRECISIONS = [24, 64, 53, 64] as const;

/** Where the last x87 instruction and its memory operand were. */
export interface X87Pointers {
  readonly instructionOffset: number;
  readonly instructionSelector: number;
  readonly operandOffset: number;
  readonly operandSelector: number;
  /** Low three bits of the first opcode byte, then the second. */
  readonly opcode: number;
}

/** Typed access to the x87 part of the CPU's memory. Holds no copy. */
export class X87State {
  private readonly view: DataView;

  constructor(view: DataView) {
    this.view = view;
  }

  /** As a hardware reset leaves it (SDM 3, table 9-1). */
  reset(): void {
    for (let n = 0; n < 8; n++) this.setPhysical(n, { signExponent: 0, significand: 0n });
    this.control = CONTROL_FIXED;
    this.status = 0;
    this.tagWord = 0x5555;
    this.pointers = NO_POINTERS;
  }

  /** FNINIT. */
  initialise(): void {
    this.control = 0x37f;
    this.status = 0;
    this.tagWord = 0xffff;
    this.pointers = NO_POINTERS;
  }

  get control(): number {
    return this.view.getUint32(L.X87_CONTROL, true);
  }
  set control(value: number) {
    this.view.setUint32(L.X87_CONTROL, (value & CONTROL_WRITABLE) | CONTROL_FIXED, true);
    this.summarise();
  }
  /** {@link EXCEPTION} bits that are not masked. */
  get unmasked(): number {
    return ~this.control & ALL_EXCEPTIONS;
  }
  /** What arithmetic takes from the control word. */
  get arithmetic(): ExtendedControl {
    const { control } = this;
    const precision = PRECISIONS[(control >>> 8) & 3] ?? 64;
    return { rounding: roundingOf(control >>> 10), precision, unmasked: ~control & ALL_EXCEPTIONS };
  }

  get status(): number {
    return this.view.getUint32(L.X87_STATUS, true);
  }
  /** ES and B follow from the exceptions and their masks. */
  set status(value: number) {
    this.view.setUint32(L.X87_STATUS, value & 0x7f7f, true);
    this.summarise();
  }
  private summarise(): void {
    const status = this.status & 0x7f7f;
    const pending = (status & ~this.control & ALL_EXCEPTIONS) !== 0;
    const summary = pending ? X87_STATUS.errorSummary | X87_STATUS.busy : 0;
    this.view.setUint32(L.X87_STATUS, status | summary, true);
  }
  /** An unmasked exception waits for the next waiting instruction. */
  get errorPending(): boolean {
    return (this.status & X87_STATUS.errorSummary) !== 0;
  }

  /** Number of the physical register that is ST(0). */
  get top(): number {
    return (this.status >>> X87_STATUS.topShift) & 7;
  }
  set top(value: number) {
    this.status = (this.status & ~X87_STATUS.top) | ((value & 7) << X87_STATUS.topShift);
  }

  /** Two bits for each physical register; those of registers that are not empty follow from what they hold. */
  get tagWord(): number {
    let word = 0;
    for (let n = 0; n < 8; n++) word |= this.tagOf(n) << (n * 2);
    return word;
  }
  set tagWord(value: number) {
    this.view.setUint32(L.X87_TAG, value & 0xffff, true);
  }
  private tagOf(physical: number): number {
    if (this.physicalIsEmpty(physical)) return X87_TAG.empty;
    const bits = this.physical(physical);
    const { kind } = unpack(bits);
    if (kind === 'zero') return X87_TAG.zero;
    return kind === 'normal' ? X87_TAG.valid : X87_TAG.special;
  }
  private physicalIsEmpty(physical: number): boolean {
    return ((this.view.getUint32(L.X87_TAG, true) >>> (physical * 2)) & 3) === X87_TAG.empty;
  }
  private setTag(physical: number, tag: number): void {
    const word = this.view.getUint32(L.X87_TAG, true);
    this.view.setUint32(L.X87_TAG, (word & ~(3 << (physical * 2))) | (tag << (physical * 2)), true);
  }

  /** Physical register 0..7. */
  physical(number: number): Extended {
    const at = L.X87_REGISTERS + number * 16;
    return { significand: this.view.getBigUint64(at, true), signExponent: this.view.getUint16(at + 8, true) };
  }
  /** Changes no tag. */
  setPhysical(number: number, value: Extended): void {
    const at = L.X87_REGISTERS + number * 16;
    this.view.setBigUint64(at, value.significand, true);
    this.view.setUint16(at + 8, value.signExponent, true);
  }

  private physicalOf(stack: number): number {
    return (this.top + stack) & 7;
  }
  /** ST(n), empty or not. */
  register(stack: number): Extended {
    return this.physical(this.physicalOf(stack));
  }
  /** Writes ST(n), which is no longer empty. */
  setRegister(stack: number, value: Extended): void {
    const physical = this.physicalOf(stack);
    this.setPhysical(physical, value);
    this.setTag(physical, X87_TAG.valid);
  }
  isEmpty(stack: number): boolean {
    return this.physicalIsEmpty(this.physicalOf(stack));
  }
  free(stack: number): void {
    this.setTag(this.physicalOf(stack), X87_TAG.empty);
  }
  push(value: Extended): void {
    this.top--;
    this.setRegister(0, value);
  }
  pop(): void {
    this.free(0);
    this.top++;
  }

  get pointers(): X87Pointers {
    const word = (at: number): number => this.view.getUint32(at, true);
    return {
      instructionOffset: word(L.X87_INSTRUCTION_OFFSET),
      instructionSelector: word(L.X87_INSTRUCTION_SELECTOR),
      operandOffset: word(L.X87_OPERAND_OFFSET),
      operandSelector: word(L.X87_OPERAND_SELECTOR),
      opcode: word(L.X87_OPCODE),
    };
  }
  set pointers(value: X87Pointers) {
    this.view.setUint32(L.X87_INSTRUCTION_OFFSET, value.instructionOffset, true);
    this.view.setUint32(L.X87_INSTRUCTION_SELECTOR, value.instructionSelector & 0xffff, true);
    this.view.setUint32(L.X87_OPERAND_OFFSET, value.operandOffset, true);
    this.view.setUint32(L.X87_OPERAND_SELECTOR, value.operandSelector & 0xffff, true);
    this.view.setUint32(L.X87_OPCODE, value.opcode & 0x7ff, true);
  }

  /** Sets the condition flags C0 to C3 of `mask` ({@link X87_STATUS} bits). */
  setConditions(mask: number, value: number): void {
    this.status = (this.status & ~mask) | (value & mask);
  }

  /**
   * Adds exceptions to the status word, and sets C1 to `c1`. False when an unmasked invalid operation, denormal operand or division by zero
   * keeps the instruction from its result. An unmasked exception that is found before the operation hides those that the operation would raise.
   */
  raise(flags: number, c1: boolean): boolean {
    const early = flags & BEFORE_OPERATION & this.unmasked;
    const seen = early !== 0 ? flags & BEFORE_OPERATION : flags;
    this.status = (this.status & ~X87_STATUS.c1) | seen | (c1 && early === 0 ? X87_STATUS.c1 : 0);
    return early === 0;
  }

  /** Reports a stack fault: an overflow (C1 = 1) or an underflow. True when it is masked. */
  raiseStackFault(overflow: boolean): boolean {
    this.status |= EXCEPTION.invalid | X87_STATUS.stackFault;
    this.setConditions(X87_STATUS.c1, overflow ? X87_STATUS.c1 : 0);
    return (this.unmasked & EXCEPTION.invalid) === 0;
  }
}

/** Exceptions that keep an instruction from its result: invalid operation, denormal operand, division by zero (SDM 1, 8.5). */
const BEFORE_OPERATION = EXCEPTION.invalid | EXCEPTION.denormal | EXCEPTION.zeroDivide;

const NO_POINTERS: X87Pointers = {
  instructionOffset: 0,
  instructionSelector: 0,
  operandOffset: 0,
  operandSelector: 0,
  opcode: 0,
};
