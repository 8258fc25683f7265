import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as iced from 'iced-x86';
import type { EngineName } from '../../src/cpu/cpu.ts';
import { ENGINES } from '../support/cpu-harness.ts';
import { ORACLE } from '../support/native-oracle.ts';
import { readCorpus, type Vector } from './corpus/format.ts';
import { OracleComparison } from './oracle-comparison.ts';
import type { ComparedInstance, Pace } from './oracle-guest.ts';

const FILE = readFileSync(join(import.meta.dirname, 'corpus/integer.bin'));
/**
 * Of the vectors, an engine that is slow here takes one in so many. Primes, so that every encoding comes: they stand in the file in turn.
 */
const SAMPLE = { interpreter: 1, reference: 17, translator: 31 } as const;

/** Bytes of the longest single instruction that is generated. */
const LONGEST_INSTRUCTION = 13;

/** A vector with its text, which only a failure needs. */
function instanceOf({ input, flags }: Vector): ComparedInstance {
  return {
    ...input,
    flags,
    get text(): string {
      const decoder = new iced.Decoder(32, input.code, iced.DecoderOptions.None);
      decoder.ip = BigInt(ORACLE.start);
      const texts: string[] = [];
      while (decoder.canDecode) texts.push(decoder.decode().toString());
      decoder.free();
      return texts.join('; ');
    },
  };
}

/** Several instructions run in one go, and some single ones; the run ends in a fault, which takes its time. */
const paceOf = (index: number, { input }: Vector): Pace =>
  input.code.length > LONGEST_INSTRUCTION || index % 16 === 0 ? 'int3' : 'steps';

/** What a CPU of this family did, without that CPU: the file is made by `npm run generate:corpus`. */
describe('the committed corpus of a real CPU', function () {
  this.timeout(300_000);

  const comparisons = new Map<EngineName, OracleComparison>();
  /** How often each vector was raised. */
  const raised = new Map<number, number>();
  let count = 0;

  before(() => {
    const { selectors, vectors } = readCorpus(FILE);
    for (const engine of ENGINES) comparisons.set(engine, new OracleComparison(engine, selectors));
    // Every instance ends in a fault, and nobody reads where in this program it was made.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    for (const vector of vectors) {
      const instance = instanceOf(vector);
      for (const [engine, comparison] of comparisons)
        if (count % SAMPLE[engine] === 0) comparison.compare(count, instance, vector.output, paceOf(count, vector));
      raised.set(vector.output.vector, (raised.get(vector.output.vector) ?? 0) + 1);
      count++;
    }
    Error.stackTraceLimit = limit;
  });

  for (const engine of ENGINES)
    it(`${engine} agrees with one in ${SAMPLE[engine]}`, () => comparisons.get(engine)?.finish('vectors differ'));

  it('has at least 200,000 vectors, and every exception often', () => {
    assert.ok(count >= 200_000);
    // #DE, none, #UD, #GP, #PF
    for (const number of [0, 3, 6, 13, 14]) assert.ok((raised.get(number) ?? 0) >= 200, `vector ${number}`);
  });

  it('refuses a file that is cut or of another version', () => {
    assert.throws(() => readCorpus(FILE.subarray(0, FILE.length / 2)));
    assert.throws(() => readCorpus(Uint8Array.of(...FILE.subarray(0, 4), 99)), /no corpus of version/);
    assert.throws(() => readCorpus(new Uint8Array()), /no corpus of version/);
  });
});
