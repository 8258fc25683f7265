import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'mocha';
import { Session } from '../../src/adapter/session.ts';
import { sample } from '../support/samples.ts';

describe('a defect between requests', () => {
  it('ends the session and says what it is', async () => {
    const messages: { readonly event?: string; readonly body?: { readonly output?: string } }[] = [];
    const session = new Session({
      handlers: () => undefined,
      readFile: async (path) => new Uint8Array(await readFile(path)),
      loadHypervisor: () => Promise.reject(new Error('no hypervisor is asked for')),
      disconnected: () => undefined,
      scheduler: {
        now: () => 0,
        soon: (callback) => void setImmediate(callback),
        later: () => {
          throw new Error('the clock stands still');
        },
      },
    });
    const terminated = new Promise<void>((resolve) => {
      session.onDidSendMessage((message) => {
        messages.push(message);
        if ((message as { event?: string }).event === 'terminated') resolve();
      });
    });
    const request = (seq: number, command: string, body: unknown): void =>
      session.receive({ seq, type: 'request', command, arguments: body });
    request(1, 'initialize', { adapterID: 'start-of-day' });
    request(2, 'launch', { program: sample('keyboard'), stopOnEntry: false });
    while (!messages.some(({ event }) => event === 'initialized')) await new Promise(setImmediate);
    request(3, 'configurationDone', undefined);
    await terminated;
    const said = messages.flatMap(({ event, body }) => (event === 'output' ? [body?.output ?? ''] : []));
    assert.match(said.at(-1) ?? '', /^A defect of Start of Day\. Error: the clock stands still\n/);
    assert.deepEqual(
      messages.slice(-2).map(({ event }) => event),
      ['exited', 'terminated'],
    );
  });
});
