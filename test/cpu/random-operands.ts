import * as iced from 'iced-x86';
import { ORACLE } from '../support/native-oracle.ts';
import { DATA_WINDOW, NOT_STACK_POINTER, REGISTER, type RandomState } from './random-state.ts';

const { Register, OpCodeOperandKind: Kind, OpKind } = iced;

/** Registers by number. */
const BYTES = [
  Register.AL,
  Register.CL,
  Register.DL,
  Register.BL,
  Register.AH,
  Register.CH,
  Register.DH,
  Register.BH,
] as const;
const WORDS = [
  Register.AX,
  Register.CX,
  Register.DX,
  Register.BX,
  Register.SP,
  Register.BP,
  Register.SI,
  Register.DI,
] as const;
const DOUBLES = [
  Register.EAX,
  Register.ECX,
  Register.EDX,
  Register.EBX,
  Register.ESP,
  Register.EBP,
  Register.ESI,
  Register.EDI,
] as const;
const SEGMENTS = [Register.ES, Register.CS, Register.SS, Register.DS, Register.FS, Register.GS] as const;
const CONTROL = [Register.CR0, Register.CR2, Register.CR3, Register.CR4] as const;
const DEBUG = [Register.DR0, Register.DR1, Register.DR2, Register.DR3, Register.DR6, Register.DR7] as const;

/** Operands that are always one register. */
const FIXED: ReadonlyMap<iced.OpCodeOperandKind, iced.Register> = new Map([
  [Kind.al, Register.AL],
  [Kind.ax, Register.AX],
  [Kind.eax, Register.EAX],
  [Kind.cl, Register.CL],
  [Kind.dx, Register.DX],
  [Kind.es, Register.ES],
  [Kind.cs, Register.CS],
  [Kind.ss, Register.SS],
  [Kind.ds, Register.DS],
  [Kind.fs, Register.FS],
  [Kind.gs, Register.GS],
]);

/** Base and index of the 16-bit addressing forms. */
const FORMS_16: readonly (readonly [base: number, index: number])[] = [
  [REGISTER.bx, REGISTER.si],
  [REGISTER.bx, REGISTER.di],
  [REGISTER.bp, REGISTER.si],
  [REGISTER.bp, REGISTER.di],
  [REGISTER.si, -1],
  [REGISTER.di, -1],
  [REGISTER.bp, -1],
  [REGISTER.bx, -1],
  [-1, -1],
];

/** Chooses the operands of one instruction, and bends the state so that memory operands mostly reach memory. */
export class OperandChooser {
  private readonly state: RandomState;
  private readonly instruction: iced.Instruction;
  private readonly name: string;
  /** Operands that may be registers are, and none is ESP. */
  private readonly registersOnly: boolean;
  /** The register that holds the bit offset of BT with a memory operand. */
  private bitOffset: number | undefined;

  /** `instruction` has its code and nothing else. */
  constructor(state: RandomState, instruction: iced.Instruction, registersOnly: boolean) {
    this.state = state;
    this.instruction = instruction;
    this.name = iced.Code[instruction.code];
    this.registersOnly = registersOnly;
  }

  choose(n: number, kind: iced.OpCodeOperandKind): void {
    const { instruction, state } = this;
    const { random } = state;
    const fixed = FIXED.get(kind);
    if (fixed !== undefined) return this.register(n, fixed);
    switch (kind) {
      case Kind.r8_or_mem:
        return this.wantsMemory() ? this.memory(n) : this.register(n, random.pick(BYTES));
      case Kind.r16_or_mem:
        return this.wantsMemory() ? this.memory(n) : this.register(n, WORDS[this.general(n)]);
      case Kind.r32_or_mem:
        return this.wantsMemory() ? this.memory(n) : this.register(n, DOUBLES[this.general(n)]);
      case Kind.mem:
      case Kind.mem_offs:
        return this.memory(n, kind === Kind.mem_offs);
      case Kind.r8_reg:
      case Kind.r8_opcode:
        return this.register(n, random.pick(BYTES));
      case Kind.r16_reg:
      case Kind.r16_opcode:
        return this.register(n, WORDS[this.bitOffset ?? this.anyRegister()]);
      case Kind.r32_reg:
      case Kind.r32_rm:
      case Kind.r32_opcode:
        return this.register(n, DOUBLES[this.bitOffset ?? this.anyRegister()]);
      case Kind.seg_reg:
        return this.register(n, random.pick(SEGMENTS));
      case Kind.cr_reg:
        return this.register(n, random.pick(CONTROL));
      case Kind.dr_reg:
        return this.register(n, random.pick(DEBUG));
      case Kind.br16_1:
      case Kind.br16_2:
        instruction.setOpKind(n, OpKind.NearBranch16);
        instruction.nearBranch16 = state.landing() & 0xffff;
        return;
      case Kind.br32_1:
      case Kind.br32_4:
        instruction.setOpKind(n, OpKind.NearBranch32);
        instruction.nearBranch32 = state.landing();
        return;
      case Kind.es_rDI:
        instruction.setOpKind(n, OpKind.MemoryESEDI);
        return;
      case Kind.seg_rSI:
        return this.stringSource(n);
      case Kind.seg_rBX_al:
        instruction.setOpKind(n, OpKind.Memory);
        instruction.memoryBase = Register.EBX;
        instruction.memoryIndex = Register.AL;
        if (random.oneIn(4)) this.overrideSegment();
        return;
      default:
        return this.immediate(n, kind);
    }
  }

  private immediate(n: number, kind: iced.OpCodeOperandKind): void {
    const { instruction, state, name } = this;
    const { random } = state;
    const set = (opKind: iced.OpKind, value: number): void => {
      instruction.setOpKind(n, opKind);
      instruction.setImmediateI32(n, value);
    };
    const signedByte = (state.word() << 24) >> 24;
    switch (kind) {
      case Kind.imm8:
        if (name.startsWith('Enter')) return set(OpKind.Immediate8_2nd, random.oneIn(4) ? 31 : random.below(5));
        if (/^Sh[lr]d_rm16/.test(name)) return set(OpKind.Immediate8, shiftBelow17(state));
        return set(OpKind.Immediate8, random.oneIn(2) ? random.below(40) : state.word() & 0xff);
      case Kind.imm8_const_1:
        return set(OpKind.Immediate8, 1);
      case Kind.imm16:
        if (name.startsWith('Enter')) return set(OpKind.Immediate16, random.below(random.oneIn(8) ? 0x400 : 12));
        return set(OpKind.Immediate16, state.word() & 0xffff);
      case Kind.imm32:
        return set(OpKind.Immediate32, state.word());
      case Kind.imm8sex16:
        return set(OpKind.Immediate8to16, signedByte);
      case Kind.imm8sex32:
        return set(OpKind.Immediate8to32, signedByte);
      default:
        throw new Error(`${name} has an operand of kind ${Kind[kind]}`);
    }
  }

  private register(n: number, register = Register.None): void {
    this.instruction.setOpKind(n, OpKind.Register);
    this.instruction.setOpRegister(n, register);
  }
  private wantsMemory(): boolean {
    return !this.registersOnly && this.state.random.oneIn(2);
  }
  private anyRegister(): number {
    return this.registersOnly ? this.state.random.pick(NOT_STACK_POINTER) : this.state.random.below(8);
  }

  /** A general register as operand `n`; the target of an indirect jump lands on int3. */
  private general(n: number): number {
    if (n !== 0 || !this.jumps()) return this.anyRegister();
    const register = this.state.random.pick(NOT_STACK_POINTER);
    this.state.pin(register, this.state.landing());
    return register;
  }
  private jumps(): boolean {
    return /^(Jmp|Call)_/.test(this.name);
  }

  private overrideSegment(): void {
    const { random } = this.state;
    this.instruction.segmentPrefix = random.pick([Register.ES, Register.SS, Register.DS, Register.CS]);
  }

  /** DS:ESI; for LODS now and then FS:SI, and so a 16-bit count. */
  private stringSource(n: number): void {
    const { instruction, state } = this;
    if (!this.name.startsWith('Lods') || !state.random.oneIn(3)) {
      instruction.setOpKind(n, OpKind.MemorySegESI);
      if (state.random.oneIn(6)) this.overrideSegment();
      return;
    }
    instruction.setOpKind(n, OpKind.MemorySegSI);
    instruction.segmentPrefix = Register.FS;
    const high = state.random.word() & 0xffff0000;
    state.pin(REGISTER.si, high | (state.get(REGISTER.si) - ORACLE.data));
    state.pin(REGISTER.cx, high | state.get(REGISTER.cx));
  }

  private memory(n: number, offsetOnly = false): void {
    const { instruction, state } = this;
    const { random } = state;
    instruction.setOpKind(n, OpKind.Memory);
    const size = Math.max(1, iced.MemorySizeExt.size(instruction.memorySize));
    let linear = this.isBitString() ? this.bitString() : state.target(size);
    if (this.jumps()) linear = this.pointerToTarget(linear);
    const throughFs = random.oneIn(4);
    if (throughFs) instruction.segmentPrefix = Register.FS;
    else if (random.oneIn(12)) this.overrideSegment();
    const offset = (throughFs ? linear - ORACLE.data : linear) >>> 0;
    // Without a segment base a 16-bit address reaches nothing but the missing first pages.
    const narrow = throughFs ? random.oneIn(2) : random.oneIn(40);
    if (offsetOnly) this.displacement(narrow ? 2 : 4, offset);
    else if (narrow) this.address16(offset);
    else this.address32(offset);
  }

  private isBitString(): boolean {
    return /^Bt[crs]?_rm\d+_r\d+$/.test(this.name);
  }
  /** The middle of the window, and a register with an offset of up to 256 bits either way. */
  private bitString(): number {
    const { state } = this;
    const bits = state.random.below(512) - 256;
    this.bitOffset = state.random.pick(NOT_STACK_POINTER);
    const high = this.name.endsWith('_r16') ? state.random.word() & 0xffff0000 : bits & 0xffff0000;
    state.pin(this.bitOffset, high | (bits & 0xffff));
    return DATA_WINDOW + 44 + state.random.below(36);
  }

  /** Where an indirect jump finds its target: in the window, or where the read is refused. */
  private pointerToTarget(linear: number): number {
    const missing = linear < ORACLE.data;
    if (missing) return linear - 8;
    const at = Math.min(Math.max(linear - DATA_WINDOW, 0), ORACLE.window - 4);
    new DataView(this.state.data.buffer).setUint32(at, this.state.landing(), true);
    return DATA_WINDOW + at;
  }

  private displacement(size: number, value: number): void {
    this.instruction.memoryDisplSize = size;
    this.instruction.memoryDisplacement = BigInt(size === 2 ? value & 0xffff : value >>> 0);
  }

  private address16(offset: number): void {
    const { instruction, state } = this;
    const [base, index] = state.random.pick(FORMS_16);
    instruction.memoryBase = WORDS[base] ?? Register.None;
    instruction.memoryIndex = WORDS[index] ?? Register.None;
    for (const part of [base, index]) state.pinned.add(part);
    const parts = (base >= 0 ? state.get(base) : 0) + (index >= 0 ? state.get(index) : 0);
    this.displacement(2, offset - parts);
  }

  private address32(offset: number): void {
    const { instruction, state } = this;
    const { random } = state;
    const base = random.oneIn(6) ? -1 : random.below(8);
    const index = random.oneIn(2) ? -1 : random.pick(NOT_STACK_POINTER);
    const scale = random.below(4);
    instruction.memoryBase = DOUBLES[base] ?? Register.None;
    if (index >= 0) {
      instruction.memoryIndex = DOUBLES[index] ?? Register.None;
      instruction.memoryIndexScale = 1 << scale;
    }
    const indexed = index >= 0 ? state.get(index) << scale : 0;
    if (base >= 0 && base !== index && !state.pinned.has(base) && random.oneIn(2)) {
      // Base, index and a byte at most: the base is what makes it right. EBP has no form without a displacement.
      const small = random.oneIn(4) && base !== REGISTER.bp ? 0 : random.below(256) - 128;
      state.pin(base, offset - small - indexed);
      instruction.memoryDisplSize = small === 0 && base !== REGISTER.bp ? 0 : 1;
      instruction.memoryDisplacement = BigInt(small >>> 0);
    } else {
      this.displacement(4, offset - indexed - (base >= 0 ? state.get(base) : 0));
    }
    for (const part of [base, index]) state.pinned.add(part);
  }
}

/** A 16-bit SHLD or SHRD by more than 16 leaves everything undefined (SDM 2, SHLD); bits 5 to 7 of a count do not matter. */
export function shiftBelow17({ random }: RandomState): number {
  return random.below(17) | (random.word() & 0xe0);
}
