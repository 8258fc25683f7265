import { readFileSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** Draws media/icon.svg as media/icon.png, 128 by 128: the Marketplace takes no SVG. */
async function generateIcon(): Promise<void> {
  const media = path.join(__dirname, '..', 'media');
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 128, height: 128 } });
    await page.setContent(`<body style="margin:0">${readFileSync(path.join(media, 'icon.svg'), 'utf8')}</body>`);
    await page.screenshot({ path: path.join(media, 'icon.png'), omitBackground: true });
  } finally {
    await browser.close();
  }
}

void generateIcon();
