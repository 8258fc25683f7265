import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Written by the build beside the bundles. */
const FILE = 'interpreter.wasm';

/** The interpreter's handlers from beside the bundle; undefined when the sources run without a build. */
export function loadHandlers(): WebAssembly.Module | undefined {
  const file = join(__dirname, FILE);
  return existsSync(file) ? new WebAssembly.Module(readFileSync(file)) : undefined;
}
