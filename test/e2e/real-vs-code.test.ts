import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { installWorkbench } from '../../scripts/workbench/install.ts';
import { packageExtension } from '../../scripts/workbench/package-extension.ts';
import { createSamplesWorkspace } from '../../scripts/workbench/samples-workspace.ts';
import { startServer } from '../../scripts/workbench/server.ts';
import type { Server } from '../../scripts/workbench/server.ts';
import { requireTool } from '../support/tools.ts';
import { findChromium } from './support/chromium.ts';
import { WorkbenchPage } from './support/workbench-page.ts';

const ROOT = path.join(__dirname, '..', '..');
const PICTURES = path.join(ROOT, '.cache', 'e2e');

/** The browser and the extension host must never wait longer than this for anything. */
const PATIENCE = 30_000;

const SETTINGS = {
  'debug.openDebug': 'openOnSessionStart',
  'debug.internalConsoleOptions': 'neverOpen',
  'debug.toolBarLocation': 'floating',
  'editor.accessibilitySupport': 'off',
  'window.menuBarVisibility': 'classic',
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.reduceMotion': 'on',
};

describe('the packaged extension in a real VS Code', () => {
  let home: string;
  let server: Server | undefined;
  let browser: Browser | undefined;
  let code: WorkbenchPage;

  before(async function () {
    this.timeout(600_000);
    const executablePath = findChromium();
    if (executablePath === undefined) requireTool(this, 'chromium');
    mkdirSync(PICTURES, { recursive: true });
    const workbench = installWorkbench(path.join(ROOT, '.cache', 'workbench'), console.log);
    const vsix = packageExtension(ROOT);
    home = mkdtempSync(path.join(tmpdir(), 'start-of-day-'));
    const folder = path.join(home, 'samples');
    createSamplesWorkspace(path.join(ROOT, 'samples'), folder);
    server = await startServer({ workbench, home, vsix, folder, settings: SETTINGS });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(PATIENCE);
    code = new WorkbenchPage(page, PICTURES);
    await code.open(server.url);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await code.screenshot('failure');
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  it('colours a linker script', async () => {
    await code.openFile('linker.ld');
    await code.screenshot('linker-script');
    console.log(JSON.stringify(await code.page.locator('.view-line span > span').evaluateAll((ls: any[]) => ls.map((s) => [s.className, s.textContent, (globalThis as any).getComputedStyle(s).color]))));
  });
});
