import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { requireTool } from '../support/tools.ts';
import { findChromium } from './support/chromium.ts';
import { PICTURES, ROOT, startWorkbench } from './support/start-workbench.ts';
import type { RunningWorkbench } from './support/start-workbench.ts';
import type { WorkbenchPage } from './support/workbench-page.ts';

/** Adds a launch configuration whose program is no kernel. */
function addBrokenConfiguration(folder: string): void {
  const file = path.join(folder, '.vscode', 'launch.json');
  const launch = JSON.parse(readFileSync(file, 'utf8')) as { configurations: unknown[] };
  launch.configurations.push({
    name: 'no kernel',
    type: 'start-of-day',
    request: 'launch',
    program: 'paravirt/kernel.c',
  });
  writeFileSync(file, JSON.stringify(launch));
}

/** One story: each test goes on from where the one before it stopped. */
describe('the packaged extension in a real VS Code', () => {
  let workbench: RunningWorkbench | undefined;
  let code: WorkbenchPage;
  /** The workspace. */
  let folder: string;

  before(async function () {
    this.timeout(600_000);
    const chromium = findChromium();
    if (chromium === undefined) return requireTool(this, 'chromium');
    workbench = await startWorkbench(chromium, addBrokenConfiguration);
    ({ code, folder } = workbench);
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
    // Wide enough to read what a register means.
    await code.widenSideBar(130);
    await code.page.keyboard.press('F5');
    await code.debugToolbar.waitFor();
    await code.callStackRow('_start').waitFor();
    await code.page.locator('.statusbar', { hasText: 'multiboot · native' }).waitFor();
  });

  it('shows EAX and EBX as what they are', async () => {
    // Rows out of sight are not in the page: makes room for them.
    for (const view of ['Watch', 'Breakpoints']) await code.viewHeader(view).click();
    for (const view of ['Paravirt Operations', 'Machine']) await code.command(`Focus on ${view} View`);
    await code.variable('EAX', '0x2BADB002').waitFor();
    const information = code.variable('EBX', '→ multiboot_info');
    await information.click();
    await code.variable('flags', 'MEMORY').waitFor();
    // 128 MiB, the default: 639 KiB below 640 KiB less the extended BIOS data area, and 127 MiB above 1 MiB.
    await code.variable('mem_lower', '639 KiB').waitFor();
    await code.variable('mem_upper', '130048 KiB').waitFor();
    await code.viewRow('Machine', 'Start of Day').waitFor();
    await code.viewRow('Paravirt Operations', 'banner').waitFor();
    // VS Code reveals the current instruction at the lower edge; the picture wants to see what follows it.
    await code.scrollDisassembly('<kernel_main>');
    await code.screenshot('entry');
    if (process.env['UPDATE_SCREENSHOT'] === 'true')
      copyFileSync(path.join(PICTURES, 'entry.png'), path.join(ROOT, 'media', 'screenshot.png'));
    await information.click();
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
    await code.viewRow('Paravirt Operations', 'pv_ops.init').waitFor();
    await code.viewRow('Paravirt Operations', 'banner', 'native · native_banner').waitFor();
  });

  it('lists promises and devices of the machine', async () => {
    await code.viewRow('Machine', 'Start of Day').waitFor();
    await code.viewRow('Machine', 'Devices').waitFor();
    await code.screenshot('stopped');
  });

  it('shows the screen while the machine runs', async () => {
    await code.command('Start of Day: Open Screen');
    await code.webview.getByText('Stopped at instruction').waitFor();
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
    await code.viewHeader('Paravirt Operations').waitFor({ state: 'detached' });
  });

  it('sends keys typed into the screen to the machine', async () => {
    await code.command('Remove All Breakpoints');
    await code.command('Debug: Select and Start Debugging');
    await code.pick('keyboard');
    await code.callStackRow('_start').waitFor();
    await code.command('Start of Day: Open Screen');
    await code.webview.getByText('Stopped at instruction 0').waitFor();
    await code.page.keyboard.press('F5');
    await code.webview.locator('#screen', { hasText: 'keyboard: interrupts on' }).click();
    await code.page.keyboard.type('hello');
    await code.webview.locator('#screen', { hasText: 'hello' }).waitFor();
    await code.screenshot('keyboard');
    await code.page.keyboard.press('Shift+F5');
    await code.debugToolbar.waitFor({ state: 'hidden' });
  });

  it('says why a file cannot be booted, and explains its entries', async () => {
    await code.command('Debug: Select and Start Debugging');
    await code.pick('no kernel');
    await code.page
      .locator('.monaco-dialog-box', { hasText: 'kernel.c is not an ELF file and offers no entry' })
      .waitFor();
    await code.screenshot('launch-error');
    await code.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Explain Entries' }).click();
    await code.page.locator('.view-line', { hasText: 'kernel.c: not an ELF file' }).waitFor();
    await code.viewHeader('Paravirt Operations').waitFor({ state: 'detached' });
    await code.screenshot('explanation');
  });

  it('boots the kernel in the editor on F5 without launch.json', async () => {
    rmSync(path.join(folder, '.vscode'), { recursive: true });
    await code.openFile('triple-fault.elf');
    await code.page.keyboard.press('F5');
    await code.pick('Start of Day');
    await code.callStackRow('_start').waitFor();
    await code.page.keyboard.press('F5');
    await code.page.locator('.call-stack-state-message', { hasText: 'Triple fault' }).waitFor();
    await code.command('Debug Console: Focus on Debug Console View');
    await code.page.locator('.repl .monaco-list-row', { hasText: 'IDTR limit is 0x0000' }).first().waitFor();
    await code.screenshot('triple-fault');
    await code.page.keyboard.press('Shift+F5');
    await code.debugToolbar.waitFor({ state: 'hidden' });
  });
});
