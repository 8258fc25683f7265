import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { hostProgram } from './host-program.ts';

/** Where `simd-oracle.c` puts things, linear addresses. */
export const ORACLE = {
  code: 0x11000000,
  /** First byte of the instruction; the rest of its page is int3. */
  start: 0x11000800,
  /** A writable page, before it nothing; then a read-only one, then nothing. FS is limited to the first. */
  data: 0x12000000,
  readOnly: 0x12001000,
  /** Bytes of data at the end of its page that a state shows. */
  window: 640,
  /** Longest code in bytes. */
  longest: 16,
} as const;

/** The vector of an instance that raised no fault: it ran into int3. */
export const NO_FAULT = 3;
/** Bytes of an FXSAVE image (SDM 2, FXSAVE, table 3-43). */
export const FX_SIZE = 512;

/** The state before an instruction. */
export interface SimdInput {
  readonly code: Uint8Array;
  /** In encoding order. */
  readonly registers: readonly number[];
  readonly eflags: number;
  /** What FXRSTOR loads. */
  readonly fx: Uint8Array;
  readonly data: Uint8Array;
}

/** The state after it. */
export interface SimdOutput {
  readonly registers: readonly number[];
  readonly eflags: number;
  readonly eip: number;
  readonly vector: number;
  /** Error code of vectors that have one. */
  readonly error: number;
  /** CR2 of vector 14. */
  readonly address: number;
  /** What FXSAVE stores. */
  readonly fx: Uint8Array;
  readonly data: Uint8Array;
}

const INPUT_SIZE = 10 * 4 + ORACLE.longest + FX_SIZE + ORACLE.window;
const OUTPUT_SIZE = 13 * 4 + FX_SIZE + ORACLE.window;

/** Runs every input on the CPU of this computer. Needs gcc with -m32. */
export function runNatively(inputs: readonly SimdInput[]): readonly SimdOutput[] {
  const bytes = Buffer.alloc(inputs.length * INPUT_SIZE);
  inputs.forEach((input, n) => writeInput(bytes.subarray(n * INPUT_SIZE), input));
  const result = execFileSync(hostProgram(join(import.meta.dirname, 'simd-oracle.c')), {
    input: bytes,
    maxBuffer: inputs.length * OUTPUT_SIZE,
  });
  return inputs.map((_, n) => readOutput(result.subarray(n * OUTPUT_SIZE, (n + 1) * OUTPUT_SIZE)));
}

function writeInput(record: Buffer, input: SimdInput): void {
  const words = [...input.registers, input.eflags, input.code.length];
  words.forEach((value, n) => record.writeUInt32LE(value >>> 0, n * 4));
  const after = words.length * 4;
  record.set(input.code, after);
  record.set(input.fx, after + ORACLE.longest);
  record.set(input.data, after + ORACLE.longest + FX_SIZE);
}

/** A record of the host program's output. */
export function readOutput(record: Buffer): SimdOutput {
  const word = (n: number): number => record.readUInt32LE(n * 4);
  return {
    registers: Array.from({ length: 8 }, (_, n) => word(n)),
    eflags: word(8),
    eip: word(9),
    vector: word(10),
    error: word(11),
    address: word(12),
    fx: record.subarray(52, 52 + FX_SIZE),
    data: record.subarray(52 + FX_SIZE),
  };
}

export function writeOutput(output: SimdOutput): Buffer {
  const { registers, eflags, eip, vector, error, address, fx, data } = output;
  const record = Buffer.alloc(OUTPUT_SIZE);
  [...registers, eflags, eip, vector, error, address].forEach((word, n) => record.writeUInt32LE(word >>> 0, n * 4));
  record.set(fx, 52);
  record.set(data, 52 + FX_SIZE);
  return record;
}
