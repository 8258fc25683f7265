import type { Cpu } from '../cpu/cpu.ts';
import type { CpuState } from '../cpu/state.ts';

/** One register by name: how wide it is, how to read it and, when a user may, how to change it. */
export interface RegisterAccess {
  /** Width in bits. */
  readonly bits: number;
  readonly read: (state: CpuState) => number;
  readonly write?: (cpu: Cpu, value: number) => void;
}
