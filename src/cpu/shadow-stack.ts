import * as L from './layout.ts';
import type { CpuState } from './state.ts';

/** How a frame of the shadow call stack came to be. */
export type ShadowFrameKind = 'call' | 'interrupt';

/** One caller: where it will go on, and where on the stack that return address lies. */
export interface ShadowFrame {
  /** Offset in CS. */
  readonly returnAddress: number;
  /** Offset in SS. */
  readonly stackOffset: number;
  readonly kind: ShadowFrameKind;
}

const KINDS: readonly ShadowFrameKind[] = ['call', 'interrupt'];

/**
 * The machine's own record of calls, written by CALL and RET themselves (also in generated code), so that callers are known
 * without frame pointers or unwind tables. A ring: the innermost {@link L.SHADOW_ENTRIES} calls survive.
 */
export class ShadowStack {
  private readonly state: CpuState;

  constructor(state: CpuState) {
    this.state = state;
  }

  /** Records a call or an interrupt whose return address was just pushed at `stackOffset`. */
  enter(returnAddress: number, stackOffset: number, kind: ShadowFrameKind): void {
    const { view } = this.state;
    const depth = view.getUint32(L.SHADOW_DEPTH, true);
    const at = this.entry(depth);
    view.setUint32(at, returnAddress, true);
    view.setUint32(at + 4, stackOffset, true);
    view.setUint32(at + 8, KINDS.indexOf(kind), true);
    view.setUint32(L.SHADOW_DEPTH, depth + 1, true);
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
    return Array.from({ length: Math.min(depth, L.SHADOW_ENTRIES) }, (_, n) => {
      const at = this.entry(depth - 1 - n);
      return {
        returnAddress: view.getUint32(at, true),
        stackOffset: view.getUint32(at + 4, true),
        kind: KINDS[view.getUint32(at + 8, true)] ?? 'call',
      };
    });
  }

  private entry(index: number): number {
    return L.SHADOW_STACK + (index & (L.SHADOW_ENTRIES - 1)) * L.SHADOW_ENTRY_SIZE;
  }
}
