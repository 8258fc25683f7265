import { spawnSync } from 'node:child_process';
import type { Context } from 'mocha';

/** Skips the test with the reason when `tool` is not installed; fails instead where CI=true, because nothing may skip there. */
export function requireTool(test: Context, tool: string): void {
  const found = spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0;
  if (found) return;
  const reason = `${tool} is not installed`;
  if (process.env['CI'] === 'true') throw new Error(reason);
  process.stderr.write(`skipped: ${test.test?.fullTitle() ?? ''}: ${reason}\n`);
  test.skip();
}
