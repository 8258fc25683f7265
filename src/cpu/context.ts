import type { CpuIntercepts } from './intercepts.ts';
import type { ShadowStack } from './shadow-stack.ts';
import type { CpuState } from './state.ts';

/** Widths of a memory or port access in bits. */
export type AccessWidth = 8 | 16 | 32;

/** Linear memory as the running instruction sees it: paging applies, and a miss raises #PF with its reason. */
export interface LinearMemory {
  /** Zero-extended value. `system` accesses (descriptor tables, TSS, gates) are made at CPL 0 whatever the current level. */
  read(linear: number, width: AccessWidth, system?: boolean): number;
  write(linear: number, width: AccessWidth, value: number, system?: boolean): void;
  /** Raises what a write of `bytes` bytes would raise, and changes nothing; `alignment` in bytes, the size unless said. */
  probeWrite(linear: number, bytes: number, system?: boolean, alignment?: number): void;
  /** #AC where accesses must be aligned and this one is not, by `alignment` bytes, a power of 2: for a datum that is read in parts. */
  checkAlignment(linear: number, alignment: number): void;
  /** Guest physical memory, as page tables are read. */
  readPhysical(physical: number, width: AccessWidth): number;
}

/** What stands outside the CPU. Implemented by the machine's bus. */
export interface CpuBus {
  portRead(port: number, width: AccessWidth): number;
  portWrite(port: number, width: AccessWidth, value: number): void;
  /** Physical addresses beyond RAM. */
  memoryRead(physical: number, width: AccessWidth): number;
  memoryWrite(physical: number, width: AccessWidth, value: number): void;
  /** Time stamp counter in ticks (bigint, deterministic: derived from the retired-instruction count). */
  timeStamp(): bigint;
  /**
   * Whether an external interrupt or an NMI waits for the CPU, so that a run must return where one may be delivered. Without it every
   * run returns there.
   */
  interruptWaits?(): boolean;
  /** IA32_APIC_BASE was written; `low` is its low half. Without it there is no local APIC. */
  apicBaseWritten?(low: number): void;
  /**
   * FERR# as it stands before a waiting x87 instruction with CR0.NE = 0; returns IGNNE#: whether the instruction runs in spite of a
   * pending exception. Without it nobody answers.
   */
  numericError?(asserted: boolean): boolean;
}

/** What a system instruction written in TypeScript may use. */
export interface CpuContext {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  readonly bus: CpuBus;
  /** What stands under the guest; undefined on bare hardware. */
  readonly intercepts?: CpuIntercepts | undefined;
  /** The record of calls, which every far transfer keeps. */
  readonly calls: ShadowStack;
  /** Drops every cached translation: after CR3, CR0.PG, CR0.WP and CR4 paging bits change, and on a change between CPL 3 and a lower one. */
  flushTranslations(): void;
  /** Drops one page's translation (INVLPG). */
  invalidatePage(linear: number): void;
  /** Must be called after DR0-DR3, DR7 or CR4.DE changed. */
  debugRegistersChanged(): void;
  /** Must be called after CS or SS changed: code caches depend on base, limit, default size and stack width. */
  codeContextChanged(): void;
  /** The instruction being executed: its offset in CS, the offset of the next one, its operand size in bits. */
  readonly instruction: { readonly ip: number; readonly next: number; readonly operandSize: 16 | 32 };
  /** Stops execution until an interrupt (HLT). */
  halt(): void;
  /** Makes the run return after this instruction, so that what it brought about is looked at. */
  attention(): void;
}
