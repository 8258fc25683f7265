import { spawnSync } from 'node:child_process';
import path from 'node:path';

/** Packages the extension as `npm run package` does; returns the path of the .vsix. Throws with the output when a warning was given. */
export function packageExtension(root: string): string {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'package'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const output = stdout + stderr;
  if (status !== 0) throw new Error(`npm run package ended with ${status ?? 'a signal'}:\n${output}`);
  if (/\bWARNING\b/.test(output)) throw new Error(`npm run package gives a warning:\n${output}`);
  return path.join(root, 'start-of-day.vsix');
}
