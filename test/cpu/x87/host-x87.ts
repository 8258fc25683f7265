import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Extended } from '../../../src/cpu/floating-point/extended.ts';
import { hostProgram } from '../../support/host-program.ts';

/** Linear addresses of the code and of the memory operand, the same in every run. */
export const HOST_PLACE = { code: 0x11000000, data: 0x12000000 } as const;

/** The x87 unit before or after an instruction, as FNSAVE stores it in 32-bit protected mode. */
export interface X87Image {
  readonly control: number;
  readonly status: number;
  readonly tags: number;
  /** ST(0) to ST(7). */
  readonly registers: readonly Extended[];
  /** Offsets and the opcode; 0 unless given. A CPU may keep no selectors (SDM 1, 8.1.8). */
  readonly instructionOffset?: number;
  readonly opcode?: number;
  readonly operandOffset?: number;
}

export interface HostInput {
  readonly x87: X87Image;
  readonly eflags: number;
  /** Instructions. Their memory operand is at [ebx]. */
  readonly code: Uint8Array;
  readonly data: Uint8Array;
}

export interface HostOutput {
  readonly x87: X87Image;
  readonly eflags: number;
  readonly eax: number;
  readonly data: Uint8Array;
}

/** Bytes that memory operands may have. */
export const DATA_SIZE = 128;
const IMAGE_SIZE = 108;
const CODE_SIZE = 16;
const INPUT_SIZE = IMAGE_SIZE + 4 + CODE_SIZE + DATA_SIZE;
/** Bytes of a record of the host program's output. */
const HOST_OUTPUT_SIZE = IMAGE_SIZE + 8 + DATA_SIZE;
const RETURN = 0xc3;

/** Runs every input on the CPU of this computer. Needs gcc with -m32. */
export function runOnHost(inputs: readonly HostInput[]): HostOutput[] {
  const bytes = Buffer.alloc(inputs.length * INPUT_SIZE);
  inputs.forEach(({ x87, eflags, code, data }, n) => {
    const record = bytes.subarray(n * INPUT_SIZE, (n + 1) * INPUT_SIZE);
    writeImage(record, x87);
    record.writeUInt32LE(eflags, IMAGE_SIZE);
    record.set([...code, RETURN], IMAGE_SIZE + 4);
    record.set(data, IMAGE_SIZE + 4 + CODE_SIZE);
  });
  const result = execFileSync(hostProgram(join(import.meta.dirname, 'host-x87.c')), {
    input: bytes,
    maxBuffer: 1 << 28,
  });
  return inputs.map((_, n) => readOutput(result.subarray(n * HOST_OUTPUT_SIZE, (n + 1) * HOST_OUTPUT_SIZE)));
}

/** A record of the host program's output. */
export function readOutput(record: Buffer): HostOutput {
  return {
    x87: readImage(record),
    eflags: record.readUInt32LE(IMAGE_SIZE),
    eax: record.readUInt32LE(IMAGE_SIZE + 4),
    data: record.subarray(IMAGE_SIZE + 8),
  };
}

export function writeOutput({ x87, eflags, eax, data }: HostOutput): Buffer {
  const record = Buffer.alloc(HOST_OUTPUT_SIZE);
  writeImage(record, x87);
  record.writeUInt32LE(eflags, IMAGE_SIZE);
  record.writeUInt32LE(eax, IMAGE_SIZE + 4);
  record.set(data, IMAGE_SIZE + 8);
  return record;
}

function writeImage(record: Buffer, image: X87Image): void {
  const { control, status, tags, registers, instructionOffset = 0, opcode = 0, operandOffset = 0 } = image;
  [instructionOffset, opcode << 16, operandOffset].forEach((word, n) => record.writeUInt32LE(word >>> 0, 12 + n * 4));
  [control, status, tags].forEach((word, n) => record.writeUInt32LE((word | 0xffff0000) >>> 0, n * 4));
  registers.forEach(({ signExponent, significand }, n) => {
    record.writeBigUInt64LE(significand, 28 + n * 10);
    record.writeUInt16LE(signExponent, 36 + n * 10);
  });
}

function readImage(record: Buffer): X87Image {
  const word = (n: number): number => record.readUInt16LE(n * 4);
  const registers = Array.from({ length: 8 }, (_, n) => ({
    signExponent: record.readUInt16LE(36 + n * 10),
    significand: record.readBigUInt64LE(28 + n * 10),
  }));
  return {
    control: word(0),
    status: word(1),
    tags: word(2),
    registers,
    instructionOffset: record.readUInt32LE(12),
    opcode: record.readUInt16LE(18) & 0x7ff,
    operandOffset: record.readUInt32LE(20),
  };
}
