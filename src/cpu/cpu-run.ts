import type { CpuFault } from './fault.ts';
import type { WatchHit } from './watchpoints.ts';

export interface CpuRunOptions {
  /** Do not stop for a breakpoint on the very first instruction. */
  readonly skipFirstBreakpoint: boolean;
  /** Return with `slice` after about this much work (an instruction of the fast engine is 1). */
  readonly slice?: number;
  /** Asked between slow instructions: return with `slice` when true. Where a run ends changes no state, so this may be a host's clock. */
  readonly expired?: (() => boolean) | undefined;
}

/** Why `Cpu.run` returned. */
export type CpuExit =
  | { readonly kind: 'budget' | 'attention' | 'slice' | 'breakpoint' | 'halted' }
  /** After the instruction that touched. */
  | { readonly kind: 'watchpoint'; readonly hit: WatchHit }
  | { readonly kind: 'triple-fault'; readonly chain: readonly CpuFault[] }
  | { readonly kind: 'unimplemented'; readonly what: string }
  /** Before an instruction that makes a hypercall somebody waits for. */
  | { readonly kind: 'hypercall'; readonly what: string; readonly name: string };

/** The exits that carry nothing. */
export const EXITS = {
  budget: { kind: 'budget' },
  attention: { kind: 'attention' },
  slice: { kind: 'slice' },
  breakpoint: { kind: 'breakpoint' },
  halted: { kind: 'halted' },
} as const satisfies Readonly<Record<string, CpuExit>>;

/** An exception as it was raised, whether or not a handler could be entered. */
export interface CpuFaultEvent {
  readonly fault: CpuFault;
  /** The fault whose delivery raised it. */
  readonly during: CpuFault | undefined;
  readonly cs: number;
  readonly ip: number;
  readonly instruction: number;
}

/** What a run changes beside the state in memory. */
export interface RunProgress {
  /** Instructions retired since the start; an exception that was delivered counts as one. */
  retired: number;
  /** Waits in HLT. */
  halted: boolean;
  /** The run is to return after this instruction. */
  attention: boolean;
}
