/**
 * `npm run generate:corpus`: runs random instructions on the CPU of this computer and writes what they did to test/cpu/corpus: integer.bin,
 * x87.bin and simd.bin. With a word behind it (`integer`, `x87`, `simd`) that one alone.
 * Needs gcc with -m32 and a system that runs 32-bit programs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as iced from 'iced-x86';
import { CorpusWriter } from '../test/cpu/corpus/format.ts';
import { InstructionGenerator } from '../test/cpu/random-instructions.ts';
import {
  digestOf,
  simdInstances,
  simdRecord,
  unchangedSimd,
  unchangedX87,
  x87Instances,
  x87Record,
} from '../test/cpu/corpus/floating-point.ts';
import { RecordsWriter } from '../test/cpu/corpus/patched-records.ts';
import { CODES as SIMD_CODES } from '../test/cpu/simd/random-simd.ts';
import { runOnHost } from '../test/cpu/x87/host-x87.ts';
import { X87_CODES } from '../test/cpu/x87/random-x87.ts';
import { runNatively } from '../test/support/native-oracle.ts';
import { runNatively as runSimdNatively } from '../test/support/simd-oracle.ts';

const SEED = 20240608;
const VECTORS = 240_000;
/** Instances that the oracle is given at once. */
const BATCH = 20_000;

/** Of each floating-point corpus: some hundred bytes an instance before they are compressed. */
const RECORDS = { seed: 20240609, count: 12_000 } as const;

const folder = join(import.meta.dirname, '../test/cpu/corpus');

function write(name: string, count: number, bytes: Uint8Array): void {
  writeFileSync(join(folder, name), bytes);
  process.stdout.write(`${name}: ${count} vectors, ${bytes.length} bytes\n`);
}

function integer(): void {
  const generator = new InstructionGenerator(SEED);
  let writer: CorpusWriter | undefined;
  for (let start = 0; start < VECTORS; start += BATCH) {
    const instances = Array.from({ length: BATCH }, (_, n) => generator.instance(start + n));
    const { selectors, outputs } = runNatively(instances);
    writer ??= new CorpusWriter(SEED, selectors);
    for (const [n, output] of outputs.entries()) {
      const input = instances[n];
      if (input !== undefined) writer.add({ input, output, flags: input.flags });
    }
  }
  write('integer.bin', VECTORS, writer?.toBytes() ?? Buffer.alloc(0));
}

function x87(): void {
  const { seed, count } = RECORDS;
  const names = X87_CODES.map((code) => iced.Code[code]);
  const instances = x87Instances(names, seed, count);
  const writer = new RecordsWriter();
  for (const [n, output] of runOnHost(instances).entries()) {
    const instance = instances[n];
    if (instance !== undefined) writer.add(unchangedX87(instance), x87Record(output));
  }
  write('x87.bin', count, writer.toBytes({ seed, count, names, instances: digestOf(instances) }));
}

function simd(): void {
  const { seed, count } = RECORDS;
  const names = SIMD_CODES.map((code) => iced.Code[code]);
  const instances = simdInstances(names, seed, count);
  const writer = new RecordsWriter();
  for (const [n, output] of runSimdNatively(instances).entries()) {
    const instance = instances[n];
    if (instance !== undefined) writer.add(unchangedSimd(instance), simdRecord(instance, output));
  }
  write('simd.bin', count, writer.toBytes({ seed, count, names, instances: digestOf(instances) }));
}

const [only] = process.argv.slice(2);
for (const [name, generate] of Object.entries({ integer, x87, simd }))
  if (only === undefined || only === name) generate();
