import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import type { LoadOptions } from '../../src/boot/protocol.ts';
import { requireTool } from '../support/tools.ts';

export const MIB = 0x100000;

export const OPTIONS: LoadOptions = {
  memory: 16 * MIB,
  cmdline: 'root=none quiet',
  bootLoaderName: 'Start of Day',
  modules: [],
  poison: true,
};

/** A Multiboot header with these flags and the words behind the checksum. */
export function headerSource(flags: number, ...more: string[]): string {
  return [
    '.section .multiboot, "a"',
    '.balign 4',
    'header: .long 0x1badb002',
    `.long ${flags}`,
    `.long -(0x1badb002 + ${flags})`,
    ...more.map((word) => `.long ${word}`),
  ].join('\n');
}

/** A Multiboot 2 header with these tags, each as GNU assembler directives, and the end tag. */
export function multiboot2Source(...tags: string[]): string {
  return [
    '.section .multiboot, "a"',
    '.balign 8',
    'header2: .long 0xe85250d6, 0, header2_end - header2, -(0xe85250d6 + header2_end - header2)',
    ...tags.map((tag) => `.balign 8\n${tag}`),
    '.balign 8\n.short 0, 0\n.long 8',
    'header2_end:',
  ].join('\n');
}

/** A tag of a Multiboot 2 header: its words follow type, flags and size. */
export function headerTag(type: number, words: readonly (string | number)[] = [], flags = 0): string {
  const content = words.length === 0 ? '' : `\n.long ${words.join(', ')}`;
  return `.short ${type}, ${flags}\n.long ${8 + 4 * words.length}${content}`;
}

const CODE = `
.text
.globl _start
_start: cli
1: hlt
jmp 1b
.data
.long 0x11223344
.bss
.skip 0x2000
`;

/** Everything one after the other from 1 MiB on. */
const SCRIPT = `
ENTRY(_start)
SECTIONS {
  . = 0x100000;
  .multiboot : { KEEP(*(.multiboot)) }
  .text : { *(.text) }
  .data : ALIGN(4096) { *(.data) }
  .bss : { *(.bss) }
}
`;

export interface KernelSource {
  /** GNU assembler. */
  readonly header?: string;
  readonly code?: string;
  readonly script?: string;
  readonly bits?: 32 | 64;
}

/** Links a small kernel with gcc and ld. Skips the test where they are missing. */
export function buildKernel(test: Context, source: KernelSource = {}): Uint8Array {
  for (const tool of ['gcc', 'ld']) requireTool(test, tool);
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    const { header = headerSource(3), code = CODE, script = SCRIPT, bits = 32 } = source;
    writeFileSync(join(folder, 'kernel.S'), `${header}\n${code}\n.section .note.GNU-stack, "", @progbits\n`);
    writeFileSync(join(folder, 'kernel.ld'), script);
    const run = (command: string, ...args: string[]): void =>
      void execFileSync(command, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
    run('gcc', `-m${bits}`, '-c', 'kernel.S', '-o', 'kernel.o');
    const emulation = bits === 32 ? 'elf_i386' : 'elf_x86_64';
    run(
      'ld',
      '-m',
      emulation,
      '-T',
      'kernel.ld',
      '--build-id=none',
      '--no-check-sections',
      '--no-warn-rwx-segments',
      '-o',
      'kernel.elf',
      'kernel.o',
    );
    return readFileSync(join(folder, 'kernel.elf'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What readelf prints of a file. */
export function readelf(test: Context, bytes: Uint8Array, ...options: string[]): string {
  requireTool(test, 'readelf');
  const folder = mkdtempSync(join(tmpdir(), 'readelf-'));
  try {
    writeFileSync(join(folder, 'file'), bytes);
    return execFileSync('readelf', [...options, 'file'], { cwd: folder, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A copy with a little-endian 32-bit word changed. */
export function withWord(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  new DataView(copy.buffer).setUint32(offset, value, true);
  return copy;
}
