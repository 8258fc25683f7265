import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import { Guest } from '../../support/cpu-harness.ts';
import { requireTool } from '../../support/tools.ts';
import { runOnHost } from './host-x87.ts';
import { encodeX87, X87_CODES, X87StateGenerator, type X87Instance } from './random-x87.ts';
import { assertSame, exponentsOf, runHere, TRANSCENDENTAL } from './x87-guest.ts';

const SEED = Number(process.env['SEED'] ?? 1);
const PER_ENCODING = Number(process.env['X87_INSTANCES'] ?? 150);

/** The instances of one encoding. */
function instancesOf(code: iced.Code, seed: number): X87Instance[] {
  const generator = new X87StateGenerator(seed);
  return Array.from({ length: PER_ENCODING }, (_, n) => {
    const { bytes, text } = encodeX87(code, n % 8);
    return generator.instance(bytes, text, exponentsOf(iced.Code[code]));
  });
}

/** Runs the instances of these encodings here and on the host. */
function compare(codes: readonly iced.Code[]): void {
  const guest = new Guest('reference');
  for (const code of codes) {
    const instances = instancesOf(code, SEED * 10_000 + code);
    const outputs = runOnHost(instances);
    instances.forEach((instance, n) => {
      const expected = outputs[n] ?? assert.fail('output');
      assertSame(iced.Code[code], instance, expected, runHere(guest, instance));
    });
  }
}

describe('x87 against this computer', function () {
  this.timeout(120_000);

  it(`gives the same bits for every instruction that is no transcendental (seed ${SEED})`, function () {
    requireTool(this, 'gcc');
    compare(X87_CODES.filter((code) => !TRANSCENDENTAL.test(iced.Code[code])));
  });

  it(`gives transcendentals within a unit of the last place, and the same exceptions (seed ${SEED})`, function () {
    requireTool(this, 'gcc');
    compare(X87_CODES.filter((code) => TRANSCENDENTAL.test(iced.Code[code])));
  });
});
