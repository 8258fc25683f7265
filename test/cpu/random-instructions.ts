import * as iced from 'iced-x86';
import { INSTRUCTION_SET } from '../../src/isa/index.ts';
import { ORACLE, type OracleInput } from '../support/native-oracle.ts';
import { Random } from '../support/random.ts';
import { OperandChooser, shiftBelow17 } from './random-operands.ts';
import { RandomState, REGISTER } from './random-state.ts';
import { fillSeed, fillState, STATUS_FLAGS } from './state-fill.ts';

/** A random instruction with the state before it. */
export interface InstructionInstance extends OracleInput {
  readonly text: string;
  /** Bits of EFLAGS that are defined afterwards. */
  readonly flags: number;
}

/** POPF must not set TF (it would trap), NT, AC (alignment faults) and ID (it would outlive the instance). */
const HARMLESS_FLAGS = STATUS_FLAGS | 0x200 | 0x3000;

/**
 * Instructions whose result depends on the host's operating system or hypervisor, or that leave the user's world: segment loads, far transfers,
 * software interrupts, and what UMIP or I/O permissions decide. Privileged ones stay: the host refuses them with #GP.
 */
const NOT_PORTABLE = new Set(
  (
    'Call_ptr1616 Call_ptr1632 Jmp_ptr1616 Jmp_ptr1632 Call_m1616 Call_m1632 Jmp_m1616 Jmp_m1632 Retfw Retfd Retfw_imm16 ' +
    'Retfd_imm16 Iretw Iretd Int_imm8 Int1 Int3 Into Cpuid Rdtsc Sysenter Sysexitd Sldt_rm16 Sldt_r32m16 Str_rm16 Str_r32m16 Smsw_rm16 Smsw_r32m16 ' +
    'Sgdt_m1632_16 Sgdt_m1632 Sidt_m1632_16 Sidt_m1632 Verr_rm16 Verr_r32m16 Verw_rm16 Verw_r32m16 Mov_Sreg_rm16 ' +
    'Mov_Sreg_r32m16 Mov_r32_tr Mov_tr_r32 Vmcall Vmmcall INVALID'
  ).split(' '),
);
/**
 * The x87 unit has an oracle of its own; LAR and LSL ask about the host's GDT; LxS and POP load segments; Bswap_r16 is undefined; Ud0, Ud1
 * and Cmpxchg486 differ between models.
 */
const NOT_PORTABLE_NAMES = /^(Lar_|Lsl_|L[defgs]s_|Pop[wd]_[DEFGS]S|Bswap_r16|Ud[01]|Cmpxchg486|Wait|Emms|F[a-z\d])/;

/** Every encoding of the instruction set that a user program can try. */
export const CODES: readonly iced.Code[] = Object.values(iced.Code).filter((code): code is iced.Code => {
  if (typeof code === 'string') return false;
  const name = iced.Code[code];
  if (NOT_PORTABLE.has(name) || NOT_PORTABLE_NAMES.test(name) || /_[xyz]?mm/.test(name)) return false;
  const info = iced.CodeExt.opCode(code);
  const system = /^Mov_.*(cr|dr|Sreg)/.test(name);
  const known = system || INSTRUCTION_SET.has(iced.Mnemonic[info.mnemonic]);
  return info.mode32 && known && info.encoding === iced.EncodingKind.Legacy;
});

const named = (pattern: RegExp): readonly iced.Code[] => CODES.filter((code) => pattern.test(iced.Code[code]));
/** Encodings that leave no flag undefined but AF, which none of them reads. */
const SEQUENCE_CODES = named(
  /^(Add|Adc|Sub|Sbb|Cmp|And|Or|Xor|Test|Inc|Dec|Neg|Not|Mov|Movzx|Movsx|Xadd|Cmpxchg|Xchg|Set\w+?|Cmov\w+?)_(r|A|E)(?!.*(m64|Sreg|cr|dr|moffs))|^(Sh[lr]|Sar|R[oc][lr])_rm\d+_1$|^(St|Cl|Cm)[cd]$|^Sahf$/,
);
const JUMP_CODES = named(/^J(?!mp|e?cxz)\w+_rel(8|32)_32$/);

/** Makes instances; each depends on the seed and its index alone. */
export class InstructionGenerator {
  private readonly seed: number;
  private readonly encoder = new iced.Encoder(32);

  constructor(seed: number) {
    this.seed = seed;
  }

  /** The instance of an index: the encodings in turn, and every eighth a sequence of instructions. */
  instance(index: number): InstructionInstance {
    const seed = fillSeed(this.seed, index);
    const random = new Random(~seed);
    const code = CODES[index % CODES.length];
    return code === undefined || random.oneIn(8)
      ? this.sequence(random, seed, 1 + random.below(5))
      : this.make(code, new RandomState(seed, random), false, 0);
  }

  /** An instance of one encoding, alone. */
  of(code: iced.Code, index: number): InstructionInstance {
    const seed = fillSeed(this.seed, index);
    return this.make(code, new RandomState(seed, new Random(~seed)), false, 0);
  }

  /** `length` instructions on registers and a conditional jump: flags that travel from one to the next. */
  private sequence(random: Random, seed: number, length: number): InstructionInstance {
    const codes = Array.from({ length }, () => random.pick(SEQUENCE_CODES));
    codes.push(random.pick(JUMP_CODES));
    const bytes: number[] = [];
    const texts: string[] = [];
    let flags = STATUS_FLAGS;
    for (const code of codes) {
      const part = this.make(code, new RandomState(seed, random), true, bytes.length);
      bytes.push(...part.code);
      texts.push(part.text);
      flags &= part.flags;
    }
    return { ...fillState(seed), code: Uint8Array.from(bytes), text: texts.join('; '), flags };
  }

  /** `offset`: bytes from the start of the code. */
  private make(code: iced.Code, state: RandomState, registersOnly: boolean, offset: number): InstructionInstance {
    const { random } = state;
    const instruction = new iced.Instruction();
    instruction.code = code;
    const info = iced.CodeExt.opCode(code);
    const mnemonic = iced.Mnemonic[info.mnemonic];
    implicitOperands(state, mnemonic, iced.Code[code]);
    const operands = new OperandChooser(state, instruction, registersOnly);
    for (let n = 0; n < info.opCount; n++) operands.choose(n, info.opKind(n));
    if (info.canUseRepPrefix && random.oneIn(2)) instruction.hasRepPrefix = true;
    else if (/^(Cmps|Scas|Movs|Stos)[bwd]$/.test(mnemonic) && random.oneIn(2)) instruction.hasRepnePrefix = true;
    if (info.canUseLockPrefix && instruction.op0Kind === iced.OpKind.Memory && random.oneIn(8))
      instruction.hasLockPrefix = true;
    info.free();
    this.encoder.encode(instruction, BigInt(ORACLE.start + offset));
    const text = instruction.toString();
    const flags = definedFlags(instruction);
    instruction.free();
    const { registers, data, stack, eflags, fs } = state;
    return { code: this.encoder.takeBuffer(), text, flags, registers, eflags, fs, data, stack };
  }
}

/** What instructions take without naming it. */
function implicitOperands(state: RandomState, mnemonic: string, name: string): void {
  const { random } = state;
  if (/^I?div$/i.test(mnemonic) && random.below(4) !== 0) {
    const small = random.oneIn(3) ? random.below(0x100) : 0;
    state.set(REGISTER.dx, mnemonic === 'Idiv' && random.oneIn(2) ? -small : small);
    if (random.oneIn(2)) state.set(REGISTER.ax, random.below(0x4000));
  }
  if (/^(Movs|Stos|Lods|Cmps|Scas)[bwd]$/.test(mnemonic)) stringOperands(state);
  // Whether a count of 0 saves INS and OUTS from the check of the port differs between models.
  if (/^(Ins|Outs)[bwd]$/.test(mnemonic)) state.set(REGISTER.cx, random.word() | 1);
  if (/^(Leave|Enter)/.test(mnemonic)) {
    const place = random.oneIn(4) ? state.get(REGISTER.sp) + random.below(16) - 8 : ORACLE.stack + random.below(124);
    // Below the stack's page and far above it nothing is mapped.
    state.pin(REGISTER.bp, random.oneIn(10) ? place - 0x80 : random.oneIn(4) ? place + 0x100000 : place);
  }
  if (/^(Loop|Jcxz|Jecxz)/.test(mnemonic) && random.oneIn(2)) state.pin(REGISTER.cx, random.pick([0, 1, 2, 0x10000]));
  if (/^Sh[lr]d_rm16_r16_CL/.test(name)) state.pin(REGISTER.cx, (random.word() & ~0xff) | shiftBelow17(state));
  if (mnemonic === 'Xlatb') state.set(REGISTER.bx, state.target(1) - (state.get(REGISTER.ax) & 0xff));
  if (mnemonic === 'Ret') state.setTop(state.landing());
  if (mnemonic.startsWith('Popf')) state.setTop(random.word() & HARMLESS_FLAGS);
}

/** String instructions: both ends in the data page, going either way, a few of them into the read-only page behind it. */
function stringOperands(state: RandomState): void {
  const { random } = state;
  for (const register of [REGISTER.si, REGISTER.di]) {
    const distance = random.oneIn(6) ? random.below(12) : 40 + random.below(48);
    state.pin(register, ORACLE.readOnly - distance);
  }
  state.pin(REGISTER.cx, random.below(10));
  if (random.oneIn(2)) state.set(REGISTER.ax, random.pick([0, 1, 0x101, 0x1010101]));
}

/** Flags with a defined value afterwards: iced-x86's table, and what it does not tell. */
function definedFlags(instruction: iced.Instruction): number {
  const { RflagsBits: Bits } = iced;
  const bits = instruction.rflagsUndefined;
  let defined = STATUS_FLAGS;
  for (const [bit, flag] of [
    [Bits.CF, 0],
    [Bits.PF, 2],
    [Bits.AF, 4],
    [Bits.ZF, 6],
    [Bits.SF, 7],
    [Bits.OF, 11],
  ] as const)
    if ((bits & bit) !== 0) defined &= ~(1 << flag);
  // A count past the operand leaves CF undefined (SDM 2, SAL/SAR/SHL/SHR).
  if (/^(Sh[lr]|Sal)_rm(8|16)_(imm8|CL)$/.test(iced.Code[instruction.code])) defined &= ~1;
  return defined;
}
