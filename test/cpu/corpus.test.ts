import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as iced from 'iced-x86';
import { ENGINES } from '../support/cpu-harness.ts';
import { ORACLE } from '../support/native-oracle.ts';
import { readCorpus, type Vector } from './corpus/format.ts';
import { OracleComparison } from './oracle-comparison.ts';
import type { ComparedInstance, Pace } from './oracle-guest.ts';

const FILE = readFileSync(join(import.meta.dirname, 'corpus/integer.bin'));
/** Of the vectors, an engine that is slow here takes one in so many. */
const SAMPLE = { interpreter: 1, reference: 8, translator: 8 } as const;

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

  for (const engine of ENGINES) {
    it(`${engine} agrees with one in ${SAMPLE[engine]}`, () => {
      const { selectors, vectors } = readCorpus(FILE);
      const comparison = new OracleComparison(engine, selectors);
      const seen = new Map<number, number>();
      let count = 0;
      for (const vector of vectors) {
        if (count % SAMPLE[engine] === 0)
          comparison.compare(count, instanceOf(vector), vector.output, paceOf(count, vector));
        seen.set(vector.output.vector, (seen.get(vector.output.vector) ?? 0) + 1);
        count++;
      }
      comparison.finish('vectors differ');
      assert.ok(count >= 200_000);
      // #DE, none, #UD, #GP, #PF
      for (const number of [0, 3, 6, 13, 14]) assert.ok((seen.get(number) ?? 0) >= 200, `vector ${number}`);
    });
  }

  it('refuses a file that is cut or of another version', () => {
    assert.throws(() => readCorpus(FILE.subarray(0, FILE.length / 2)));
    assert.throws(() => readCorpus(Uint8Array.of(...FILE.subarray(0, 4), 99)), /no corpus of version/);
    assert.throws(() => readCorpus(new Uint8Array()), /no corpus of version/);
  });
});
