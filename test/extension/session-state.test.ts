import assert from 'node:assert/strict';
import { stateAfter } from '../../src/extension/model/session-state.ts';

const response = (command: string, success = true): Parameters<typeof stateAfter>[1] =>
  ({ seq: 1, type: 'response', request_seq: 1, command, success }) as Parameters<typeof stateAfter>[1];
const event = (name: string): Parameters<typeof stateAfter>[1] =>
  ({ seq: 1, type: 'event', event: name }) as Parameters<typeof stateAfter>[1];

describe('the state of a session', () => {
  it('follows launch, stop and every request that lets the machine run', () => {
    assert.equal(stateAfter('starting', response('initialize')), 'starting');
    assert.equal(stateAfter('starting', response('launch')), 'running');
    assert.equal(stateAfter('running', event('stopped')), 'stopped');
    for (const command of ['continue', 'next', 'stepIn', 'stepOut', 'restart'])
      assert.equal(stateAfter('stopped', response(command)), 'running', command);
    assert.equal(stateAfter('stopped', event('continued')), 'running');
  });

  it('stays stopped when the stop came before the answer to launch', () => {
    assert.equal(stateAfter('stopped', response('launch')), 'stopped');
  });

  it('does not change for what changes nothing', () => {
    assert.equal(stateAfter('stopped', response('next', false)), 'stopped');
    assert.equal(stateAfter('starting', response('launch', false)), 'starting');
    assert.equal(stateAfter('stopped', response('variables')), 'stopped');
    assert.equal(stateAfter('running', event('output')), 'running');
  });
});
