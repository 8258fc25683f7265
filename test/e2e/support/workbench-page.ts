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

  /** Opens a file of the workspace by its name. */
  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    await this.quickInput.fill(name);
    await this.pick(name);
    await this.tab(name).waitFor();
  }

  /** Chooses the first row of the quick input that shows `text`. */
  async pick(text: string): Promise<void> {
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: text }).first().click();
  }

  get quickInput(): Locator {
    return this.page.locator('.quick-input-widget input[type="text"]');
  }

  tab(name: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: name });
  }

  get debugToolbar(): Locator {
    return this.page.locator('.debug-toolbar');
  }

  /** A row of the Variables view by the name of its variable. */
  variable(name: string): Locator {
    return this.page.locator('.debug-variables .monaco-list-row').filter({
      has: this.page.getByText(new RegExp(`^${name}\\s*=?:?\\s*$`)),
    });
  }

  /** The current instruction's row in the Disassembly view: the one that carries the top frame's arrow. */
  get currentInstruction(): Locator {
    return this.page.locator('.disassembly-view .monaco-list-row', {
      has: this.page.locator('.codicon-debug-stackframe'),
    });
  }

  /** Rows of the view with this title in the Run and Debug side bar. */
  viewRows(title: string): Locator {
    return this.page.locator('.split-view-view', { has: this.page.locator(`.pane-header[aria-label^="${title}"]`) })
      .locator('.monaco-list-row');
  }

  /** The page inside the visible webview. */
  get webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: path.join(this.pictures, `${name}.png`) });
  }
}
