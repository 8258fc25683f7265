import assert from 'node:assert/strict';
import { ENGINES } from '../support/cpu-harness.ts';
import { randomGuest, randomStops } from './random-code.ts';

/** A run of `npm run test:fuzz` takes others. */
const SEEDS = Array.from({ length: 10 }, (_, seed) => seed);
const INSTRUCTIONS = 1500;

describe('Random bytes as a kernel', function () {
  this.timeout(120_000);

  for (const paged of [false, true]) {
    it(`end the same way in every engine, by way of the same states, paging ${paged ? 'on' : 'off'}`, () => {
      for (const seed of SEEDS) {
        const expected = randomStops(randomGuest('reference', { seed, paged }), seed, INSTRUCTIONS, 200);
        for (const engine of ENGINES.filter((name) => name !== 'reference')) {
          const stops = randomStops(randomGuest(engine, { seed, paged }), seed, INSTRUCTIONS, 200);
          const first = expected.findIndex((stop, n) => JSON.stringify(stop) !== JSON.stringify(stops[n]));
          assert.deepEqual(stops[first], expected[first], `seed ${seed}, ${engine}, stop ${first}`);
          assert.equal(stops.length, expected.length);
        }
      }
    });
  }
});
