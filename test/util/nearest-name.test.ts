import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { didYouMean, nearestName } from '../../src/util/nearest-name.ts';

describe('nearest name', () => {
  it('finds the name that is one slip away', () => {
    const names = ['cmdline', 'memory', 'modules', 'stopOnEntry'];
    assert.equal(nearestName('cmdlin', names), 'cmdline');
    assert.equal(nearestName('memroy', names), 'memory');
    assert.equal(nearestName('moduels', names), 'modules');
    assert.equal(nearestName('STOPONENTRY', names), 'stopOnEntry');
  });

  it('finds nothing where nothing is near', () => {
    assert.equal(nearestName('x', ['abc']), undefined);
    assert.equal(nearestName('kernel', ['memory', 'serial']), undefined);
    assert.equal(didYouMean('kernel', []), undefined);
  });

  it('asks', () => assert.equal(didYouMean('eex', ['eax', 'zzz']), 'Did you mean "eax"?'));
});
