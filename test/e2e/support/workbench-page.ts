import path from 'node:path';
import type { FrameLocator, Locator, Page } from 'playwright-core';

/** VS Code in a browser page, by what a user sees. Every wait ends with an error after the page's default timeout. */
export class WorkbenchPage {
  readonly page: Page;
  private readonly pictures: string;

  /** `pictures` is the folder for screenshots. */
  constructor(page: Page, pictures: string) {
    this.page = page;
    this.pictures = pictures;
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url, { waitUntil: 'domcontentloaded' });
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor();
  }

  /** Runs a command by its title in the command palette. */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.quickInput.fill(`>${title}`);
    await this.pick(title);
  }

  /** Opens a file of the workspace by the end of its path. */
  async openFile(file: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.quickInput.fill(file);
    const name = path.basename(file);
    await this.pick(name);
    await this.page.locator('.tabs-container .tab.active', { hasText: name }).waitFor();
    // Until the editor has taken the focus, it would take it from whatever comes next. A file that is no text has a placeholder.
    await this.page.locator('.monaco-editor.focused, .monaco-editor-pane-placeholder').first().waitFor();
  }

  /** Chooses the first row of the quick input that shows `text`. */
  async pick(text: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  private get quickInput(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"]');
  }

  get debugToolbar(): Locator {
    return this.page.locator('.debug-toolbar');
  }

  /** Waits for a token with this text and this colour ("rgb(106, 153, 85)") in an editor. */
  async waitForToken(text: string, colour: string): Promise<void> {
    // Code for the browser, which this project's Node.js types do not know.
    const tokenHasColour = `([text, colour]) =>
      [...document.querySelectorAll('.view-line span > span')].some((token) =>
        token.textContent.replaceAll('\\u00a0', ' ') === text && getComputedStyle(token).color === colour)`;
    await this.page.waitForFunction(`(${tokenHasColour})(${JSON.stringify([text, colour])})`);
  }

  /** A row of the Call Stack view by its function. */
  callStackRow(name: string): Locator {
    return this.page.locator('.debug-call-stack .monaco-list-row .stack-frame', { hasText: name }).first();
  }

  /** A row of the Variables view by the name of its variable, with `value` in its value. */
  variable(name: string, value = ''): Locator {
    return this.page
      .locator('.debug-variables .monaco-list-row')
      .filter({ has: this.page.locator('.name', { hasText: new RegExp(`^${name}\\b`) }) })
      .filter({ hasText: value })
      .first();
  }

  /** The address that EIP holds, as the Variables view shows it. */
  async instructionPointer(): Promise<string> {
    const text = await this.variable('EIP').innerText();
    const address = /0x[0-9A-F]{8}/.exec(text)?.[0];
    if (address === undefined) throw new Error(`The row of EIP shows no address: ${text}`);
    return address;
  }

  /** The row of the Disassembly view that carries the arrow of the current instruction, if it is at `address`. */
  currentInstruction(address: string): Locator {
    return this.page
      .locator('.disassembly-view .monaco-list-row')
      .filter({ has: this.page.locator('.codicon-debug-stackframe') })
      .filter({ hasText: new RegExp(address, 'i') });
  }

  /** Scrolls the Disassembly view down until it shows an instruction with this text. */
  async scrollDisassembly(text: string): Promise<void> {
    const instruction = this.page.locator('.disassembly-view .monaco-list-row', { hasText: text }).first();
    await this.page.locator('.disassembly-view').hover();
    while (!(await instruction.isVisible())) await this.page.mouse.wheel(0, 100);
  }

  /** Drags the edge of the side bar, in pixels. */
  async widenSideBar(pixels: number): Promise<void> {
    const box = await this.page.locator('.part.sidebar').boundingBox();
    if (box === null) throw new Error('There is no side bar');
    const edge = box.x + box.width;
    await this.page.mouse.move(edge, 500);
    await this.page.mouse.down();
    await this.page.mouse.move(edge + pixels, 500, { steps: 5 });
    await this.page.mouse.up();
  }

  /** The title of a view of the side bar; a click folds the view. */
  viewHeader(view: string): Locator {
    return this.page.locator(`.pane-header[aria-label^="${view}"]`);
  }

  /** A row of a view in the Run and Debug side bar that shows all of `texts`. */
  viewRow(view: string, ...texts: string[]): Locator {
    const pane = this.page.locator('.pane', { has: this.viewHeader(view) });
    return texts.reduce((row, text) => row.filter({ hasText: text }), pane.locator('.monaco-list-row')).first();
  }

  /** The page inside the visible webview. */
  get webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  async screenshot(name: string): Promise<void> {
    // Away from whatever would show a hover.
    await this.page.mouse.move(900, 600);
    await this.page.locator('.workbench-hover').first().waitFor({ state: 'hidden' });
    await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`) });
  }
}
