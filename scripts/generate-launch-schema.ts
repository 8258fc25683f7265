import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LAUNCH_SCHEMA } from '../src/adapter/launch-schema.ts';

/** The part of package.json that this script writes. */
interface Manifest {
  readonly contributes: { readonly debuggers: { configurationAttributes: { launch: unknown } }[] };
}

/** Writes the launch attributes into package.json: the adapter's schema is the one source, and a test holds the two equal. */
function generateLaunchSchema(): void {
  const file = path.join(__dirname, '..', 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  for (const debug of manifest.contributes.debuggers) debug.configurationAttributes = { launch: LAUNCH_SCHEMA };
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

generateLaunchSchema();
