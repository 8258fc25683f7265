import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { requireTool } from '../support/tools.ts';
import { findChromium } from './support/chromium.ts';
import { PICTURES, ROOT, startWorkbench } from './support/start-workbench.ts';
import type { RunningWorkbench } from './support/start-workbench.ts';
import type { WorkbenchPage } from './support/workbench-page.ts';

/** One story: each test goes on from where the one before it stopped. */
describe('the packaged extension in a real VS Code', () => {
  let workbench: RunningWorkbench | undefined;
  let code: WorkbenchPage;

  before(async function () {
    this.timeout(600_000);
    const chromium = findChromium();
    if (chromium === undefined) return requireTool(this, 'chromium');
    workbench = await startWorkbench(chromium);
    code = workbench.code;
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await code.screenshot('failure');
  });

  after(() => workbench?.close());

  it('colours a linker script', async () => {
    await code.openFile('paravirt/linker.ld');
    // The colours of VS Code's own theme Dark Modern.
    const colours = { comment: 'rgb(106, 153, 85)', keyword: 'rgb(197, 134, 192)', section: 'rgb(78, 201, 176)' };
    await code.waitForToken('SECTIONS', colours.keyword);
    await code.waitForToken('ENTRY', colours.keyword);
    await code.waitForToken('/* What a loader looks for comes first. */', colours.comment);
    await code.waitForToken('.rodata', colours.section);
    await code.screenshot('linker-script');
  });

  it('stops at the Multiboot entry on F5', async () => {
    await code.command('View: Show Run and Debug');
    await code.page.keyboard.press('F5');
    await code.debugToolbar.waitFor();
    await code.callStackRow('_start').waitFor();
    await code.page.locator('.statusbar', { hasText: 'multiboot · native' }).waitFor();
  });

  it('shows EAX and EBX as what they are', async () => {
    await code.variable('EAX', '0x2BADB002').waitFor();
    const ebx = code.variable('EBX', '→ multiboot_info');
    await ebx.click();
    await code.page.keyboard.press('ArrowRight');
    for (const field of ['flags', 'mem_upper', 'mmap', 'boot_loader_name']) await code.variable(field).waitFor();
  });

  it('steps with the Disassembly view following', async () => {
    await code.command('Open Disassembly View');
    const entry = await code.instructionPointer();
    await code.currentInstruction(entry).waitFor();
    let last = entry;
    for (let step = 0; step < 2; step++) {
      await code.page.keyboard.press('F10');
      await code.variable('EIP', last).waitFor({ state: 'detached' });
      last = await code.instructionPointer();
      await code.currentInstruction(last).waitFor();
    }
    assert.notEqual(last, entry);
  });

  it('stops at a function breakpoint', async () => {
    await code.command('Add Function Breakpoint');
    await code.page.keyboard.type('kernel_main');
    await code.page.keyboard.press('Enter');
    await code.page.locator('.debug-breakpoints .monaco-list-row', { hasText: 'kernel_main' }).waitFor();
    await code.page.keyboard.press('F5');
    await code.callStackRow('kernel_main').waitFor();
    await code.variable('EIP', '<kernel_main>').waitFor();
    await code.currentInstruction(await code.instructionPointer()).waitFor();
  });

  it('lists the paravirt operations', async () => {
    await code.command('Focus on Paravirt Operations View');
    await code.viewRow('Paravirt Operations', 'irq_disable', 'native · native_irq_disable').waitFor();
  });

  it('lists promises and devices of the machine', async () => {
    await code.command('Focus on Machine View');
    await code.viewRow('Machine', 'Start of Day').waitFor();
    await code.viewRow('Machine', 'Devices').waitFor();
    await code.screenshot('stopped');
    if (process.env['UPDATE_SCREENSHOT'] === 'true')
      copyFileSync(path.join(PICTURES, 'stopped.png'), path.join(ROOT, 'media', 'screenshot.png'));
  });

  it('shows the screen while the machine runs', async () => {
    await code.command('Start of Day: Open Screen');
    await code.page.keyboard.press('F5');
    await code.webview.locator('#screen', { hasText: 'paravirt: halted' }).waitFor();
    await code.screenshot('screen');
  });

  it('prints what COM1 sends in the Debug Console, and in a terminal on demand', async () => {
    await code.command('Debug Console: Focus on Debug Console View');
    await code.page
      .locator('.repl .monaco-list-row', { hasText: 'paravirt: started by Start of Day' })
      .first()
      .waitFor();
    await code.command('Start of Day: Open Serial Terminal');
    await code.page.locator('.xterm-rows', { hasText: 'paravirt: started by Start of Day' }).waitFor();
    await code.screenshot('serial');
  });

  it('ends the session on Shift+F5', async () => {
    await code.page.keyboard.press('Shift+F5');
    await code.debugToolbar.waitFor({ state: 'hidden' });
    await code.page.locator('.pane-header', { hasText: 'Paravirt Operations' }).waitFor({ state: 'detached' });
  });

  it('sends keys typed into the screen to the machine', async () => {
    await code.command('Debug: Select and Start Debugging');
    await code.pick('keyboard');
    await code.callStackRow('_start').waitFor();
    await code.command('Start of Day: Open Screen');
    await code.page.keyboard.press('F5');
    await code.webview.locator('#screen').click();
    await code.page.keyboard.type('hello');
    await code.webview.locator('#screen', { hasText: 'hello' }).waitFor();
    await code.screenshot('keyboard');
    await code.page.keyboard.press('Shift+F5');
    await code.debugToolbar.waitFor({ state: 'hidden' });
  });

  it('explains how a file can be entered', async () => {
    await code.openFile('paravirt.elf');
    await code.command('Start of Day: Explain Entries');
    await code.page.locator('.view-line', { hasText: 'multiboot' }).first().waitFor();
    await code.screenshot('explain');
  });
});
