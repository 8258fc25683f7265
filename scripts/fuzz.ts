/**
 * `npm run test:fuzz -- [--minutes N] [--seed S]`: the tests of the CPU with one seed after the other, until the time is over or something
 * differs. Prints the seed of every round; `--seed S --minutes 0` runs that round again.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { FUZZ_ROUNDS } from '../test/cpu/fuzz-rounds.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!(minutes >= 0) || !Number.isSafeInteger(first)) {
  process.stderr.write('usage: npm run test:fuzz -- [--minutes N] [--seed S]\n');
  process.exit(2);
}

const installed = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
const rounds = FUZZ_ROUNDS.filter(({ name, tools }) => {
  const absent = tools.filter((tool) => !installed(tool));
  if (absent.length > 0) process.stdout.write(`left out: ${name}: ${absent.join(', ')} is not installed\n`);
  return absent.length === 0;
});

const end = Date.now() + minutes * 60_000;
let seed = first;
let failed = 0;
do {
  for (const round of rounds) {
    process.stdout.write(`seed ${seed}: ${round.name}`);
    try {
      round.run(seed);
      process.stdout.write('\n');
    } catch (error) {
      failed++;
      process.stdout.write(`: FAILED\n${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  seed++;
} while (failed === 0 && Date.now() < end);
process.stdout.write(`${failed === 0 ? 'no difference' : `${failed} failed`}, seeds ${first} to ${seed - 1}\n`);
process.exitCode = failed === 0 ? 0 : 1;
