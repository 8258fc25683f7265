import * as iced from 'iced-x86';
import { describeEncoding } from '../../../src/cpu/decoder.ts';
import type { Extended } from '../../../src/cpu/floating-point/extended.ts';
import { Random } from '../../support/random.ts';
import { DATA_SIZE, type HostInput, type X87Image } from './host-x87.ts';

/** An x87 instruction with a state to run it in. */
export interface X87Instance extends HostInput {
  readonly text: string;
}

/** Codes that read FPU state from memory in ways the images here already do, and FISTTP, which is a #UD. */
const EXCLUDED = /^(Fldenv|Frstor|Fisttp|Wait|Fx(save|rstor))/;

/** Every x87 encoding of the instruction set. */
export const X87_CODES: readonly iced.Code[] = Object.values(iced.Code).filter((code): code is iced.Code => {
  if (typeof code === 'string') return false;
  const name = iced.Code[code];
  if (!/^F[a-z]/.test(name) || EXCLUDED.test(name)) return false;
  const info = iced.CodeExt.opCode(code);
  const waits = info.opCodeString.startsWith('9B');
  const known = describeEncoding(code, info.mnemonic).description !== undefined;
  info.free();
  return known && !waits;
});

const { ST0, ST1, ST2, ST3, ST4, ST5, ST6, ST7 } = iced.Register;
const STACK = [ST0, ST1, ST2, ST3, ST4, ST5, ST6, ST7];

/** Encodes an instruction: registers ST(i) by `stack`, memory at [ebx]. */
export function encodeX87(code: iced.Code, stack: number): { readonly bytes: Uint8Array; readonly text: string } {
  const instruction = new iced.Instruction();
  instruction.code = code;
  const info = iced.CodeExt.opCode(code);
  for (let n = 0; n < info.opCount; n++) {
    const kind = info.opKind(n);
    if (kind === iced.OpCodeOperandKind.mem) {
      instruction.setOpKind(n, iced.OpKind.Memory);
      instruction.memoryBase = iced.Register.EBX;
    } else {
      instruction.setOpKind(n, iced.OpKind.Register);
      const register = STACK[kind === iced.OpCodeOperandKind.st0 ? 0 : stack] ?? ST0;
      instruction.setOpRegister(n, kind === iced.OpCodeOperandKind.ax ? iced.Register.AX : register);
    }
  }
  const encoder = new iced.Encoder(32);
  encoder.encode(instruction, 0n);
  const result = { bytes: encoder.takeBuffer(), text: instruction.toString() };
  encoder.free();
  instruction.free();
  info.free();
  return result;
}

/** Makes states biased towards what x87 arithmetic treats specially. */
export class X87StateGenerator {
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** `exponents`: lowest and highest unbiased exponent of the plain numbers. */
  instance(bytes: Uint8Array, text: string, exponents: readonly [number, number]): X87Instance {
    const { random } = this;
    const base = this.number(exponents);
    const registers = Array.from({ length: 8 }, () => (random.oneIn(4) ? this.near(base) : this.number(exponents)));
    return {
      code: bytes,
      text,
      eflags: 0x202 | (random.word() & 0x8d5),
      x87: { registers, ...this.words() },
      data: this.data(exponents),
    };
  }

  private words(): Omit<X87Image, 'registers'> {
    const { random } = this;
    const masks = random.oneIn(3) ? random.word() & 0x3f : 0x3f;
    const control = 0x40 | masks | ((random.word() & 3) << 10) | (random.pick([0, 2, 3, 3]) << 8);
    // No exception is pending before the instruction: flags of masked ones alone.
    const status = (random.word() & 0x7f00) | (random.oneIn(2) ? random.word() & masks : 0);
    const top = (status >>> 11) & 7;
    let tags = 0;
    if (random.oneIn(4)) for (let n = 0; n < 8; n++) tags |= (random.oneIn(2) ? 3 : 0) << (n * 2);
    else if (random.oneIn(2)) tags = 3 << (((top + 7) & 7) * 2);
    return { control, status, tags };
  }

  private significand(): bigint {
    const { random } = this;
    const bits = (BigInt(random.word()) << 32n) | BigInt(random.word());
    switch (random.below(7)) {
      case 0:
        return 0n;
      case 1:
        return (1n << 64n) - 1n;
      case 2:
        return 1n << BigInt(random.below(64));
      case 3:
        return BigInt.asUintN(64, bits << BigInt(random.below(64)));
      case 4:
        return (
          BigInt.asUintN(64, -1n << BigInt(random.below(64))) ^ (random.oneIn(2) ? 0n : 1n << BigInt(random.below(64)))
        );
      default:
        return bits;
    }
  }

  private number([lowest, highest]: readonly [number, number]): Extended {
    const { random } = this;
    const sign = (random.word() & 1) << 15;
    const integer = 1n << 63n;
    const fraction = this.significand();
    switch (random.below(14)) {
      case 0:
        return { signExponent: sign, significand: 0n };
      case 1:
        return { signExponent: sign, significand: random.oneIn(3) ? fraction : fraction & ~integer };
      case 2:
        return { signExponent: sign | 0x7fff, significand: integer };
      case 3:
        return { signExponent: sign | 0x7fff, significand: random.oneIn(4) ? fraction : fraction | integer };
      case 4:
        return {
          signExponent: sign | (random.word() & 0x7fff),
          significand: random.oneIn(2) ? fraction : fraction | integer,
        };
      case 5:
        return { signExponent: sign | random.pick([1, 2, 3, 0x7ffe, 0x7ffd, 0x7ffc]), significand: fraction | integer };
      case 6:
        return {
          signExponent: sign | (0x3fff + random.pick([-149, -127, -126, -1022, -1074, 127, 128, 1023, 1024])),
          significand: fraction | integer,
        };
      case 7:
        return { signExponent: sign | (random.word() & 0x7fff), significand: fraction | integer };
      default:
        return {
          signExponent: sign | (0x3fff + lowest + random.below(highest - lowest + 1)),
          significand: fraction | integer,
        };
    }
  }

  /** Close to a number: a neighbour, its negative, or a few powers of 2 away. */
  private near({ signExponent, significand }: Extended): Extended {
    const { random } = this;
    const exponent = (signExponent & 0x7fff) + (random.oneIn(2) ? 0 : random.below(9) - 4);
    const sign = (random.word() & 1) << 15;
    const moved = significand + BigInt(random.below(5) - 2);
    return {
      signExponent: sign | Math.min(Math.max(exponent, 0), 0x7fff),
      significand: random.oneIn(2) ? significand : BigInt.asUintN(64, moved) | (1n << 63n),
    };
  }

  /** What memory operands of every format find. */
  private data(exponents: readonly [number, number]): Uint8Array {
    const { random } = this;
    const data = Buffer.alloc(DATA_SIZE);
    for (let at = 0; at < DATA_SIZE; at += 4) data.writeUInt32LE(random.word(), at);
    const { signExponent, significand } = this.number(exponents);
    switch (random.below(8)) {
      case 0:
        data.writeBigUInt64LE(significand, 0);
        data.writeUInt16LE(signExponent, 8);
        break;
      case 1:
        data.writeFloatLE(
          random.pick([0, -0, 1, -1.5, 3.4028234663852886e38, 1e-45, 1.1754943508222875e-38, Infinity]),
          0,
        );
        break;
      case 2:
        data.writeDoubleLE(
          random.pick([0, -0, 1, -1.5, 1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, -Infinity]),
          0,
        );
        break;
      case 3:
        // Singles and doubles with an exponent of all ones or zeros.
        data.writeUInt16LE(random.pick([0x7f80, 0x7fa0, 0x7fc1, 0xff90, 0x8000, 0x0040]), 2);
        data.writeUInt16LE(random.pick([0x7ff0, 0x7ff4, 0x7ff8, 0xfff1, 0x8000, 0x0008]), 6);
        break;
      case 4:
        data.writeBigInt64LE(BigInt(random.pick([0, 1, -1, 0x7fff, -0x8000, 0x7fffffff, -0x80000000])), 0);
        break;
      case 5:
        data.writeBigUInt64LE(
          BigInt(`0x${String(random.word())}${String(random.below(10 ** 8)).padStart(8, '0')}`) &
            0xffff_ffff_ffff_ffffn,
          0,
        );
        data.writeUInt16LE(random.pick([0x0099, 0x8000, 0x0000, 0x8012]), 8);
        break;
      case 6:
        data.writeFloatLE(random.below(1000) - 500, 0);
        break;
      default:
        data.writeDoubleLE((random.word() - 0x80000000) * 2 ** (random.below(60) - 30), 0);
    }
    return data;
  }
}
