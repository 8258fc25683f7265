import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { DebugSession } from '../support/debug-session.ts';
import { debianGuest } from '../support/guests.ts';

/** The P key in scan code set 1: make and break. */
const P_KEY = [0x19, 0x99];
const LONGEST_WAIT_MILLISECONDS = 30_000;

/** grub-invaders of Debian: a Multiboot kernel with address fields, played over DAP as F5 plays it. */
describe('DAP on grub-invaders', function () {
  this.timeout(2 * LONGEST_WAIT_MILLISECONDS);
  const session = new DebugSession();
  let folder: string | undefined;

  before(async function () {
    const { name, bytes } = debianGuest(this, 'invaders');
    folder = mkdtempSync(join(tmpdir(), 'invaders-'));
    writeFileSync(join(folder, name), bytes);
    await session.client.boot({ program: join(folder, name) });
  });
  after(async () => {
    await session.client.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** Waits until a row of the running machine's screen is as described. */
  async function someRow(what: string, matches: (row: string) => boolean): Promise<void> {
    const end = Date.now() + LONGEST_WAIT_MILLISECONDS;
    for (;;) {
      const screen = await session.client.request('startOfDay/screen');
      if (screen.text.some(matches)) return;
      assert.ok(Date.now() < end, `no ${what} in\n${screen.text.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it('stops at the entry that the address fields name', async () => {
    assert.equal(await session.evaluate('$eip == 0x100024 && $eax == 0x2badb002'), '1');
  });

  it('runs to the game screen', async () => {
    await session.client.request('continue', { threadId: 1 });
    await someRow('row of invaders', (row) => row.split('-*-').length > 4);
  });

  it('pauses at a key sent to the machine, and has met no exception', async () => {
    await session.client.request('startOfDay/keyboard', { scanCodes: P_KEY });
    await someRow('word PAUSE', (row) => row.trim() === 'PAUSE');
    await session.client.request('pause', { threadId: 1 });
    const stopped = await session.client.event('stopped');
    assert.equal(stopped['reason'], 'pause');
    assert.equal(session.client.events.filter(({ event }) => event === 'stopped').length, 2);
  });
});
