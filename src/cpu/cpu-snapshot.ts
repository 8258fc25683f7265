import { internalError } from '../util/errors.ts';
import * as L from './layout.ts';
import type { Mmu } from './mmu.ts';
import type { CpuState } from './state.ts';

/** The CPU part of a snapshot: everything that decides what the CPU does next, RAM excepted. Structured-cloneable. */
export interface CpuSnapshot {
  /** The register area of the machine's memory, from its start to the end of the shadow call stack (see `layout.ts`). */
  readonly registers: Uint8Array;
  readonly retired: number;
  readonly halted: boolean;
  /** Numbers of the physical pages where a device stands in front of RAM. */
  readonly devicePages: readonly number[];
}

/** Where the registers end in the machine's memory; behind them lie caches alone. */
const REGISTERS_END = L.SHADOW_STACK + L.SHADOW_ENTRIES * L.SHADOW_ENTRY_SIZE;

/** What generated code leaves behind and nobody reads again: the last budget, and where and why it left. */
const SCRATCH = [L.BUDGET, L.BAIL + 4] as const;

/** The bytes of the register area, as they stand. */
export function copyRegisters(state: CpuState): Uint8Array {
  return state.bytes.slice(0, REGISTERS_END);
}

/** A copy of the registers. The same state gives the same bytes whichever engine reached it. */
export function saveCpu(state: CpuState, mmu: Mmu, retired: number, halted: boolean): CpuSnapshot {
  // Of the forms of the lazy flag record this one does not tell which instruction set the flags.
  const { eflags } = state;
  state.eflags = eflags;
  const registers = state.bytes.slice(0, REGISTERS_END);
  registers.fill(0, ...SCRATCH);
  clearDeadShadowEntries(registers, state.view.getUint32(L.SHADOW_DEPTH, true));
  return { registers, retired, halted, devicePages: mmu.devicePageNumbers() };
}

/** Takes the registers and device pages back; whoever caches code or translations must look again. */
export function restoreCpu(state: CpuState, mmu: Mmu, snapshot: CpuSnapshot): void {
  if (snapshot.registers.length !== REGISTERS_END) throw internalError('a snapshot of another register layout');
  state.bytes.set(snapshot.registers);
  mmu.setDevicePageNumbers(snapshot.devicePages);
}

/** Entries above the depth are left over from calls that have returned. */
function clearDeadShadowEntries(registers: Uint8Array, depth: number): void {
  for (let n = depth; n < L.SHADOW_ENTRIES; n++) {
    const at = L.SHADOW_STACK + n * L.SHADOW_ENTRY_SIZE;
    registers.fill(0, at, at + L.SHADOW_ENTRY_SIZE);
  }
}
