import * as L from './layout.ts';
import { SEGMENT, type CpuState } from './state.ts';

/** How a frame of the shadow call stack came to be. */
export type ShadowFrameKind = 'call' | 'interrupt';

/** One caller: where it will go on, and where on the stack that return address lies. */
export interface ShadowFrame {
  /** Offset in the code segment of the caller. */
  readonly returnAddress: number;
  /** Linear base of that code segment. */
  readonly codeBase: number;
  /** Offset in SS. */
  readonly stackOffset: number;
  readonly kind: ShadowFrameKind;
}

/** Kinds of entries as they are stored. A near call, which generated code records, stays in its code segment. */
const ENTRY = { nearCall: 0, interrupt: 1, farCall: 2 } as const;

/**
 * The machine's own record of calls, written by CALL and RET themselves (also in generated code), so that callers are known
 * without frame pointers or unwind tables. A ring: the innermost {@link L.SHADOW_ENTRIES} calls survive.
 */
export class ShadowStack {
  private readonly state: CpuState;

  constructor(state: CpuState) {
    this.state = state;
  }

  /** Records a near call whose return address is pushed at `stackOffset`. */
  enter(returnAddress: number, stackOffset: number): void {
    this.record(returnAddress, stackOffset, ENTRY.nearCall);
  }

  /** Records a far call or an interrupt whose return address is pushed at `stackOffset`. To be called while CS is the caller's. */
  enterFar(returnAddress: number, stackOffset: number, kind: ShadowFrameKind): void {
    const { base } = this.state.segment(SEGMENT.cs);
    const at = this.record(returnAddress, stackOffset, kind === 'interrupt' ? ENTRY.interrupt : ENTRY.farCall);
    this.state.view.setUint32(at + 12, base, true);
  }

  /** Another task runs: it has none of these callers (SDM 3, 7.3). */
  clear(): void {
    this.state.view.setUint32(L.SHADOW_DEPTH, 0, true);
  }

  /** Where the entry was made, for what a near call lacks. */
  private record(returnAddress: number, stackOffset: number, kind: number): number {
    const { view } = this.state;
    const depth = view.getUint32(L.SHADOW_DEPTH, true);
    const at = this.entry(depth);
    view.setUint32(at, returnAddress, true);
    view.setUint32(at + 4, stackOffset, true);
    view.setUint32(at + 8, kind, true);
    view.setUint32(L.SHADOW_DEPTH, depth + 1, true);
    return at;
  }

  /** Drops the innermost frame when its return address lies at `stackOffset`, the stack pointer before the return. */
  leave(stackOffset: number): void {
    const { view } = this.state;
    const depth = view.getUint32(L.SHADOW_DEPTH, true);
    if (depth > 0 && view.getUint32(this.entry(depth - 1) + 4, true) === stackOffset) {
      view.setUint32(L.SHADOW_DEPTH, depth - 1, true);
    }
  }

  /** Callers, innermost first. */
  frames(): ShadowFrame[] {
    const { view } = this.state;
    const depth = view.getUint32(L.SHADOW_DEPTH, true);
    let codeBase = this.state.segment(SEGMENT.cs).base;
    return Array.from({ length: Math.min(depth, L.SHADOW_ENTRIES) }, (_, n) => {
      const at = this.entry(depth - 1 - n);
      const kind = view.getUint32(at + 8, true);
      if (kind !== ENTRY.nearCall) codeBase = view.getUint32(at + 12, true);
      return {
        returnAddress: view.getUint32(at, true),
        codeBase,
        stackOffset: view.getUint32(at + 4, true),
        kind: kind === ENTRY.interrupt ? 'interrupt' : 'call',
      };
    });
  }

  private entry(index: number): number {
    return L.SHADOW_STACK + (index & (L.SHADOW_ENTRIES - 1)) * L.SHADOW_ENTRY_SIZE;
  }
}
