import type { Target } from './target.ts';

/** A place to stop at: every linear address under which the guest can reach it. */
export interface Breakpoint {
  readonly id: number;
  readonly addresses: readonly bigint[];
}

/** The breakpoints of the user and that of a step under way, armed together. */
export class Breakpoints {
  private readonly target: Target;
  private breakpoints: readonly Breakpoint[] = [];
  private temporary: bigint | undefined;

  constructor(target: Target) {
    this.target = target;
  }

  /** Replaces the user's breakpoints. */
  set(breakpoints: readonly Breakpoint[]): void {
    this.breakpoints = breakpoints;
    this.arm();
  }

  /** The breakpoint of a step under way; undefined removes it. */
  setTemporary(address: bigint | undefined): void {
    if (this.temporary === address) return;
    this.temporary = address;
    this.arm();
  }

  /** Ids of the user's breakpoints at a linear address. */
  at(address: bigint): number[] {
    return this.breakpoints.filter(({ addresses }) => addresses.includes(address)).map(({ id }) => id);
  }

  private arm(): void {
    const addresses = new Set(this.breakpoints.flatMap((breakpoint) => breakpoint.addresses));
    if (this.temporary !== undefined) addresses.add(this.temporary);
    this.target.setBreakpoints(addresses);
  }
}
