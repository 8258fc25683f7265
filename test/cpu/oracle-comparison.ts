import assert from 'node:assert/strict';
import type { EngineName } from '../../src/cpu/cpu.ts';
import type { SamplingPolicy } from '../../src/cpu/translator/sampler.ts';
import type { OracleOutput, OracleSelectors } from '../support/native-oracle.ts';
import { describeProblem, differences, OracleGuest, type ComparedInstance, type Pace } from './oracle-guest.ts';

const SHOWN = 12;

/** Runs instances on an engine, on fast and slow paths of memory, and collects what differs from the host. */
export class OracleComparison {
  readonly problems: string[] = [];
  private readonly guest: OracleGuest;

  constructor(engine: EngineName, selectors: OracleSelectors, sampling?: SamplingPolicy) {
    this.guest = new OracleGuest(engine, selectors, sampling);
  }

  /** The passes that the instance took; undefined when it could not be run. */
  compare(index: number, instance: ComparedInstance, native: OracleOutput, pace?: Pace): number | undefined {
    // A third of the accesses take the slow paths: all of them, or the first.
    const { memory } = this.guest.guest.cpu;
    memory.alwaysMiss = index % 6 === 0;
    if (index % 6 < 2) memory.flush();
    try {
      const result = this.guest.run(instance, pace);
      const list = differences(instance, native, result, pace);
      if (list.length > 0) this.problems.push(describeProblem(index, instance, list));
      return result.steps;
    } catch (error) {
      this.problems.push(describeProblem(index, instance, [String(error)]));
      return undefined;
    }
  }

  /** Fails when an instance differed. */
  finish(summary: string): void {
    const shown = this.problems.slice(0, SHOWN).join('\n');
    assert.equal(this.problems.length, 0, `${this.problems.length} ${summary}:\n${shown}`);
  }
}
