import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Guest } from '../support/cpu-harness.ts';
import { readOutput as readSimd } from '../support/simd-oracle.ts';
import { digestOf, nameAt, simdInstances, unchangedSimd, unchangedX87, x87Instances } from './corpus/floating-point.ts';
import { readRecords } from './corpus/patched-records.ts';
import { differences, SimdGuest } from './simd/simd-guest.ts';
import { readOutput as readX87 } from './x87/host-x87.ts';
import { assertSame, runHere } from './x87/x87-guest.ts';

const file = (name: string): Buffer => readFileSync(join(import.meta.dirname, 'corpus', name));
const OTHER_INSTANCES = 'the generators make other instances now: npm run generate:corpus, on a real CPU';

/** What a CPU of this family did, without that CPU: the files are made by `npm run generate:corpus`. */
describe('the committed floating-point corpus of a real CPU', function () {
  this.timeout(120_000);

  it('x87', () => {
    const { header, next } = readRecords(file('x87.bin'));
    const { names, seed, count } = header;
    assert.ok(count >= 10_000 && names.length > 100);
    const instances = x87Instances(names, seed, count);
    assert.equal(digestOf(instances), header.instances, OTHER_INSTANCES);
    const guest = new Guest('reference');
    instances.forEach((instance, n) =>
      assertSame(nameAt(names, n), instance, readX87(next(unchangedX87(instance))), runHere(guest, instance)),
    );
  });

  it('MMX, SSE and SSE2', () => {
    const { header, next } = readRecords(file('simd.bin'));
    const { names, seed, count } = header;
    assert.ok(count >= 10_000 && names.length > 200);
    const instances = simdInstances(names, seed, count);
    assert.equal(digestOf(instances), header.instances, OTHER_INSTANCES);
    const guest = new SimdGuest();
    const problems = instances.flatMap((instance, n) => {
      const list = differences(nameAt(names, n), readSimd(next(unchangedSimd(instance))), guest.run(instance));
      return list.length === 0 ? [] : [`#${n} ${instance.text}: ${list.slice(0, 6).join('; ')}`];
    });
    assert.equal(problems.length, 0, problems.slice(0, 12).join('\n'));
  });

  it('refuses a file that is cut or of another version', () => {
    const whole = file('x87.bin');
    assert.throws(() => readRecords(whole.subarray(0, whole.length / 2)));
    assert.throws(() => readRecords(Uint8Array.of(...whole.subarray(0, 4), 99)), /no records of version/);
    assert.throws(() => readRecords(new Uint8Array()), /no records of version/);
  });
});
