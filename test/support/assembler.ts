import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Code linked at an address. */
export interface Program {
  readonly bytes: Uint8Array;
  /** Addresses of its symbols. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Address of a symbol that must exist. */
  at(symbol: string): number;
}

interface CachedProgram {
  readonly base64: string;
  readonly symbols: readonly (readonly [string, number])[];
}

const CACHE = join(import.meta.dirname, '../../.cache/programs');
const C_FLAGS =
  '-m32 -O2 -march=i486 -std=gnu11 -ffreestanding -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables ' +
  '-fcf-protection=none -mno-sse -mno-mmx -mno-80387 -Wall -Wextra -Werror';

/** Assembles Intel-syntax source for the GNU assembler and links it at `origin`. Needs gcc. */
export function assemble(source: string, origin: number): Program {
  return build(`.intel_syntax noprefix\n.globl _start\n_start:\n${source}\n`, 'program.S', '-m32 -x assembler', origin);
}

/** Compiles freestanding C for an i486 and links it at `origin`; `start` in it comes first. Needs gcc with -m32. */
export function compile(source: string, origin: number): Program {
  return build(source, 'program.c', C_FLAGS, origin);
}

/** Runs C as a program of this computer; what it writes. */
export function runHosted(source: string): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'hosted-'));
  try {
    const program = join(folder, 'program');
    execFileSync('gcc', ['-m32', '-O2', '-msse2', '-DHOSTED', '-x', 'c', '-o', program, '-'], { input: source });
    return execFileSync(program, { maxBuffer: 1 << 26 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function build(source: string, file: string, flags: string, origin: number): Program {
  const key = createHash('sha256')
    .update(JSON.stringify([source, file, flags, origin]))
    .digest('hex')
    .slice(0, 24);
  const cached = join(CACHE, `${key}.json`);
  if (!existsSync(cached)) {
    mkdirSync(CACHE, { recursive: true });
    const folder = mkdtempSync(join(CACHE, 'building-'));
    writeFileSync(join(folder, file), source);
    const program = JSON.stringify(link(folder, file, flags.split(' '), origin));
    writeFileSync(join(folder, 'program.json'), program);
    renameSync(join(folder, 'program.json'), cached);
    rmSync(folder, { recursive: true });
  }
  const program = JSON.parse(readFileSync(cached, 'utf8')) as CachedProgram;
  const symbols = new Map(program.symbols);
  const at = (symbol: string): number => {
    const address = symbols.get(symbol);
    if (address === undefined) throw new Error(`no symbol ${symbol}`);
    return address;
  };
  return { bytes: Buffer.from(program.base64, 'base64'), symbols, at };
}

function link(folder: string, file: string, flags: readonly string[], origin: number): CachedProgram {
  const run = (tool: string, ...args: readonly string[]): string =>
    execFileSync(tool, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const script = `SECTIONS { . = ${origin}; .all : { *(.text.start) *(.text*) *(.rodata*) *(.data*) *(.bss*) *(COMMON) } }`;
  writeFileSync(join(folder, 'script.ld'), `${script}\n`);
  run('gcc', ...flags, '-c', '-o', 'program.o', file);
  run('ld', '-m', 'elf_i386', '--no-warn-rwx-segments', '-T', 'script.ld', '-o', 'program.elf', 'program.o');
  run('objcopy', '-O', 'binary', '-j', '.all', 'program.elf', 'program.bin');
  const symbols = run('nm', 'program.elf')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([address = '', , name = '']) => [name, Number.parseInt(address, 16)] as const);
  return { base64: readFileSync(join(folder, 'program.bin'), 'base64'), symbols };
}
