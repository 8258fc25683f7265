import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Workbench } from './install.ts';

/** No network, no questions, nothing that opens by itself. */
const QUIET_SETTINGS = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'update.showReleaseNotes': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

const READY_WITHIN = 60_000;

/** What a server serves and where it keeps its things. */
export interface ServerOptions {
  readonly workbench: Workbench;
  /** A folder of its own for profile, extensions and log. */
  readonly home: string;
  /** The extension to install. */
  readonly vsix: string;
  /** The workspace to open. */
  readonly folder: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Server {
  /** Opens the workspace in a browser. Reachable from this computer alone. */
  readonly url: string;
  /** What the server has printed. */
  readonly log: string;
  stop(): Promise<void>;
}

/** Installs the extension into a fresh profile and starts VS Code's server with it. Resolves when the page is served. */
export async function startServer({ workbench, home, vsix, folder, settings }: ServerOptions): Promise<Server> {
  const profile = path.join(home, 'profile');
  mkdirSync(path.join(profile, 'User'), { recursive: true });
  writeFileSync(path.join(profile, 'User', 'settings.json'), JSON.stringify({ ...QUIET_SETTINGS, ...settings }));
  const configuration = path.join(home, 'config.yaml');
  writeFileSync(configuration, '');

  const directories = ['--user-data-dir', profile, '--extensions-dir', path.join(home, 'extensions')];
  const base = [workbench.server, '--config', configuration, ...directories];
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
  execFileSync(workbench.node, [...base, '--install-extension', vsix], { env, stdio: 'pipe' });

  const port = await freePort();
  const quiet = ['--disable-telemetry', '--disable-update-check', '--disable-workspace-trust'];
  const server = spawn(
    workbench.node,
    [...base, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', '--disable-getting-started-override', ...quiet],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = path.join(home, 'server.log');
  const sink = createWriteStream(log);
  server.stdout.pipe(sink, { end: false });
  server.stderr.pipe(sink, { end: false });
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));

  const url = `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`;
  await served(url, log);
  return {
    url,
    log,
    stop: async () => {
      server.kill('SIGTERM');
      const stopped = await Promise.race([exited.then(() => true), pause(5000, false)]);
      if (!stopped) server.kill('SIGKILL');
      await exited;
      sink.end();
    },
  };
}

/** Resolves when the page comes: the server answers health checks long before it can serve the workbench. */
async function served(url: string, log: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN;
  while (performance.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok === true) return;
    await pause(200);
  }
  throw new Error(`VS Code's server did not serve ${url} within ${READY_WITHIN / 1000} s; its output is in ${log}`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('The system gave no TCP port');
  return address.port;
}
