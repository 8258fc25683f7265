import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** VS Code 1.139 as a server, and the Node.js it needs; both come from the npm registry. */
const CODE_SERVER = '4.139.1';
const NODE = '24.21.0';

/** Dependencies of the server that a workbench for one extension never loads: about 300 MB. */
const UNUSED_DEPENDENCIES = [
  '@devcontainers/cli',
  '@github/copilot-sdk',
  '@microsoft/mxc-sdk',
  '@vscode/copilot-api',
  '@vscode/sandbox-runtime',
  '@vscode/sqlite3',
  '@vscode/windows-process-tree',
  '@vscode/windows-registry',
  'kerberos',
  'ssh2',
];

/** Built-in extensions that talk to the network or start background work of their own. */
const UNUSED_EXTENSIONS = [
  'copilot',
  'debug-auto-launch',
  'debug-server-ready',
  'git',
  'github',
  'github-authentication',
  'microsoft-authentication',
  'ms-vscode.js-debug',
  'ms-vscode.js-debug-companion',
  'ms-vscode.vscode-js-profile-table',
  'npm',
  'terminal-suggest',
  'tunnel-forwarding',
  'typescript-language-features',
];

/** Where the workbench's two programs are. */
export interface Workbench {
  /** The Node.js executable that runs the server. */
  readonly node: string;
  /** The server's entry script. */
  readonly server: string;
}

function npm(directory: string, node: string | undefined, ...args: string[]): void {
  const search = [...(node === undefined ? [] : [path.dirname(node)]), process.env['PATH'] ?? ''].join(path.delimiter);
  const { status, stdout, stderr } = spawnSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, PATH: search },
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new Error(`npm ${args.join(' ')} in ${directory} ended with ${status ?? 'a signal'}:\n${stdout}${stderr}`);
}

/**
 * Installs VS Code's server into `directory` (366 MB, under a minute), once: later calls find it there. No install script of any
 * package runs and nothing is compiled.
 */
export function installWorkbench(directory: string, say: (line: string) => void): Workbench {
  const modules = path.join(directory, 'node_modules');
  const node = path.join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  const server = path.join(modules, 'code-server', 'out', 'node', 'entry.js');
  const complete = path.join(directory, `complete-${CODE_SERVER}-${NODE}`);
  if (existsSync(complete)) return { node, server };

  say(`Installing code-server ${CODE_SERVER} and Node.js ${NODE} into ${directory}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'package.json'), '{ "private": true }\n');
  const withoutScripts = ['--ignore-scripts', '--omit=dev'];
  const packages = [`node-${process.platform}-${process.arch}@${NODE}`, `code-server@${CODE_SERVER}`];
  npm(directory, undefined, 'install', ...withoutScripts, '--engine-strict=false', ...packages);

  const code = path.join(modules, 'code-server', 'lib', 'vscode');
  npm(code, node, 'pkg', 'delete', ...UNUSED_DEPENDENCIES.map((name) => `dependencies.${name}`));
  npm(code, node, 'install', ...withoutScripts);
  for (const name of UNUSED_EXTENSIONS) rmSync(path.join(code, 'extensions', name), { recursive: true, force: true });
  writeFileSync(complete, '');
  return { node, server };
}
