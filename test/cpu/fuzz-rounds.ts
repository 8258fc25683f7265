import assert from 'node:assert/strict';
import { ENGINES, FAST_ENGINES, type Guest } from '../support/cpu-harness.ts';
import { runNatively } from '../support/native-oracle.ts';
import { lockstepGuest, trace, workload } from './lockstep.ts';
import { OracleComparison } from './oracle-comparison.ts';
import { RANDOM_MODES, randomGuest, randomStops } from './random-code.ts';
import { InstructionGenerator } from './random-instructions.ts';
import { selfModifyingGuest } from './self-modifying.ts';

const INSTANCES = 4000;
const RANDOM_CODE_INSTRUCTIONS = 5000;
const TURNS = 100;

/** One kind of long fuzzing; a round throws with what differed. */
export interface FuzzRound {
  readonly name: string;
  /** The commands that a round needs. */
  readonly tools: readonly string[];
  run(seed: number): void;
}

const missing = (guest: Guest, always: boolean): Guest => {
  guest.cpu.memory.alwaysMiss = always;
  return guest;
};

/** What `npm run test:fuzz` repeats with other seeds; the tests beside this file run the same with few. */
export const FUZZ_ROUNDS: readonly FuzzRound[] = [
  {
    name: 'instructions against the CPU of this computer',
    tools: ['gcc'],
    run(seed) {
      const generator = new InstructionGenerator(seed);
      const instances = Array.from({ length: INSTANCES }, (_, n) => generator.instance(n));
      const { selectors, outputs } = runNatively(instances);
      for (const engine of ENGINES) {
        const comparison = new OracleComparison(engine, selectors);
        for (const [n, instance] of instances.entries()) {
          const native = outputs[n];
          if (native !== undefined) comparison.compare(n, instance, native, n % 8 === 0 ? 'int3' : 'steps');
        }
        comparison.finish(`of ${INSTANCES} differ, ${engine}`);
      }
    },
  },
  {
    name: 'compiled code at random stops',
    tools: ['gcc'],
    run(seed) {
      const { bytes } = workload();
      for (const paged of [false, true]) {
        const expected = trace(lockstepGuest('reference', bytes, paged), seed, 1500);
        for (const engine of FAST_ENGINES)
          for (const always of [false, true]) {
            const stops = trace(missing(lockstepGuest(engine, bytes, paged), always), seed, 1500);
            assert.deepEqual(stops, expected, `${engine}, paging ${paged}, every access misses ${always}`);
          }
      }
    },
  },
  {
    name: 'code that changes itself',
    tools: [],
    run(seed) {
      const code = selfModifyingGuest(seed, TURNS);
      const expected = trace(lockstepGuest('reference', code), seed, 1000);
      for (const engine of FAST_ENGINES)
        assert.deepEqual(trace(lockstepGuest(engine, code), seed, 1000), expected, engine);
    },
  },
  {
    name: 'random bytes as a kernel',
    tools: [],
    run(seed) {
      for (const mode of RANDOM_MODES)
        for (const paged of mode === 'real' ? ([false] as const) : ([false, true, 'pae'] as const)) {
          const stops = (engine: (typeof ENGINES)[number], always = false): unknown =>
            randomStops(
              missing(randomGuest(engine, { seed, paged, mode }), always),
              seed,
              RANDOM_CODE_INSTRUCTIONS,
              700,
            );
          // A guest that changes its page tables without a flush may see a difference between the two: compare like with like.
          for (const always of [false, true]) {
            const expected = stops('reference', always);
            for (const engine of FAST_ENGINES)
              assert.deepEqual(
                stops(engine, always),
                expected,
                `${mode}, paging ${paged}, ${engine}, every access misses ${always}`,
              );
          }
        }
    },
  },
];
