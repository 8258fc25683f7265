import * as iced from 'iced-x86';
import { INSTRUCTION_SET } from '../isa/index.ts';
import type { Description, Repeat } from '../isa/instruction.ts';
import type { RegisterRef, Width } from '../isa/value.ts';
import { decoderOptions } from './decoder-options.ts';
import { makeForm, type BoundOperands, type FormParts, type InstructionForm } from './instruction-form.ts';
import type { CpuModel } from '../x86/cpu-model.ts';
import { replacedOn } from './encoding-features.ts';
import { operandSizeOf } from './operand-size.ts';
import { registerUse, type RegisterUse } from './register-use.ts';

/** One decoded instruction: its form and what its operand fields hold. */
export interface DecodedInstruction extends BoundOperands {
  readonly form: InstructionForm;
}

/** Why there is no instruction at a place. */
export interface DecodeProblem {
  /** `truncated`: the bytes end inside the instruction. `unimplemented`: the machine does not have it. */
  readonly problem: 'truncated' | 'unimplemented';
  /** Name of the instruction, as iced-x86 spells its encoding. */
  readonly name: string;
  readonly length: number;
}

/** What the meaning of the bytes depends on besides the bytes. */
export interface DecodeMode {
  /** Default operand and address size, CS.D. */
  readonly codeSize: 16 | 32;
  /** Width of the stack pointer, SS.B. */
  readonly stackWidth: 16 | 32;
}

/** One encoding of an instruction. */
export interface EncodingInfo {
  readonly description: Description | undefined;
  readonly name: string;
  readonly width: Width;
  readonly operandWidths: readonly Width[];
  readonly repeats: boolean;
}

const MOV_SYSTEM: readonly (readonly [RegExp, string])[] = [
  [/^Mov_cr_/, 'MovToControl'],
  [/^Mov_r\d+_cr$/, 'MovFromControl'],
  [/^Mov_dr_/, 'MovToDebug'],
  [/^Mov_r\d+_dr$/, 'MovFromDebug'],
  [/^Mov_Sreg_/, 'MovToSegment'],
  [/^Mov_.*_Sreg$/, 'MovFromSegment'],
];
const STRING_MNEMONIC = /^(Movs|Stos|Lods|Cmps|Scas|Ins|Outs)[bwd]$/;
/** Encodings with MMX or XMM operands are described by code name: they share mnemonics with each other and with integer ones (MOVSD). */
const VECTOR_OPERAND = /_[xyz]?mm/;

/** General registers by iced-x86's register numbers. */
function generalRegisters(): ReadonlyMap<number, RegisterRef> {
  return new Map(
    [iced.Register.AL, iced.Register.AX, iced.Register.EAX].flatMap((first, size) =>
      Array.from({ length: 8 }, (_, n): [number, RegisterRef] => [
        first + n,
        size === 0 ? { index: n & 3, high: n > 3 } : { index: n, high: false },
      ]),
    ),
  );
}

const STACK_POINTER = 4;
/** Bytes. */
export const LONGEST_INSTRUCTION = 15;
const TOO_LONG: EncodingInfo = {
  description: INSTRUCTION_SET.get('TooLong'),
  name: 'TooLong',
  width: 32,
  operandWidths: [],
  repeats: false,
};

/** Decodes instructions into forms and operands; keeps what it learnt about encodings and forms. The only user of iced-x86 in the CPU. */
export class InstructionDecoder {
  private readonly encodings: (EncodingInfo | undefined)[] = [];
  private readonly forms = new Map<string, InstructionForm>();
  private readonly instruction = new iced.Instruction();
  private readonly generalRegisters = generalRegisters();
  private readonly model: CpuModel;

  /** Encodings of what `model` lacks are no instructions: they raise #UD. */
  constructor(model: CpuModel) {
    this.model = model;
  }

  /** Opens a run of bytes for {@link next}: the decoder keeps a copy of them. The caller frees it. */
  open(bytes: Uint8Array, ip: number, mode: DecodeMode): iced.Decoder {
    const decoder = new iced.Decoder(mode.codeSize, bytes, decoderOptions());
    decoder.ip = BigInt(ip >>> 0);
    return decoder;
  }

  /** The next instruction of an open run. */
  next(decoder: iced.Decoder, ip: number, mode: DecodeMode): DecodedInstruction | DecodeProblem {
    const { instruction } = this;
    decoder.decodeOut(instruction);
    const { code, length } = instruction;
    if (code === iced.Code.INVALID && decoder.lastError === iced.DecoderError.NoMoreBytes) {
      return { problem: 'truncated', name: '', length };
    }
    // iced-x86 gives up at the longest instruction there is; the CPU raises #GP there, not #UD (SDM 2, 2.3.11).
    const tooLong = code === iced.Code.INVALID && length === LONGEST_INSTRUCTION;
    const encoding = tooLong ? TOO_LONG : (this.encodings[code] ??= encodingOn(this.model, code, instruction.mnemonic));
    if (encoding.description === undefined) return { problem: 'unimplemented', name: encoding.name, length };
    return this.operands(encoding, encoding.description, ip, mode);
  }

  /** Which x87, MMX and XMM registers the instruction that {@link next} gave last reads. */
  registerUse(): RegisterUse {
    return registerUse(this.instruction);
  }

  /** Encoding order of a register of an address, or -1 for none. */
  private addressRegister(register: number): number {
    return this.generalRegisters.get(register)?.index ?? -1;
  }

  private operands(encoding: EncodingInfo, description: Description, ip: number, mode: DecodeMode): DecodedInstruction {
    const { instruction } = this;
    const { OpKind } = iced;
    const registers: RegisterRef[] = [];
    const vectors: number[] = [];
    let kinds = '';
    let base = -1;
    let index = -1;
    let scale = 0;
    let displacement = 0;
    let segment = 3;
    let immediate = 0;
    let immediate2 = 0;
    let target = 0;
    let addressWidth = addressWidthOf(encoding.name, mode.codeSize);
    for (let n = 0; n < instruction.opCount; n++) {
      const kind = instruction.opKind(n);
      switch (kind) {
        case OpKind.Register: {
          const register = instruction.opRegister(n);
          const general = this.generalRegisters.get(register);
          const vector = vectorRegisterNumber(register);
          if (general !== undefined) {
            registers.push(general);
            kinds += 'r';
          } else if (vector !== undefined) {
            vectors.push(vector);
            kinds += 'v';
          } else {
            [kinds, immediate] = [kinds + 's', systemRegisterNumber(register)];
          }
          break;
        }
        case OpKind.Memory: {
          base = this.addressRegister(instruction.memoryBase);
          index = encoding.name === 'Xlat_m8' ? -1 : this.addressRegister(instruction.memoryIndex);
          scale = 31 - Math.clz32(instruction.memoryIndexScale);
          displacement = Number(BigInt.asIntN(32, instruction.memoryDisplacement));
          segment = instruction.memorySegment - iced.Register.ES;
          addressWidth = memoryAddressWidth(instruction);
          kinds += 'm';
          break;
        }
        case OpKind.MemorySegSI:
        case OpKind.MemorySegESI:
          segment = instruction.memorySegment - iced.Register.ES;
          addressWidth = kind === OpKind.MemorySegSI ? 16 : 32;
          break;
        case OpKind.MemorySegDI:
        case OpKind.MemorySegEDI:
          segment = instruction.memorySegment - iced.Register.ES;
          addressWidth = kind === OpKind.MemorySegDI ? 16 : 32;
          break;
        case OpKind.MemoryESDI:
        case OpKind.MemoryESEDI:
          addressWidth = kind === OpKind.MemoryESDI ? 16 : 32;
          break;
        case OpKind.NearBranch16:
          target = instruction.nearBranch16;
          kinds += 't';
          break;
        case OpKind.NearBranch32:
          target = instruction.nearBranch32 | 0;
          kinds += 't';
          break;
        case OpKind.FarBranch16:
        case OpKind.FarBranch32:
          immediate = kind === OpKind.FarBranch16 ? instruction.farBranch16 : instruction.farBranch32 | 0;
          immediate2 = instruction.farBranchSelector;
          kinds += 'f';
          break;
        case OpKind.Immediate8_2nd:
          immediate2 = instruction.immediate8_2nd;
          kinds += 'i';
          break;
        default:
          immediate = immediateOf(instruction, kind);
          kinds += 'i';
      }
    }
    if (/^(Jmp|Call)_m16/.test(encoding.name)) kinds += 'f';
    const repeat = encoding.repeats ? repeatOf(instruction) : undefined;
    const baseIsStackPointer = base === STACK_POINTER && description.mnemonics.includes('Pop');
    const form = this.form(encoding, {
      description,
      width: encoding.width,
      operandWidths: encoding.operandWidths,
      kinds,
      repeat,
      addressWidth,
      stackWidth: mode.stackWidth,
      baseIsStackPointer,
    });
    const { length } = instruction;
    return {
      form,
      ip,
      length,
      registers,
      vectors,
      base,
      index,
      scale,
      displacement,
      segment,
      immediate,
      immediate2,
      target,
    };
  }

  private form(encoding: EncodingInfo, parts: FormParts): InstructionForm {
    const { kinds, repeat, addressWidth, stackWidth, baseIsStackPointer } = parts;
    const key = `${encoding.name} ${kinds} ${repeat ?? ''} ${addressWidth} ${stackWidth} ${String(baseIsStackPointer)}`;
    const known = this.forms.get(key);
    if (known !== undefined) return known;
    const form = makeForm(parts);
    this.forms.set(key, form);
    return form;
  }
}

/** What an iced-x86 code means on a CPU: #UD with the name of what it lacks where it has no such instruction. */
export function encodingOn(model: CpuModel, code: iced.Code, mnemonic: number): EncodingInfo {
  const encoding = describeEncoding(code, mnemonic);
  const replaced = replacedOn(model, code, (iced.Mnemonic[mnemonic] ?? encoding.name).toUpperCase());
  return replaced === undefined ? encoding : { ...encoding, description: replaced, operandWidths: [], repeats: false };
}

/** What an iced-x86 code means to this machine. */
export function describeEncoding(code: number, mnemonic: number): EncodingInfo {
  const name = iced.Code[code] ?? `code ${code}`;
  const system = MOV_SYSTEM.find(([pattern]) => pattern.test(name))?.[1];
  const key = system ?? iced.Mnemonic[mnemonic] ?? '';
  const description = INSTRUCTION_SET.get(name) ?? (VECTOR_OPERAND.test(name) ? undefined : INSTRUCTION_SET.get(key));
  const width = operandSizeOf(name);
  const operandWidths = description?.operandWidths?.(width, name) ?? [];
  return { description, name, width, operandWidths, repeats: STRING_MNEMONIC.test(key) };
}

/** Address width of loops and of instructions without a memory operand. */
function addressWidthOf(codeName: string, codeSize: 16 | 32): 16 | 32 {
  if (codeName.endsWith('_ECX') || codeName.startsWith('Jecxz')) return 32;
  if (codeName.endsWith('_CX') || codeName.startsWith('Jcxz')) return 16;
  return codeSize;
}

function memoryAddressWidth(instruction: iced.Instruction): 16 | 32 {
  const part = instruction.memoryBase !== iced.Register.None ? instruction.memoryBase : instruction.memoryIndex;
  if (part === iced.Register.None) return instruction.memoryDisplSize === 2 ? 16 : 32;
  return (part as number) < (iced.Register.EAX as number) ? 16 : 32;
}

/** Number of an x87 stack, MMX or XMM register operand; undefined for other registers. */
function vectorRegisterNumber(register: number): number | undefined {
  const { Register } = iced;
  for (const first of [Register.ST0, Register.MM0, Register.XMM0] as readonly number[])
    if (register >= first && register < first + 8) return register - first;
  return undefined;
}

function systemRegisterNumber(register: number): number {
  const { Register } = iced;
  for (const [first, size] of [
    [Register.ES, 6],
    [Register.CR0, 16],
    [Register.DR0, 16],
  ] as readonly (readonly [number, number])[]) {
    if (register >= first && register < first + size) return register - first;
  }
  return 0;
}

function immediateOf(instruction: iced.Instruction, kind: iced.OpKind): number {
  const { OpKind } = iced;
  switch (kind) {
    case OpKind.Immediate8:
      return instruction.immediate8;
    case OpKind.Immediate16:
      return instruction.immediate16;
    case OpKind.Immediate32:
      return instruction.immediate32 | 0;
    case OpKind.Immediate8to16:
      return instruction.immediate8to16;
    case OpKind.Immediate8to32:
      return instruction.immediate8to32;
    default:
      return 0;
  }
}

function repeatOf(instruction: iced.Instruction): Repeat | undefined {
  if (instruction.hasRepnePrefix) return 'repne';
  return instruction.hasRepPrefix ? 'rep' : undefined;
}
