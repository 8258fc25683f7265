/** When to look whether code is hot, in instructions. */
export interface SamplingPolicy {
  /** Between looks while they find code that is not translated. */
  readonly period: number;
  /** Looks that must find a block before it is translated. */
  readonly samples: number;
}

/** Odd, so that it does not go round with a loop. Two looks at one block in a few of these are about a millisecond of interpretation. */
export const SAMPLING: SamplingPolicy = { period: 20_011, samples: 2 };

/**
 * Between looks at translated code. Short enough that V8's optimised code of a region is entered soon after it is ready: what runs
 * is not replaced.
 */
const LONGEST_PERIOD = 1_000_000;

/** After a look that found nothing. Odd, as the period. */
const SOON = 97;

/** Decides from samples of where the CPU is: interpreting costs nothing more, and only what runs for long is ever looked at. */
export class Sampler {
  private readonly policy: SamplingPolicy;
  private counts = new Map<number, number>();
  private period: number;
  private left: number;

  constructor(policy: SamplingPolicy) {
    this.policy = policy;
    this.period = policy.period;
    this.left = policy.period;
  }

  /** Instructions until the next look; 0 or less when it is due. */
  get untilNext(): number {
    return this.left;
  }
  ran(instructions: number): void {
    this.left -= instructions;
  }

  /** A look found nothing that could be translated: the next one comes soon. */
  foundNothing(): void {
    this.left = Math.min(SOON, this.policy.period);
  }

  /** A look found translated code. */
  foundTranslated(): void {
    this.period = Math.min(this.period * 2, LONGEST_PERIOD);
    this.left = this.period;
  }

  /** A look found the block that starts at a micro-op; true when it is hot. `reluctance`: doublings of the samples that takes. */
  foundBlock(microOp: number, reluctance: number): boolean {
    this.period = this.policy.period;
    this.left = this.period;
    const count = (this.counts.get(microOp) ?? 0) + 1;
    const hot = count >= this.policy.samples * 2 ** reluctance;
    if (hot) this.counts.delete(microOp);
    else this.counts.set(microOp, count);
    return hot;
  }

  /** Micro-ops were given up. */
  reset(): void {
    this.counts.clear();
  }
}
