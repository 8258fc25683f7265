import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Refresher } from '../../src/extension/model/refresher.ts';

describe('Refresher', () => {
  it('refreshes at once, and once more for all that was asked meanwhile', async () => {
    let refreshes = 0;
    const refresher = new Refresher(() => {
      refreshes++;
      return Promise.resolve();
    }, 40);
    for (let ask = 0; ask < 50; ask++) refresher.ask();
    assert.equal(refreshes, 1);
    await pause(60);
    assert.equal(refreshes, 2);
    await pause(80);
    assert.equal(refreshes, 2);
  });

  it('never runs two refreshes at a time', async () => {
    let running = 0;
    let most = 0;
    const refresher = new Refresher(async () => {
      most = Math.max(most, ++running);
      await pause(10);
      running--;
    }, 1);
    for (let ask = 0; ask < 20; ask++) {
      refresher.ask();
      await pause(2);
    }
    assert.equal(most, 1);
  });

  it('goes on after a refresh that was refused', async () => {
    let refreshes = 0;
    const refused: unknown[] = [];
    const refresher = new Refresher(
      () => {
        refreshes++;
        return Promise.reject(new Error('refused'));
      },
      1,
      (error) => refused.push(error),
    );
    refresher.ask();
    await pause(10);
    refresher.ask();
    await pause(10);
    assert.equal(refreshes, 2);
    assert.equal(refused.length, 2);
  });
});
