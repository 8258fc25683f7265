import { execFileSync } from 'node:child_process';
import type { Context } from 'mocha';
import { requireTool } from '../../support/tools.ts';

/** How the Linux build compresses a kernel (scripts/Makefile.lib, scripts/xz_wrap.sh), by the name of what comes out. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  gzip: ['gzip', '-n', '-9'],
  bzip2: ['bzip2', '-9'],
  LZMA: ['xz', '--format=lzma', '-9'],
  xz: ['xz', '--check=crc32', '--x86', '--lzma2=dict=32MiB'],
  LZO: ['lzop', '-9'],
  LZ4: ['lz4', '-l', '-9', '-c'],
  zstd: ['zstd', '-q', '-19', '--no-check'],
};

export const COMPRESSORS = Object.keys(COMMANDS);

/** The data as the tool of that compression writes it. Skips the test where it is missing. */
export function compress(test: Context, name: string, data: Uint8Array, ...more: readonly string[]): Uint8Array {
  const [tool = '', ...options] = COMMANDS[name] ?? [];
  requireTool(test, tool);
  return new Uint8Array(execFileSync(tool, [...options, ...more], { input: data, maxBuffer: 1 << 26 }));
}
