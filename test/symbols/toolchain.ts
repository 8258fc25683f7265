import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { ElfFile } from '../../src/image/elf.ts';

/** A folder for what gcc makes; remove it after the tests. */
export class Workshop {
  private readonly folder = mkdtempSync(join(tmpdir(), 'symbols-'));

  /** Links `source` without start files and returns the path of the ELF. `extension` is `c` or `S`. */
  build(name: string, source: string, extension: 'c' | 'S', options: readonly string[]): string {
    const input = join(this.folder, `${name}.${extension}`);
    const output = join(this.folder, `${name}.elf`);
    writeFileSync(input, source);
    const common = [
      '-nostdlib',
      '-static',
      '-ffreestanding',
      '-fno-pie',
      '-no-pie',
      '-Wl,--build-id=none',
      '-Wl,-e,start',
    ];
    execFileSync('gcc', [...common, ...options, '-o', output, input], { stdio: ['ignore', 'ignore', 'inherit'] });
    return output;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export function output(tool: string, ...args: readonly string[]): string {
  return execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** What GDB prints for the commands on an ELF file. */
export function gdb(elf: string, ...commands: readonly string[]): string {
  return output('gdb', '-nx', '-batch', ...commands.flatMap((command) => ['-ex', command]), elf);
}

export function openElf(path: string): ElfFile {
  return new ElfFile(basename(path), new Uint8Array(readFileSync(path)));
}
