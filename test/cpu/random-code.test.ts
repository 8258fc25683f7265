import assert from 'node:assert/strict';
import { FAST_ENGINES } from '../support/cpu-harness.ts';
import { RANDOM_MODES, randomGuest, randomStops } from './random-code.ts';

/** A run of `npm run test:fuzz` takes others. */
const SEEDS = Array.from({ length: 2 }, (_, seed) => seed);
const INSTRUCTIONS = 1500;

describe('Random bytes as a kernel', function () {
  this.timeout(120_000);

  for (const mode of RANDOM_MODES)
    for (const paged of mode === 'real' ? ([false] as const) : ([false, true, 'pae'] as const))
      it(`end the same way in every engine, by way of the same states: ${mode}, paging ${paged}`, () => {
        for (const seed of SEEDS) {
          const code = { seed, paged, mode };
          const expected = randomStops(randomGuest('reference', code), seed, INSTRUCTIONS, 400);
          for (const engine of FAST_ENGINES) {
            const stops = randomStops(randomGuest(engine, code), seed, INSTRUCTIONS, 400);
            const first = expected.findIndex((stop, n) => JSON.stringify(stop) !== JSON.stringify(stops[n]));
            assert.deepEqual(stops[first], expected[first], `seed ${seed}, ${engine}, stop ${first}`);
            assert.equal(stops.length, expected.length);
          }
        }
      });
});
