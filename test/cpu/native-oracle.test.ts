import assert from 'node:assert/strict';
import * as iced from 'iced-x86';
import { ENGINES } from '../support/cpu-harness.ts';
import { NO_FAULT, runNatively, type OracleOutput, type OracleSelectors } from '../support/native-oracle.ts';
import { requireTool } from '../support/tools.ts';
import { OracleComparison } from './oracle-comparison.ts';
import { CODES, InstructionGenerator, type InstructionInstance } from './random-instructions.ts';

const SEED = Number(process.env['ORACLE_SEED'] ?? 20240607);
const INSTANCES = Number(process.env['ORACLE_INSTANCES'] ?? 24000);

describe('Invariant 1: one meaning per instruction, that of a real CPU', function () {
  this.timeout(120_000);
  let instances: readonly InstructionInstance[] = [];
  let natives: readonly OracleOutput[] = [];
  let selectors: OracleSelectors | undefined;
  const passes: number[] = [];

  before(function () {
    requireTool(this, 'gcc');
    const generator = new InstructionGenerator(SEED);
    instances = Array.from({ length: INSTANCES }, (_, n) => generator.instance(n));
    const result = runNatively(instances);
    natives = result.outputs;
    selectors = result.selectors;
  });

  for (const engine of [...ENGINES].reverse()) {
    it(`${engine}: ${INSTANCES} random instructions, seed ${SEED}`, () => {
      assert.ok(selectors !== undefined);
      const comparison = new OracleComparison(engine, selectors);
      instances.forEach((instance, n) => {
        const native = natives[n];
        if (native === undefined) return;
        // The passes that the first engine took at a time, the next takes at once, now and then.
        const taken = comparison.compare(n, instance, native, n % 2 === 0 ? passes[n] : undefined);
        if (taken !== undefined) passes[n] ??= taken;
      });
      comparison.finish(`of ${INSTANCES} differ, seed ${SEED}`);
    });
  }

  it('translator: every eighth of them, each translated before it runs', () => {
    assert.ok(selectors !== undefined);
    const comparison = new OracleComparison('translator', selectors, { period: 0, samples: 0 });
    instances.forEach((instance, n) => {
      const native = natives[n];
      if (n % 8 === 0 && native !== undefined) comparison.compare(n, instance, native, 'int3');
    });
    comparison.finish(`of ${INSTANCES / 8} differ, seed ${SEED}`);
  });

  it('ENTER with every nesting level, frame pointers and faults of both stacks', () => {
    const generator = new InstructionGenerator(SEED);
    const codes = [iced.Code.Enterd_imm16_imm8, iced.Code.Enterw_imm16_imm8];
    const enters = codes.flatMap((code) => Array.from({ length: 1500 }, (_, n) => generator.of(code, n)));
    const found = runNatively(enters);
    const comparison = new OracleComparison('reference', found.selectors);
    const levels = new Set<number>();
    enters.forEach((instance, n) => {
      const native = found.outputs[n];
      if (native === undefined) return;
      comparison.compare(n, instance, native);
      if (native.vector === NO_FAULT) levels.add(instance.code.at(-1) ?? 0);
    });
    comparison.finish(`of ${enters.length} differ, seed ${SEED}`);
    assert.deepEqual(
      [0, 1, 2, 3, 4].filter((level) => !levels.has(level)),
      [],
    );
  });

  it('tries every encoding a user program can try', () => {
    const names = CODES.map((code) => iced.Code[code]);
    for (const name of [
      'Rcl_rm8_CL',
      'Shld_rm16_r16_imm8',
      'Cmpxchg8b_m64',
      'Aam_imm8',
      'Enterd_imm16_imm8',
      'Jecxz_rel8_32',
    ])
      assert.ok(names.includes(name), name);
    assert.ok(names.length > 500, `${names.length} encodings`);
  });
});
