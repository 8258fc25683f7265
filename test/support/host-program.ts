import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';

const CACHE = join(import.meta.dirname, '../../.cache');

/** The path of a 32-bit C program for this computer, built when its source changed. Needs gcc with -m32. */
export function hostProgram(source: string): string {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const path = join(CACHE, `${basename(source, '.c')}-${hash}`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const building = `${path}.${process.pid}`;
  execFileSync('gcc', ['-m32', '-O2', '-static', '-no-pie', '-Wall', '-Wextra', '-Werror', '-o', building, source]);
  renameSync(building, path);
  return path;
}
