import { createHash } from 'node:crypto';
import * as iced from 'iced-x86';
import {
  NO_FAULT,
  ORACLE,
  writeOutput as writeSimd,
  type SimdInput,
  type SimdOutput,
} from '../../support/simd-oracle.ts';
import { FX, SimdGenerator, type SimdInstance } from '../simd/random-simd.ts';
import { writeOutput as writeX87, type HostOutput } from '../x87/host-x87.ts';
import { encodeX87, X87StateGenerator, type X87Instance } from '../x87/random-x87.ts';
import { exponentsOf } from '../x87/x87-guest.ts';
import { fillSeed } from '../state-fill.ts';

/** Numbers of encodings by their names in iced-x86. */
export const codeOf = (name: string): iced.Code => {
  const code = (iced.Code as unknown as Readonly<Record<string, iced.Code | undefined>>)[name];
  if (code === undefined) throw new Error(`no encoding ${name}`);
  return code;
};

/** The MMX and SSE instances of a corpus. */
export function simdInstances(names: readonly string[], seed: number, count: number): SimdInstance[] {
  const generator = new SimdGenerator(seed);
  return Array.from({ length: count }, (_, n) => generator.of(codeOf(nameAt(names, n)), fillSeed(seed, n)));
}

/** The x87 instances of a corpus. */
export function x87Instances(names: readonly string[], seed: number, count: number): X87Instance[] {
  return Array.from({ length: count }, (_, n) => {
    const name = nameAt(names, n);
    const { bytes, text } = encodeX87(codeOf(name), Math.floor(n / names.length) % 8);
    return new X87StateGenerator(fillSeed(seed, n)).instance(bytes, text, exponentsOf(name));
  });
}

/** The name of an instance's encoding. */
export function nameAt(names: readonly string[], index: number): string {
  return names[index % names.length] ?? '';
}

/** SHA-1 of instances, code and state. */
export function digestOf(instances: readonly (SimdInstance | X87Instance)[]): string {
  const hash = createHash('sha1');
  for (const instance of instances)
    hash.update(
      JSON.stringify(instance, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
    );
  return hash.digest('hex');
}

/** The record of an MMX or SSE instance that changes nothing. */
export function unchangedSimd({ code, registers, eflags, fx, data }: SimdInput): Buffer {
  const eip = ORACLE.start + code.length;
  return writeSimd({ registers, eflags, eip, vector: NO_FAULT, error: 0, address: 0, fx, data });
}

/** The record of what the host did, without the fields of its FXSAVE image that are not compared. */
export function simdRecord(input: SimdInput, output: SimdOutput): Buffer {
  const fx = Buffer.from(input.fx);
  fx.set(output.fx.subarray(0, FX.tag + 1));
  fx.set(output.fx.subarray(FX.mxcsr, FX.mxcsrMask), FX.mxcsr);
  for (let n = 0; n < 8; n++) {
    const at = FX.x87 + 16 * n;
    fx.set(output.fx.subarray(at, at + 10), at);
  }
  fx.set(output.fx.subarray(FX.xmm, FX.end), FX.xmm);
  return writeSimd({ ...output, fx });
}

/** EAX before every x87 instance. */
const EAX = 0x12345678;

/** The record of an x87 instance that changes nothing. */
export function unchangedX87({ x87, eflags, data }: X87Instance): Buffer {
  return writeX87({ x87, eflags, eax: EAX, data });
}

/** The record of what the host did, without pointers. */
export function x87Record({ x87, eflags, eax, data }: HostOutput): Buffer {
  const { control, status, tags, registers } = x87;
  return writeX87({ x87: { control, status, tags, registers }, eflags, eax, data });
}
