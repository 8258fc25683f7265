import * as iced from 'iced-x86';
import { INSTRUCTION_SET } from '../../../src/isa/index.ts';
import { Random } from '../../support/random.ts';
import { FX_SIZE, ORACLE, type SimdInput } from '../../support/simd-oracle.ts';

const { Register, OpCodeOperandKind: Kind, OpKind } = iced;

/** A random MMX or SSE instruction with the state before it. */
export interface SimdInstance extends SimdInput {
  readonly name: string;
  readonly text: string;
}

/** Every encoding of the instruction set with MMX or XMM operands, and those that move their control state. */
export const CODES: readonly iced.Code[] = Object.values(iced.Code).filter((code): code is iced.Code => {
  if (typeof code === 'string') return false;
  const name = iced.Code[code];
  return INSTRUCTION_SET.has(name) && /_x?mm|^Emms|mxcsr|^Fx/.test(name);
});

const GENERAL = [
  Register.EAX,
  Register.ECX,
  Register.EDX,
  Register.EBX,
  Register.ESP,
  Register.EBP,
  Register.ESI,
  Register.EDI,
] as const;
const MMX = [
  Register.MM0,
  Register.MM1,
  Register.MM2,
  Register.MM3,
  Register.MM4,
  Register.MM5,
  Register.MM6,
  Register.MM7,
] as const;
const XMM = [
  Register.XMM0,
  Register.XMM1,
  Register.XMM2,
  Register.XMM3,
  Register.XMM4,
  Register.XMM5,
  Register.XMM6,
  Register.XMM7,
] as const;
const EDI = 7;
const NOT_STACK_POINTER = [0, 1, 2, 3, 5, 6, 7];

/** Where FXSAVE and FXRSTOR mostly find their image, from the start of the window. */
export const WINDOW_IMAGE = 64;

/** Where the image keeps things (SDM 2, FXSAVE, table 3-43). */
export const FX = { control: 0, status: 2, tag: 4, mxcsr: 24, mxcsrMask: 28, x87: 32, xmm: 160, end: 288 } as const;

const INTEGERS = [
  0, 1, -1, 0x7fffffff, -0x80000000, 0x80008000, 0x7fff7fff, 0x80808080, 0x7f7f7f7f, 0x00ff00ff, 16, 63,
];
/** Exponent fields at the edges of the single and double formats. */
const SINGLE_EXPONENTS = [
  0, 0, 1, 2, 23, 24, 25, 103, 126, 127, 128, 149, 150, 157, 158, 159, 229, 230, 253, 254, 255, 255,
];
const DOUBLE_EXPONENTS = [
  0, 0, 1, 2, 52, 53, 511, 512, 873, 874, 896, 897, 970, 1022, 1023, 1024, 1053, 1054, 1055, 1075, 1076, 1150, 1151,
  1534, 1535, 2045, 2046, 2047, 2047,
];
const SINGLE_FRACTIONS = [0, 0, 1, 2, 0x7fffff, 0x7ffffe, 0x400000, 0x400001, 0x3fffff, 0x200000];
const HIGH_FRACTIONS = [0, 0, 1, 0xfffff, 0x80000, 0x7ffff, 0xffffe];
const LOW_FRACTIONS = [0, 0, 1, 2, 0xffffffff, 0x80000000, 0x10000000, 0x20000000, 0x30000000, 0x0fffffff];

/** Makes instances of one encoding after the other. */
export class SimdGenerator {
  private random: Random;
  private readonly encoder = new iced.Encoder(32);

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** The instance of an encoding that a seed stands for. */
  of(code: iced.Code, seed: number): SimdInstance {
    this.random = new Random(seed);
    return this.next(code);
  }

  next(code: iced.Code): SimdInstance {
    const { random } = this;
    const registers = Array.from({ length: 8 }, () => this.word());
    const data = new Uint8Array(ORACLE.window);
    this.fill(data);
    const name = iced.Code[code];
    const fx = this.image();
    if (/mxcsr/.test(name)) this.mxcsrOperands(data);
    if (/^Fx/.test(name)) data.set(this.image(), WINDOW_IMAGE);
    const instruction = new iced.Instruction();
    instruction.code = code;
    const info = iced.CodeExt.opCode(code);
    for (let n = 0; n < info.opCount; n++) this.operand(instruction, n, info.opKind(n), registers);
    info.free();
    this.encoder.encode(instruction, BigInt(ORACLE.start));
    const text = instruction.toString();
    instruction.free();
    const eflags = 0x202 | (random.word() & 0xcd5 & ~0x400);
    return { code: this.encoder.takeBuffer(), name, text, registers, eflags, fx, data };
  }

  private operand(instruction: iced.Instruction, n: number, kind: iced.OpCodeOperandKind, registers: number[]): void {
    const { random } = this;
    const register = (which: iced.Register): void => {
      instruction.setOpKind(n, OpKind.Register);
      instruction.setOpRegister(n, which);
    };
    const mm = (): void => register(random.pick(MMX));
    const xmm = (): void => register(random.pick(XMM));
    switch (kind) {
      case Kind.mm_reg:
      case Kind.mm_rm:
        return mm();
      case Kind.xmm_reg:
      case Kind.xmm_rm:
        return xmm();
      case Kind.mm_or_mem:
        return random.oneIn(2) ? mm() : this.memory(instruction, n, registers);
      case Kind.xmm_or_mem:
        return random.oneIn(2) ? xmm() : this.memory(instruction, n, registers);
      case Kind.r32_or_mem:
        return random.oneIn(2) ? register(random.pick(GENERAL)) : this.memory(instruction, n, registers);
      case Kind.r32_reg:
        return register(random.pick(GENERAL));
      case Kind.mem:
        return this.memory(instruction, n, registers);
      case Kind.imm8:
        instruction.setOpKind(n, OpKind.Immediate8);
        instruction.immediate8 = random.oneIn(2) ? random.below(20) : random.word() & 0xff;
        return;
      case Kind.seg_rDI:
        instruction.setOpKind(n, OpKind.MemorySegEDI);
        registers[EDI] = this.target(16);
        if (random.oneIn(4)) {
          instruction.segmentPrefix = Register.FS;
          registers[EDI] -= ORACLE.data;
        }
        return;
      default:
        throw new Error(`an operand of kind ${Kind[kind]}`);
    }
  }

  private memory(instruction: iced.Instruction, n: number, registers: number[]): void {
    const { random } = this;
    instruction.setOpKind(n, OpKind.Memory);
    let address = this.target(Math.max(1, iced.MemorySizeExt.size(instruction.memorySize)));
    if (random.oneIn(5)) {
      instruction.segmentPrefix = Register.FS;
      address -= ORACLE.data;
    }
    const base = random.pick(NOT_STACK_POINTER);
    const displacement = random.below(256) - 128;
    instruction.memoryBase = GENERAL[base] ?? Register.None;
    instruction.memoryDisplSize = 1;
    instruction.memoryDisplacement = BigInt(displacement >>> 0);
    registers[base] = (address - displacement) >>> 0;
  }

  /** A linear address for an access of `size` bytes: mostly aligned in the window, now and then where it is refused. */
  private target(size: number): number {
    const { random } = this;
    const window = ORACLE.readOnly - ORACLE.window;
    if (size === FX_SIZE) return random.oneIn(8) ? window + random.below(0x400) : window + WINDOW_IMAGE;
    const into = (page: number): number => page - size + 1 + random.below(size);
    switch (random.below(24)) {
      case 0:
        return into(ORACLE.readOnly);
      case 1:
        return ORACLE.readOnly + random.below(0x1000 - size);
      case 2:
        return into(ORACLE.readOnly + 0x1000);
      case 3:
        return ORACLE.data - 1 - random.below(0x800);
      case 4:
        return ORACLE.readOnly + 16 * random.below(4);
      case 5:
      case 6:
      case 7:
      case 8:
        return window + random.below(ORACLE.window - size + 1);
      default:
        return window + 16 * random.below(ORACLE.window / 16);
    }
  }

  /** LDMXCSR: in half of the cases what it finds is valid wherever it looks. */
  private mxcsrOperands(data: Uint8Array): void {
    const value = this.mxcsr();
    if (this.random.oneIn(2)) return;
    const view = new DataView(data.buffer);
    for (let at = 0; at < data.length; at += 4) view.setUint32(at, value, true);
  }

  /** No bit of the host's that others lack (misaligned accesses, bit 17). */
  private mxcsr(): number {
    const { random } = this;
    const masks = random.oneIn(3) ? random.word() & 0x1f80 : 0x1f80;
    const flags = random.oneIn(3) ? random.word() & 0x3f : 0;
    const rounding = random.oneIn(2) ? random.below(4) << 13 : 0;
    return masks | flags | rounding | (random.oneIn(4) ? 0x8000 : 0) | (random.oneIn(4) ? 0x40 : 0);
  }

  /** An FXSAVE image with anything in its registers. */
  private image(): Uint8Array {
    const { random } = this;
    const fx = new Uint8Array(FX_SIZE);
    const view = new DataView(fx.buffer);
    this.fill(fx.subarray(FX.xmm, FX.end));
    for (let n = 0; n < 8; n++) {
      this.fill(fx.subarray(FX.x87 + 16 * n, FX.x87 + 16 * n + 8));
      view.setUint16(FX.x87 + 16 * n + 8, random.oneIn(2) ? 0xffff : random.word() & 0xffff, true);
    }
    view.setUint16(FX.control, random.oneIn(12) ? 0x340 : 0x37f, true);
    view.setUint16(FX.status, (random.below(8) << 11) | (random.oneIn(4) ? random.word() & 0x477f : 0), true);
    fx[FX.tag] = random.word() & 0xff;
    view.setUint32(FX.mxcsr, this.mxcsr(), true);
    view.setUint32(FX.mxcsrMask, 0xffff, true);
    return fx;
  }

  private word(): number {
    return this.random.oneIn(3) ? this.random.pick(INTEGERS) >>> 0 : this.random.word();
  }

  private single(): number {
    const { random } = this;
    const exponent = random.oneIn(3) ? 120 + random.below(16) : random.pick(SINGLE_EXPONENTS);
    const fraction = random.oneIn(3) ? random.word() & 0x7fffff : random.pick(SINGLE_FRACTIONS);
    return ((random.below(2) << 31) | (exponent << 23) | fraction) >>> 0;
  }

  private double(): readonly [low: number, high: number] {
    const { random } = this;
    const exponent = random.oneIn(3) ? 1010 + random.below(30) : random.pick(DOUBLE_EXPONENTS);
    const high = random.oneIn(3) ? random.word() & 0xfffff : random.pick(HIGH_FRACTIONS);
    const low = random.oneIn(3) ? random.word() : random.pick(LOW_FRACTIONS);
    return [low, ((random.below(2) << 31) | (exponent << 20) | high) >>> 0];
  }

  /** Fills bytes with numbers of one kind, 8 bytes at a time. */
  private fill(bytes: Uint8Array): void {
    const { random } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const kind = random.below(3);
    for (let at = 0; at < bytes.length; at += 8) {
      const [low, high] =
        kind === 0 ? [this.word(), this.word()] : kind === 1 ? [this.single(), this.single()] : this.double();
      view.setUint32(at, low, true);
      view.setUint32(at + 4, high, true);
    }
  }
}
