/**
 * The builder that an instruction description talks to. Two rules make faults precise by construction:
 * every read (register, flag, memory) sees the state before the instruction; every write is kept until the end,
 * memory first, then flags and registers in the order written, then control.
 */
import { internalError } from '../util/errors.ts';
import type { FlagKind } from './flags.ts';
import {
  constant,
  Value,
  type FlagName,
  type MemoryAccess,
  type OperandSize,
  type RegisterRef,
  type SegmentRef,
  type StateName,
  type Width,
} from './value.ts';

export const REGISTER = { ax: 0, cx: 1, dx: 2, bx: 3, sp: 4, bp: 5, si: 6, di: 7 } as const;
export const SEGMENT_REGISTER = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5 } as const;

/** What must hold before anything is written, in order. */
export type Check =
  | { readonly kind: 'load'; readonly value: Value }
  | PassesAhead
  /** Complete here without effects (REP with a zero count). */
  | { readonly kind: 'done-if'; readonly condition: Value<1> }
  | {
      readonly kind: 'raise';
      readonly when: Value<1>;
      readonly vector: number;
      readonly errorCode: Value<32> | undefined;
      readonly reason: string;
      readonly operands: Readonly<Record<string, Value>>;
    };

/**
 * Passes of REP MOVS or STOS that an engine may make at once before this one, none if it does not care to: each moves one element
 * upwards, from the source or else out of the accumulator, and none of them is the last. `commits`: what they change besides.
 */
export interface PassesAhead {
  readonly kind: 'passes';
  /** How many were made. */
  readonly made: Value<32>;
  readonly width: Width;
  readonly source: SegmentRef | undefined;
  readonly commits: readonly Extract<Commit, { readonly kind: 'register' }>[];
}

export type Commit =
  | {
      readonly kind: 'store';
      readonly segment: SegmentRef;
      readonly offset: Value;
      readonly value: Value;
      readonly access: MemoryAccess | undefined;
    }
  | { readonly kind: 'register'; readonly register: RegisterRef; readonly value: Value }
  | {
      readonly kind: 'flags';
      readonly flags: FlagKind;
      readonly width: Width;
      readonly a: Value;
      readonly b: Value | undefined;
      readonly result: Value;
    }
  | { readonly kind: 'eflags'; readonly value: Value<32> }
  | { readonly kind: 'when'; readonly condition: Value<1>; readonly body: readonly Commit[] }
  /** A pass of a repeated string instruction ends; `again`: another follows. */
  | { readonly kind: 'pass'; readonly again: Value<1> }
  /** The machine's shadow call stack: `enter` with the return address and the new stack offset, `leave` with the old one. */
  | { readonly kind: 'shadow-enter'; readonly returnAddress: Value; readonly stackOffset: Value }
  | { readonly kind: 'shadow-leave'; readonly stackOffset: Value };

export type Control =
  | { readonly kind: 'next' }
  | { readonly kind: 'jump'; readonly to: Value }
  | { readonly kind: 'branch'; readonly condition: Value<1>; readonly to: Value; readonly otherwise: Value }
  /** A system operation that sets the instruction pointer itself. */
  | { readonly kind: 'transfer'; readonly operation: HostCall };

/** A system operation performed in TypeScript, before the commits; it may raise a fault with the state unchanged. */
export interface HostCall {
  readonly name: string;
  readonly operands: readonly Value[];
}

/** What differs between "operands known" and "operands in the micro-op". */
export interface Binding {
  /** Per operand: r register, i immediate, m memory, t near target, s segment, control or debug register (its index), v x87 stack, MMX or XMM register. */
  readonly kinds: string;
  /** REP or REPNE prefix of a string instruction: undefined, 'rep' (REP, REPE) or 'repne'. */
  readonly repeat: Repeat | undefined;
  /** Width of the stack pointer (SS.B). */
  readonly stackWidth: 16 | 32;
  /** Width of addresses. */
  readonly addressWidth: 16 | 32;
  /** The base of POP's memory operand is ESP. */
  readonly baseIsStackPointer: boolean;
  register(slot: 0 | 1): RegisterRef;
  immediate(width: Width): Value;
  /** The second immediate of ENTER and of far pointers (the selector). */
  immediate2(width: Width): Value;
  /** Number of the first or second x87 stack, MMX or XMM register operand; operations on these are run by the evaluator alone. */
  vector(slot: 0 | 1): Value<8>;
  /** Offset of the memory operand within its segment, 32 bits. */
  address(): Value<32>;
  /** Segment of the memory operand, or of a string source: DS unless overridden. */
  segment(): SegmentRef;
  target(): Value<32>;
  next(): Value<32>;
  self(): Value<32>;
  /** A word of the CPU state that cannot change while this binding is used; undefined for one that may. */
  known(name: StateName): Value<32> | undefined;
}
export type Repeat = 'rep' | 'repne';

/** An explicit operand, whatever its kind. */
export class Operand<W extends Width> {
  readonly kind: string;
  readonly width: W;
  private readonly instruction: Instruction<Width>;
  private readonly register: RegisterRef | undefined;
  private loaded: Value<W> | undefined;
  private access: MemoryAccess | undefined;

  constructor(instruction: Instruction<Width>, kind: string, width: W, register: RegisterRef | undefined) {
    this.instruction = instruction;
    this.kind = kind;
    this.width = width;
    this.register = register;
  }

  get isMemory(): boolean {
    return this.kind === 'm';
  }

  read(): Value<W> {
    if (this.loaded !== undefined) return this.loaded;
    if (this.kind === 'm') {
      this.access = { readModifyWrite: false };
      const { binding } = this.instruction;
      this.loaded = this.instruction.load(binding.segment(), binding.address(), this.width, this.access);
    } else if (this.register !== undefined) {
      this.loaded = new Value(this.width, { kind: 'register', register: this.register });
    } else {
      this.loaded = this.instruction.binding.immediate(this.width) as Value<W>;
    }
    return this.loaded;
  }

  write(value: Value<W>): void {
    if (this.register !== undefined) return this.instruction.writeRegister(this.register, value);
    if (this.access !== undefined) this.access.readModifyWrite = true;
    const { binding } = this.instruction;
    this.instruction.store(binding.segment(), binding.address(), value, this.access);
  }
}

/** The only third register operand there is: CL of SHLD and SHRD. */
const COUNT_REGISTER: RegisterRef = { index: REGISTER.cx, high: false };

/** One instruction being recorded: `W` is its operand size. */
export class Instruction<W extends Width> {
  readonly binding: Binding;
  readonly width: W;
  readonly operands: readonly Operand<W>[];
  readonly checks: Check[] = [];
  readonly hostCalls: HostCall[] = [];
  commits: Commit[] = [];
  control: Control = { kind: 'next' };

  constructor(binding: Binding, width: W, operandWidths: readonly Width[]) {
    this.binding = binding;
    this.width = width;
    const registers: readonly RegisterRef[] = [binding.register(0), binding.register(1), COUNT_REGISTER];
    let slot = 0;
    this.operands = Array.from(binding.kinds, (kind, number) => {
      const register = kind === 'r' ? registers[slot++] : undefined;
      return new Operand(this, kind, (operandWidths[number] ?? width) as W, register);
    });
  }

  get destination(): Operand<W> {
    return this.operandAt(0, this.width);
  }
  get source(): Operand<W> {
    return this.operandAt(1, this.width);
  }
  /** An operand whose width may not be the instruction's (MOVZX source, shift count). */
  operandAt<X extends Width>(number: number, width: X): Operand<X> {
    const operand = this.operands[number];
    const found: Width | undefined = operand?.width;
    if (operand === undefined || found !== width) {
      throw internalError(`operand ${number} of "${this.binding.kinds}" has ${found ?? 'no'} bits, not ${width}`);
    }
    return operand as unknown as Operand<X>;
  }

  /** An operand of whatever width its encoding gives it. */
  operandOfAnyWidth(number: number): Operand<Width> {
    const operand = this.operands[number];
    if (operand === undefined) throw internalError(`no operand ${number} in "${this.binding.kinds}"`);
    return operand;
  }

  /** A fixed register in encoding order. */
  register<X extends Width>(index: number, width: X): Value<X> {
    return new Value(width, { kind: 'register', register: { index, high: false } });
  }
  setRegister(index: number, value: Value): void {
    this.writeRegister({ index, high: false }, value);
  }
  setHighByte(index: number, value: Value<8>): void {
    this.writeRegister({ index, high: true }, value);
  }
  highByte(index: number): Value<8> {
    return new Value(8, { kind: 'register', register: { index, high: true } });
  }
  writeRegister(register: RegisterRef, value: Value): void {
    this.commits.push({ kind: 'register', register, value });
  }
  /** The visible part of a segment register. */
  selector(index: Value<8> | number): Value<16> {
    return new Value(16, { kind: 'selector', index: typeof index === 'number' ? constant(8, index) : index });
  }
  /** The segment of the memory operand as a number for a system operation, which only runs when it is known. */
  segmentNumber(): Value<8> {
    const segment = this.binding.segment();
    return constant(8, segment === 'field' ? SEGMENT_REGISTER.ds : segment);
  }
  /** A word of the CPU state that is no register operand. */
  state(name: StateName): Value<32> {
    return this.binding.known(name) ?? new Value(32, { kind: 'state', name });
  }

  flag(flag: FlagName): Value<1> {
    return new Value(1, { kind: 'flag', flag });
  }
  condition(code: number): Value<1> {
    return new Value(1, { kind: 'condition', code });
  }
  eflags(): Value<32> {
    return new Value(32, { kind: 'eflags' });
  }
  setEflags(value: Value<32>): void {
    this.commits.push({ kind: 'eflags', value });
  }
  flags(kind: FlagKind, a: Value, b: Value | undefined, result: Value): void {
    this.commits.push({ kind: 'flags', flags: kind, width: result.width, a, b, result });
  }
  /** Explicit carry and overflow; zero, sign and parity from the result, auxiliary carry cleared. */
  flagBits(result: Value, carry: Value<1>, overflow: Value<1>): void {
    this.flags('bits', carry.zeroExtend(32).or(overflow.zeroExtend(32).shl(11)), undefined, result);
  }
  /** Explicit carry and overflow, the other status flags unchanged (rotates). */
  carryAndOverflow(carry: Value<1>, overflow: Value<1>): void {
    const image = this.eflags().and(0xd4).or(carry.zeroExtend(32)).or(overflow.zeroExtend(32).shl(11));
    this.flags('image', image, undefined, image);
  }
  /** Sets some status flags of the current image and keeps the rest. */
  changeStatusFlags(changed: number, value: Value<32>): void {
    const image = this.eflags()
      .and(0x8d5 & ~changed)
      .or(value.and(changed));
    this.flags('image', image, undefined, image);
  }

  load<X extends Width>(
    segment: SegmentRef,
    offset: Value,
    width: X,
    access: MemoryAccess = { readModifyWrite: false },
  ): Value<X> {
    const value = new Value(width, { kind: 'load', segment, offset, access });
    this.checks.push({ kind: 'load', value });
    return value;
  }
  store(segment: SegmentRef, offset: Value, value: Value, access?: MemoryAccess): void {
    this.commits.push({ kind: 'store', segment, offset, value, access });
  }
  raise(
    when: Value<1>,
    vector: number,
    errorCode: Value<32> | undefined,
    reason: string,
    operands: Record<string, Value> = {},
  ): void {
    if (when.constant !== 0n) this.checks.push({ kind: 'raise', when, vector, errorCode, reason, operands });
  }
  /** See {@link PassesAhead}; for 32-bit addresses. */
  passesAhead(source: SegmentRef | undefined): void {
    const made = new Value(32, { kind: 'passes' });
    const moved = made.shl(Math.log2(this.width / 8));
    const change = (index: number, by: Value<32>): PassesAhead['commits'][number] => {
      const register = { index, high: false };
      return { kind: 'register', register, value: this.register(index, 32).add(by) };
    };
    const commits = [change(REGISTER.cx, made.negate()), change(REGISTER.di, moved)];
    if (source !== undefined) commits.push(change(REGISTER.si, moved));
    this.checks.push({ kind: 'passes', made, width: this.width, source, commits });
  }
  doneIf(condition: Value<1>): void {
    this.checks.push({ kind: 'done-if', condition });
  }
  /**
   * Writes inside `body` happen only when `condition` holds. An operand that was read and is written there is accessed for
   * writing either way: a shift by 0 of a read-only operand faults.
   */
  when(condition: Value<1>, body: () => void): void {
    const outer = this.commits;
    const inner: Commit[] = [];
    this.commits = inner;
    body();
    this.commits = outer;
    if (condition.constant === 1n) outer.push(...inner);
    else if (condition.constant !== 0n) outer.push({ kind: 'when', condition, body: inner });
  }

  /** A stack offset as an address: a 16-bit stack pointer wraps at 64 KiB. */
  private stackAddress(pointer: Value): Value<32> {
    return pointer.zeroExtend(32);
  }
  stackPointer(): Value {
    return this.register(REGISTER.sp, this.binding.stackWidth);
  }
  push(value: Value): void {
    const pointer = this.stackPointer().sub(value.width / 8);
    this.store(SEGMENT_REGISTER.ss, this.stackAddress(pointer), value);
    this.setRegister(REGISTER.sp, pointer);
  }
  /** Several pushes, the first one at the highest address. */
  pushAll(values: readonly Value[]): void {
    let pointer = this.stackPointer();
    for (const value of values) {
      pointer = pointer.sub(value.width / 8);
      this.store(SEGMENT_REGISTER.ss, this.stackAddress(pointer), value);
    }
    this.setRegister(REGISTER.sp, pointer);
  }
  /** Pops a value; `release` further bytes are dropped (RET n). */
  pop<X extends Width>(width: X, release?: Value): Value<X> {
    const pointer = this.stackPointer();
    const value = this.load(SEGMENT_REGISTER.ss, this.stackAddress(pointer), width);
    const popped = pointer.add(width / 8);
    this.setRegister(REGISTER.sp, release === undefined ? popped : popped.add(release));
    return value;
  }
  /** The value `bytes` above the stack pointer, not popped. */
  peek<X extends Width>(bytes: number, width: X): Value<X> {
    return this.load(SEGMENT_REGISTER.ss, this.stackAddress(this.stackPointer().add(bytes)), width);
  }
  noteCall(returnAddress: Value<32>, bytes: number): void {
    this.commits.push({
      kind: 'shadow-enter',
      returnAddress,
      stackOffset: this.stackPointer().sub(bytes).zeroExtend(32),
    });
  }
  noteReturn(): void {
    this.commits.push({ kind: 'shadow-leave', stackOffset: this.stackPointer().zeroExtend(32) });
  }

  jump(to: Value): void {
    this.control = { kind: 'jump', to: to.zeroExtend(32) };
  }
  branch(condition: Value<1>, to: Value<32> = this.binding.target(), otherwise: Value<32> = this.binding.next()): void {
    if (condition.constant === undefined) this.control = { kind: 'branch', condition, to, otherwise };
    else this.control = { kind: 'jump', to: condition.constant !== 0n ? to : otherwise };
  }
  /** The end of a pass of a repeated string instruction: the instruction once more, or the next one. */
  repeat(again: Value<1>): void {
    this.commits.push({ kind: 'pass', again });
    this.branch(again, this.binding.self(), this.binding.next());
  }
  /** A system operation that goes on with the next instruction. */
  host(name: string, ...operands: Value[]): void {
    this.hostCalls.push({ name, operands });
  }
  /** A system operation that sets the instruction pointer. */
  transfer(name: string, ...operands: Value[]): void {
    this.control = { kind: 'transfer', operation: { name, operands } };
  }
}

/** What one instruction does, for every operand size and operand kind. */
export interface Description {
  /** Mnemonics as iced-x86 spells them. */
  readonly mnemonics: readonly string[];
  readonly describe: (instruction: Instruction<OperandSize>) => void;
  /** Operand widths that are not the operand size, from the operand size and iced's code name. */
  readonly operandWidths?: (width: Width, codeName: string) => readonly Width[];
  /** May leave the straight line, or change what the next instruction means. */
  readonly endsBlock: boolean;
  /** Only the reference evaluator runs it: it changes what the engines depend on (interrupt flag, stack shape). */
  readonly slow: boolean;
}

/** A description under one or more mnemonics (separated by spaces). */
export function describe(
  mnemonics: string,
  body: (instruction: Instruction<OperandSize>) => void,
  options: Partial<Pick<Description, 'operandWidths' | 'endsBlock' | 'slow'>> = {},
): Description {
  return { mnemonics: mnemonics.split(' '), describe: body, endsBlock: false, slow: false, ...options };
}
