/**
 * `npm run compare:qemu -- FILE [--until N] [--every N] [--append WORDS] [--memory MIB]`: runs a Multiboot kernel on this machine and in
 * qemu-system-i386, compares registers, segments, tables and memory at equal instruction counts, and prints the first instruction after
 * which they differ. A guest whose interrupts come by a timer is comparable up to the first of them: the clocks are not the same.
 */
import { parseArgs } from 'node:util';
import { compareWithQemu } from './compare-with-qemu/comparison.ts';
import { LIBERTIES } from './compare-with-qemu/machine-state.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    until: { type: 'string', default: '1000000' },
    every: { type: 'string', default: '50000' },
    append: { type: 'string', default: '' },
    memory: { type: 'string', default: '32' },
  },
});
const [file] = positionals;
const numbers = [values.until, values.every, values.memory].map(Number);
if (
  file === undefined ||
  positionals.length > 1 ||
  !numbers.every((value) => Number.isSafeInteger(value) && value > 0)
) {
  process.stderr.write('usage: npm run compare:qemu -- FILE [--until N] [--every N] [--append WORDS] [--memory MIB]\n');
  process.exit(2);
}
const [until = 0, every = 0, megabytes = 0] = numbers;
const hex = (value: number): string => `0x${value.toString(16)}`;

async function main(kernel: string): Promise<void> {
  const { checkpoints, difference } = await compareWithQemu({
    file: kernel,
    append: values.append,
    memory: megabytes * 0x100000,
    until,
    every,
    onCheckpoint: ({ count, address, arrivals }) =>
      void process.stdout.write(`equal after ${count} instructions, at ${hex(address)} (arrival ${arrivals})\n`),
  });
  if (difference !== undefined) {
    const { count, instruction, differences } = difference;
    process.stdout.write(count === 0 ? 'different at the entry\n' : `different after ${count} instructions\n`);
    if (instruction !== undefined) process.stdout.write(`  ours  ${instruction.ours}\n  QEMU  ${instruction.qemu}\n`);
    for (const { what, ours, qemu } of differences)
      process.stdout.write(`  ${what}: ours ${hex(ours)}, QEMU ${hex(qemu)}\n`);
    process.exitCode = 1;
  } else
    process.stdout.write(
      `no difference at ${checkpoints.length} checkpoints, the last after ${checkpoints.at(-1)?.count ?? 0} instructions\n`,
    );
  process.stdout.write('not compared:\n');
  for (const { name, reason } of Object.values(LIBERTIES)) process.stdout.write(`  ${name}: ${reason}\n`);
}

void main(file);
