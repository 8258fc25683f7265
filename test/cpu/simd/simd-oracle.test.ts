import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import { runNatively, type SimdOutput } from '../../support/simd-oracle.ts';
import { requireTool } from '../../support/tools.ts';
import { CODES, SimdGenerator, type SimdInstance } from './random-simd.ts';
import { differences, SimdGuest } from './simd-guest.ts';

const SEED = Number(process.env['ORACLE_SEED'] ?? 20000701);
const INSTANCES = Number(process.env['ORACLE_INSTANCES'] ?? 12000);
const ONLY = new RegExp(process.env['ORACLE_ONLY'] ?? '');
const SHOWN = 12;

describe('Invariant 1: MMX and SSE mean what a real CPU makes of them', function () {
  this.timeout(120_000);
  let instances: readonly SimdInstance[] = [];
  let natives: readonly SimdOutput[] = [];

  before(function () {
    requireTool(this, 'gcc');
    const generator = new SimdGenerator(SEED);
    const codes = CODES.filter((code) => ONLY.test(iced.Code[code]));
    instances = Array.from({ length: INSTANCES }, (_, n) => generator.next(codes[n % codes.length] ?? iced.Code.Emms));
    natives = runNatively(instances);
  });

  it(`${INSTANCES} random instructions, seed ${SEED}`, () => {
    const guest = new SimdGuest();
    const problems: string[] = [];
    const names = new Map<string, number>();
    instances.forEach((instance, n) => {
      const native = natives[n];
      if (native === undefined) return;
      guest.guest.cpu.memory.alwaysMiss = n % 6 === 0;
      if (n % 6 < 2) guest.guest.cpu.memory.flush();
      let list: string[];
      try {
        list = differences(instance.name, native, guest.run(instance));
      } catch (error) {
        list = [String(error)];
      }
      if (list.length === 0) return;
      names.set(instance.name, (names.get(instance.name) ?? 0) + 1);
      const bytes = Buffer.from(instance.code).toString('hex');
      problems.push(`#${n} ${instance.name} ${instance.text} (${bytes}): ${list.slice(0, 6).join('; ')}`);
    });
    const shown = problems.slice(0, SHOWN).join('\n');
    const counts = [...names].map(([name, count]) => `${name} ${count}`).join(', ');
    assert.equal(problems.length, 0, `${problems.length} of ${INSTANCES} differ, seed ${SEED}: ${counts}\n${shown}`);
  });
});
