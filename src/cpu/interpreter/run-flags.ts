import { I32 } from '../../wasm/function-body.ts';
import { ChainLowering } from '../lowering/chain-lowering.ts';
import type { FlagPart } from '../lowering/value-lowering.ts';

/**
 * Keeps the flag record of a run of instructions in locals until the run ends or is left: one that a later instruction replaces is
 * never stored.
 */
export abstract class RunFlagLowering extends ChainLowering {
  private readonly locals32 = new Map<FlagPart, number>();
  /** Parts that are in their locals, and those of them that memory does not have yet. */
  private readonly current = new Set<FlagPart>();
  private readonly waiting = new Set<FlagPart>();

  protected override replaceFlags(): void {
    this.current.clear();
    this.waiting.clear();
  }
  protected override settleFlags(): void {
    this.storeFlags();
    this.waiting.clear();
  }
  protected override forgetFlags(): void {
    this.settleFlags();
    this.current.clear();
  }

  /** Stores what waits, on a way that leaves the run. */
  protected storeFlags(): void {
    for (const part of this.waiting) super.writeFlagPart(part, () => this.code.get(this.localOf(part)), 32);
  }

  protected override readFlagPart(part: FlagPart, bits: 32 | 64): void {
    if (bits === 64 || !this.current.has(part)) return super.readFlagPart(part, bits);
    this.code.get(this.localOf(part));
  }
  protected override writeFlagPart(part: FlagPart, push: () => void, bits: 32 | 64): void {
    if (bits === 64) return super.writeFlagPart(part, push, bits);
    push();
    this.code.set(this.localOf(part));
    this.current.add(part);
    this.waiting.add(part);
  }

  private localOf(part: FlagPart): number {
    const known = this.locals32.get(part);
    if (known !== undefined) return known;
    const local = this.code.local(I32);
    this.locals32.set(part, local);
    return local;
  }
}
