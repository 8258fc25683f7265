import { Decoder, Formatter, FormatterSyntax, Instruction, OpKind, Register } from 'iced-x86';
import { decoderOptions } from '../cpu/decoder-options.ts';

export type AssemblySyntax = 'intel' | 'att';

/** One decoded instruction. */
export interface DisassembledInstruction {
  /** Linear address. */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  /** With the symbol of a branch target or of an absolute memory operand: `call 0x100200 <kmain>`. `(bad)` for no instruction. */
  readonly text: string;
}

/** What the bytes are code of. */
export interface CodeContext {
  readonly bits: 16 | 32;
  /** Linear address of offset 0 of the code segment: branch targets are offsets in it. */
  readonly base: bigint;
  /** The name of a linear address, as `symbol` or `symbol+0x12`. */
  readonly nameOf: (address: bigint) => string | undefined;
}

/** The longest instruction of the x86 in bytes. */
export const LONGEST_INSTRUCTION = 15;

/** Turns bytes into text. Holds WebAssembly objects, so one is made for a session and kept. */
export class Disassembler {
  private readonly syntax: AssemblySyntax;
  private formatter: Formatter | undefined;

  constructor(syntax: AssemblySyntax) {
    this.syntax = syntax;
  }

  /** Decodes at most `count` instructions; the last one may be cut off by the end of the bytes and is then left out. */
  disassemble(bytes: Uint8Array, address: bigint, count: number, context: CodeContext): DisassembledInstruction[] {
    const decoder = new Decoder(context.bits, bytes, decoderOptions());
    const result: DisassembledInstruction[] = [];
    try {
      decoder.ip = BigInt.asUintN(context.bits, address - context.base);
      while (result.length < count && decoder.canDecode) {
        const start = decoder.position;
        const instruction = decoder.decode();
        try {
          const cutOff = instruction.isInvalid && bytes.length - start < LONGEST_INSTRUCTION;
          if (cutOff && decoder.position === bytes.length) break;
          result.push(this.describe(instruction, bytes, start, address + BigInt(start), context));
          // Past what is no instruction the next byte is as good a start as any.
          if (instruction.isInvalid) this.skipTo(decoder, start + 1, address, context);
        } finally {
          instruction.free();
        }
      }
    } finally {
      decoder.free();
    }
    return result;
  }

  /** For each offset the length of the instruction that would start there; 1 where none does or it is cut off. */
  lengths(bytes: Uint8Array, context: CodeContext): Uint8Array {
    const decoder = new Decoder(context.bits, bytes, decoderOptions());
    const instruction = new Instruction();
    const result = new Uint8Array(bytes.length);
    for (let at = 0; at < bytes.length; at++) {
      decoder.position = at;
      decoder.decodeOut(instruction);
      result[at] = instruction.isInvalid ? 1 : instruction.length;
    }
    instruction.free();
    decoder.free();
    return result;
  }

  private skipTo(decoder: Decoder, position: number, address: bigint, context: CodeContext): void {
    decoder.position = position;
    decoder.ip = BigInt.asUintN(context.bits, address + BigInt(position) - context.base);
  }

  private describe(
    instruction: Instruction,
    bytes: Uint8Array,
    start: number,
    address: bigint,
    context: CodeContext,
  ): DisassembledInstruction {
    if (instruction.isInvalid) return { address, bytes: bytes.slice(start, start + 1), text: '(bad)' };
    const target = addressOperand(instruction, context);
    const name = target === undefined ? undefined : context.nameOf(target);
    return {
      address,
      bytes: bytes.slice(start, start + instruction.length),
      text: this.format(instruction) + (name === undefined ? '' : ` <${name}>`),
    };
  }

  /** The formatter is made when the first text is asked for: a launch needs none. */
  private format(instruction: Instruction): string {
    if (this.formatter === undefined) {
      const intel = this.syntax === 'intel';
      const formatter = new Formatter(intel ? FormatterSyntax.Intel : FormatterSyntax.Gas);
      formatter.hexPrefix = '0x';
      formatter.hexSuffix = '';
      formatter.uppercaseHex = false;
      formatter.smallHexNumbersInDecimal = false;
      formatter.branchLeadingZeros = false;
      formatter.showBranchSize = false;
      formatter.spaceAfterOperandSeparator = intel;
      this.formatter = formatter;
    }
    return this.formatter.format(instruction);
  }
}

/** The linear address that an instruction names: a near branch target, or a memory operand without base and index. */
function addressOperand(instruction: Instruction, context: CodeContext): bigint | undefined {
  for (let operand = 0; operand < instruction.opCount; operand++) {
    const kind = instruction.opKind(operand);
    if (kind === OpKind.NearBranch16 || kind === OpKind.NearBranch32)
      return context.base + instruction.nearBranchTarget;
    if (
      kind === OpKind.Memory &&
      instruction.memoryBase === Register.None &&
      instruction.memoryIndex === Register.None &&
      instruction.segmentPrefix === Register.None
    )
      return instruction.memoryDisplacement;
  }
  return undefined;
}
