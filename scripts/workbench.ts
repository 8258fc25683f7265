import { rmSync } from 'node:fs';
import path from 'node:path';
import { installWorkbench } from './workbench/install.ts';
import { packageExtension } from './workbench/package-extension.ts';
import { createSamplesWorkspace } from './workbench/samples-workspace.ts';
import { startServer } from './workbench/server.ts';

/** npm run workbench: VS Code in the browser with this extension and the samples, in a profile of its own, until Ctrl+C. */
async function main(): Promise<void> {
  const root = path.join(__dirname, '..');
  const cache = path.join(root, '.cache');
  const workbench = installWorkbench(path.join(cache, 'workbench'), console.log);
  console.log('Packaging the extension');
  const vsix = packageExtension(root);
  const home = path.join(cache, 'workbench-home');
  const folder = path.join(cache, 'samples');
  for (const directory of [home, folder]) rmSync(directory, { recursive: true, force: true });
  createSamplesWorkspace(path.join(root, 'samples'), folder);
  console.log('Starting VS Code');
  const server = await startServer({ workbench, home, vsix, folder });
  console.log(`\nOpen ${server.url}\nThen press F5. Ctrl+C here ends it.`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.stop());
}

void main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
