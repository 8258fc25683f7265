import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { toErrorMessage } from '../../src/adapter/errors.ts';
import { adapterEnded, launchError } from '../../src/extension/model/session-error.ts';
import { StartOfDayError } from '../../src/util/errors.ts';

function refused(command: string, parts: ConstructorParameters<typeof StartOfDayError>[0]): DebugProtocol.Response {
  const error = toErrorMessage(new StartOfDayError(parts), false);
  return { seq: 1, type: 'response', request_seq: 1, command, success: false, body: { error } };
}

describe('the message of a refused launch', () => {
  const parts = { code: 'memory', blame: 'user', title: 'The kernel does not fit in 128 MiB' } as const;

  it('is the title, and below it where it says so and what mends it', () => {
    const detail = 'Segment 2 ends at physical 0x0b400000; memory ends at 0x08000000';
    const mend = 'Set "memory" to "256M" or more.';
    assert.deepEqual(launchError(refused('launch', { ...parts, detail, mend })), {
      title: 'The kernel does not fit in 128 MiB',
      detail: `${detail}\n\n${mend}`,
    });
  });

  it('is the title alone when there is no more to say', () => {
    assert.deepEqual(launchError(refused('launch', parts)), { title: parts.title, detail: '' });
  });

  it('is there for nothing else', () => {
    assert.equal(launchError(refused('evaluate', parts)), undefined);
    assert.equal(launchError({ seq: 1, type: 'event' }), undefined);
  });
});

describe('the message of an adapter that ended', () => {
  it('says how, unless it was told to', () => {
    assert.equal(adapterEnded(0, undefined), undefined);
    assert.match(adapterEnded(1, undefined)?.detail ?? '', /with exit code 1/);
    assert.match(adapterEnded(undefined, 'SIGSEGV')?.detail ?? '', /by SIGSEGV/);
  });
});
