import { spawnSync } from 'node:child_process';

/** Path of the Chromium that is installed, or undefined. */
export function findChromium(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const { stdout } = spawnSync('sh', ['-c', names.map((name) => `command -v ${name}`).join(' || ')], {
    encoding: 'utf8',
  });
  return stdout.trim() || undefined;
}
