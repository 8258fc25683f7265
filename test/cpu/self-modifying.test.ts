import assert from 'node:assert/strict';
import { FAST_ENGINES } from '../support/cpu-harness.ts';
import { lockstepGuest, trace } from './lockstep.ts';
import { selfModifyingGuest } from './self-modifying.ts';

/** `npm run test:fuzz` takes others. */
const SEEDS = [1, 2, 3, 4, 5, 6];
const TURNS = 40;

describe('Guests that change their own instructions at random', function () {
  this.timeout(60_000);

  for (const engine of FAST_ENGINES) {
    it(`have the same state at random stops in ${engine} and reference`, () => {
      for (const seed of SEEDS) {
        const code = selfModifyingGuest(seed, TURNS);
        const expected = trace(lockstepGuest('reference', code), seed, 400);
        assert.deepEqual(trace(lockstepGuest(engine, code), seed, 400), expected, `seed ${seed}`);
      }
    });
  }
});
