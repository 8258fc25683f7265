import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** A guest of the benchmark: its sources, and turns chosen for about a second of interpretation. */
export interface BenchGuest {
  readonly name: string;
  readonly sources: readonly string[];
  readonly iterations: number;
  /** Turns for an interpreter, long enough for the engine below it to have warmed to it. */
  readonly warm: number;
  /** Turns for six times as long, which translators are given. */
  readonly longer: number;
}

export const GUESTS: readonly BenchGuest[] = [
  { name: 'alu', sources: ['alu.S'], iterations: 12_000_000, warm: 48_000_000, longer: 72_000_000 },
  // A Fibonacci number by recursion: four more are 6.9 times the calls.
  { name: 'calls', sources: ['calls.S'], iterations: 33, warm: 36, longer: 37 },
  { name: 'paging-copy', sources: ['paging-copy.S'], iterations: 90, warm: 360, longer: 540 },
  { name: 'c-mix', sources: ['mix-start.S', 'mix.c'], iterations: 100, warm: 400, longer: 600 },
];

/** From the project's folder, where npm runs. */
const SOURCES = 'bench/guests';
const OUTPUT = '.cache/bench';

/** Builds a guest with gcc -m32 and returns the path of its ELF file. */
export function buildGuest({ name, sources, iterations }: Omit<BenchGuest, 'longer' | 'warm'>): string {
  mkdirSync(OUTPUT, { recursive: true });
  const elf = join(OUTPUT, `${name}.elf`);
  const flags =
    '-m32 -O2 -march=i486 -ffreestanding -fno-pie -no-pie -fno-stack-protector -fcf-protection=none -nostdlib';
  execFileSync('gcc', [
    ...flags.split(' '),
    `-DITERATIONS=${iterations}`,
    '-Wl,--build-id=none,-z,noexecstack',
    '-T',
    join(SOURCES, 'link.ld'),
    ...sources.map((source) => join(SOURCES, source)),
    '-o',
    elf,
  ]);
  return elf;
}
