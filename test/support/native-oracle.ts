import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { hostProgram } from './host-program.ts';

/** Where `native-oracle.c` puts things, linear addresses. */
export const ORACLE = {
  code: 0x11000000,
  /** First byte of the instruction; the rest of its page is int3. */
  start: 0x11000800,
  /** A writable page, before it nothing; then a read-only one, then nothing. */
  data: 0x12000000,
  readOnly: 0x12001000,
  /** A writable page, before it nothing. */
  stack: 0x13000000,
  /** Bytes of data (at the end of its page) and of stack (at the start of its page) that a state shows. */
  window: 128,
  /** Longest code in bytes. */
  longest: 36,
} as const;

/** The vector of an instance that raised no fault: it ran into int3. */
export const NO_FAULT = 3;

/** Offset in FS at which each of the two FS segments starts, and where it ends; both have the data page's base. */
export const FS_BOUNDS = [
  [0, 0xfff],
  [0xf00, 0xffffffff],
] as const;

/** What surrounds an instruction: the state before it. */
export interface OracleInput {
  readonly code: Uint8Array;
  /** In encoding order. */
  readonly registers: readonly number[];
  readonly eflags: number;
  /** 0: the limited FS; 1: the expand-down one. */
  readonly fs: 0 | 1;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
}

/** The state after it. */
export interface OracleOutput {
  readonly registers: readonly number[];
  readonly eflags: number;
  readonly eip: number;
  readonly vector: number;
  /** Error code of vectors that have one. */
  readonly error: number;
  /** CR2 of vector 14. */
  readonly address: number;
  readonly data: Uint8Array;
  readonly stack: Uint8Array;
}

/** Selectors of the native process, which instructions can read. */
export interface OracleSelectors {
  readonly es: number;
  readonly cs: number;
  readonly ss: number;
  readonly ds: number;
  readonly fs: readonly [number, number];
  readonly gs: number;
}

const INPUT_SIZE = 11 * 4 + ORACLE.longest + 2 * ORACLE.window;
const OUTPUT_SIZE = 13 * 4 + 2 * ORACLE.window;
const SELECTORS_SIZE = 7 * 4;

/** Runs every input on the CPU of this computer. Needs gcc with -m32. */
export function runNatively(inputs: readonly OracleInput[]): {
  readonly selectors: OracleSelectors;
  readonly outputs: readonly OracleOutput[];
} {
  const bytes = Buffer.alloc(inputs.length * INPUT_SIZE);
  inputs.forEach((input, n) => writeInput(bytes.subarray(n * INPUT_SIZE), input));
  const result = execFileSync(hostProgram(join(import.meta.dirname, 'native-oracle.c')), {
    input: bytes,
    maxBuffer: SELECTORS_SIZE + inputs.length * OUTPUT_SIZE,
  });
  const word = (n: number): number => result.readUInt32LE(n * 4);
  const selectors = {
    es: word(0),
    cs: word(1),
    ss: word(2),
    ds: word(3),
    fs: [word(4), word(5)],
    gs: word(6),
  } as const;
  const outputs = inputs.map((_, n) => readOutput(result.subarray(SELECTORS_SIZE + n * OUTPUT_SIZE)));
  return { selectors, outputs };
}

function writeInput(record: Buffer, input: OracleInput): void {
  const words = [...input.registers, input.eflags, input.fs, input.code.length];
  words.forEach((value, n) => record.writeUInt32LE(value >>> 0, n * 4));
  const after = words.length * 4;
  record.set(input.code, after);
  record.set(input.data, after + ORACLE.longest);
  record.set(input.stack, after + ORACLE.longest + ORACLE.window);
}

function readOutput(record: Buffer): OracleOutput {
  const word = (n: number): number => record.readUInt32LE(n * 4);
  const window = (n: number): Uint8Array => record.subarray(52 + n * ORACLE.window, 52 + (n + 1) * ORACLE.window);
  return {
    registers: Array.from({ length: 8 }, (_, n) => word(n)),
    eflags: word(8),
    eip: word(9),
    vector: word(10),
    error: word(11),
    address: word(12),
    data: window(0),
    stack: window(1),
  };
}
