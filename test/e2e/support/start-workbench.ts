import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { installWorkbench } from '../../../scripts/workbench/install.ts';
import { packageExtension } from '../../../scripts/workbench/package-extension.ts';
import { createSamplesWorkspace } from '../../../scripts/workbench/samples-workspace.ts';
import { startServer } from '../../../scripts/workbench/server.ts';
import { WorkbenchPage } from './workbench-page.ts';

export const ROOT = path.join(__dirname, '..', '..', '..');

/** Where screenshots go. */
export const PICTURES = path.join(ROOT, '.cache', 'e2e');

/** Milliseconds that anything in the browser may take. */
const PATIENCE = 30_000;

const SETTINGS = {
  'debug.internalConsoleOptions': 'neverOpen',
  'debug.openDebug': 'openOnSessionStart',
  'debug.toolBarLocation': 'floating',
  'editor.accessibilitySupport': 'off',
  // Rows of text that can be read from the page, not a canvas.
  'terminal.integrated.gpuAcceleration': 'off',
  'window.menuBarVisibility': 'classic',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.reduceMotion': 'on',
};

export interface RunningWorkbench {
  readonly code: WorkbenchPage;
  /** The workspace: a copy of the samples. */
  readonly folder: string;
  close(): Promise<void>;
}

/**
 * Packages the extension, installs it into a fresh VS Code server, and opens a copy of the samples in Chromium. `prepare` may change
 * the copy before.
 */
export async function startWorkbench(
  executablePath: string,
  prepare: (folder: string) => void,
): Promise<RunningWorkbench> {
  mkdirSync(PICTURES, { recursive: true });
  const workbench = installWorkbench(path.join(ROOT, '.cache', 'workbench'), console.log);
  const vsix = packageExtension(ROOT);
  const home = mkdtempSync(path.join(tmpdir(), 'start-of-day-'));
  const folder = path.join(home, 'samples');
  createSamplesWorkspace(path.join(ROOT, 'samples'), folder);
  prepare(folder);
  const server = await startServer({ workbench, home, vsix, folder, settings: SETTINGS });
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const browser = await chromium.launch({ executablePath, args });
  const page = await browser.newPage({ viewport: { width: 1600, height: 1000 } });
  page.setDefaultTimeout(PATIENCE);
  const code = new WorkbenchPage(page, PICTURES);
  await code.open(server.url);
  return {
    code,
    folder,
    close: async () => {
      await browser.close();
      await server.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
