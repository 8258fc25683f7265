// Builds dist/: the extension, the adapter and the command line as CommonJS bundles for Node 20, and the webviews for the browser.
import { build } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const minify = process.argv.includes('--minify');
const output = 'dist';

const node = {
  'extension.js': 'src/extension/extension.ts',
  'adapter.js': 'src/platform/node/adapter-main.ts',
  'cli.js': 'src/cli/main.ts',
};
const webviews = 'src/webview';

// What a package takes from dist/ is what this build made; otherwise an adapter that runs keeps its files until they are replaced.
if (minify) rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });

const shared = { bundle: true, minify, sourcemap: minify ? false : 'linked', logLevel: 'warning' };

// iced-x86 takes longer to load than all the rest, and nothing needs it before the first stop: it is a file of its own, loaded when one of
// its parts is used.
const lazyIced = {
  name: 'lazy-iced-x86',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^iced-x86$/ }, () => ({ path: 'iced-x86', namespace: 'lazy' }));
    onResolve({ filter: /^\.\/iced_x86\.js$/, namespace: 'lazy' }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /.*/, namespace: 'lazy' }, () => ({
      contents: `
        let iced;
        const parts = new Proxy({}, { get: (_, name) => name === '__esModule' || (iced ??= require('./iced_x86.js'))[name] });
        module.exports = Object.create(parts);`,
    }));
  },
};

const present = Object.entries(node).filter(([, source]) => existsSync(source));
for (const [file, source] of present)
  await build({
    ...shared,
    entryPoints: [source],
    outfile: join(output, file),
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    plugins: [lazyIced],
    banner: file === 'cli.js' ? { js: '#!/usr/bin/env node' } : {},
  });

// It reads its WebAssembly from beside itself.
const iced = createRequire(import.meta.url).resolve('iced-x86/iced_x86_bg.wasm');
copyFileSync(iced, join(output, 'iced_x86_bg.wasm'));
await build({
  ...shared,
  sourcemap: false,
  entryPoints: ['iced-x86/iced_x86.js'],
  outfile: join(output, 'iced_x86.js'),
  platform: 'node',
  format: 'cjs',
  target: 'node20',
});

// The interpreter's common handlers, generated from the instruction descriptions.
const generator = join(output, 'prebuild-handlers.cjs');
await build({
  ...shared,
  sourcemap: false,
  entryPoints: ['src/cpu/interpreter/prebuilt-handlers.ts'],
  outfile: generator,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
});
const { prebuildHandlers } = createRequire(import.meta.url)(resolve(generator));
writeFileSync(join(output, 'interpreter.wasm'), prebuildHandlers());
rmSync(generator);

const views = existsSync(webviews)
  ? readdirSync(webviews).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
  : [];
if (views.length > 0)
  await build({
    ...shared,
    entryPoints: views.map((file) => join(webviews, file)),
    outdir: join(output, 'webview'),
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
  });
