import { cpSync } from 'node:fs';
import path from 'node:path';

/** Copies the samples into `folder`, without what their Makefiles build on the way: they are a workspace with a launch.json. */
export function createSamplesWorkspace(samples: string, folder: string): void {
  cpSync(samples, folder, { recursive: true, filter: (source) => path.basename(source) !== 'build' });
}
