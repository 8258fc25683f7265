/**
 * `npm run generate:corpus`: runs random instructions on the CPU of this computer and writes what they did to test/cpu/corpus/integer.bin.
 * Needs gcc with -m32 and a system that runs 32-bit programs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusWriter } from '../test/cpu/corpus/format.ts';
import { InstructionGenerator } from '../test/cpu/random-instructions.ts';
import { runNatively } from '../test/support/native-oracle.ts';

const SEED = 20240608;
const VECTORS = 240_000;
/** Instances that the oracle is given at once. */
const BATCH = 20_000;

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
const path = join(import.meta.dirname, '../test/cpu/corpus/integer.bin');
const bytes = writer?.toBytes() ?? Buffer.alloc(0);
writeFileSync(path, bytes);
process.stdout.write(`${VECTORS} vectors, seed ${SEED}, ${bytes.length} bytes: ${path}\n`);
