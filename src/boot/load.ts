import type { CpuState } from '../cpu/state.ts';
import { applyEntryState } from './entry-state.ts';
import type { LoadPlan } from './protocol.ts';

/** What a plan is applied to: a machine. */
export interface LoadTarget {
  readonly memory: {
    /** `address` is physical. Throws when the bytes do not fit. */
    write(address: number, bytes: Uint8Array): void;
  };
  readonly cpu: {
    readonly state: CpuState;
    /** Registers were changed from outside. */
    stateChanged(): void;
  };
}

/** Puts the plan's regions into memory and the CPU at the entry. A region's bytes come from the file, the rest of it is zeros. */
export function applyPlan(plan: LoadPlan, target: LoadTarget): void {
  for (const { address, bytes, size } of plan.regions) {
    target.memory.write(address, bytes);
    if (size > bytes.length) target.memory.write(address + bytes.length, new Uint8Array(size - bytes.length));
  }
  applyEntryState(target.cpu.state, plan.state);
  target.cpu.stateChanged();
}
