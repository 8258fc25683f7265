// npm run bench: bundles the benchmark as the product is bundled (a transpiler's helpers would be measured otherwise), and runs it.
import { build } from 'esbuild';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const bundle = join('.cache', 'bench', 'bench.mjs');
await build({
  entryPoints: ['bench/bench.ts'],
  outfile: bundle,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  define: { __dirname: JSON.stringify(join(process.cwd(), 'dist')) },
  logLevel: 'warning',
});
await import(pathToFileURL(bundle).href);
