import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';

interface Cruise {
  readonly modules: readonly { readonly source: string }[];
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly rule: { readonly name: string };
      readonly from: string;
      readonly to: string;
    }[];
  };
}

function cruise(...places: string[]): Cruise {
  const { stdout, stderr } = spawnSync(
    'node_modules/.bin/depcruise',
    ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...places],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  assert.equal(stderr.includes('ERROR'), false, stderr);
  return JSON.parse(stdout) as Cruise;
}

/** The folders of ARCHITECTURE.md that hold code in this version. */
const FOLDERS = [
  ...['util', 'wasm', 'x86', 'isa', 'cpu', 'machine', 'image', 'boot', 'symbols', 'paravirt'],
  ...['debugger', 'adapter', 'extension', 'cli', 'platform'],
];

describe('architecture', function () {
  this.timeout(120_000);

  it('imports only downward, keeps vscode and node: at the edges, and has no cycle', () => {
    const { modules, summary } = cruise('src');
    assert.deepEqual(summary.violations, []);
    // A cruise that sees nothing finds nothing wrong.
    for (const folder of FOLDERS) {
      const seen = modules.filter(({ source }) => source.startsWith(`src/${folder}/`)).length;
      assert.ok(seen > 0, `no module of src/${folder} was seen`);
    }
    assert.ok(summary.totalCruised > 250, `${summary.totalCruised} modules`);
  });

  it('notices an import upward, node: below the edges, and vscode outside the extension', () => {
    const folder = mkdtempSync(path.join('src/util', 'architecture-test-'));
    try {
      writeFileSync(
        path.join(folder, 'wrong.ts'),
        "import '../../machine/clock.ts';\nimport 'node:fs';\nimport type {} from 'vscode';\n",
      );
      const broken = cruise(folder).summary.violations.map(({ rule }) => rule.name);
      assert.deepEqual([...new Set(broken)].sort(), [
        'floor-1-imports-upward',
        'node-only-at-the-edges',
        'vscode-only-in-extension',
        'wasm-knows-nothing-of-x86',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
