import type { CpuidLeaf } from '../../cpu/system/cpuid.ts';
import type { AccessWidth } from '../../cpu/context.ts';
import type { Guest } from './guest.ts';

/** How a guest asked. */
export interface HypercallRequest {
  readonly instruction: 'vmcall' | 'vmmcall' | 'int';
  /** Of INT n; undefined otherwise. */
  readonly vector: number | undefined;
}

/** What a hypercall is, and how it is made. */
export interface HypercallAnswer {
  readonly name: string;
  readonly number?: number;
  /** By name, as the guest gave them. */
  readonly arguments?: Readonly<Record<string, number>>;
  /** Makes the call. What it returns goes to EAX; undefined leaves EAX alone. Not called when the user stops before this hypercall. */
  run(): number | undefined;
}

/** An exception as the guest raised it, before its IDT is looked at. */
export interface GuestFault {
  /** 0 to 31 (SDM 3, 6.3.1). */
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** The check that failed, in words. */
  readonly reason: string;
  /** Linear address of the instruction. */
  readonly address: number;
  /** Bytes of the instruction. */
  readonly bytes: Uint8Array;
}

/**
 * A hypervisor of the user's own, as its module exports it by default. Every method is optional, and what a method declines (by undefined or
 * false) the machine does as on bare hardware.
 */
export interface HypervisorModule {
  /** As views show it; the file's name unless said. */
  readonly name?: string;
  /** Before the first instruction: the place for registers and shared pages that the guest was promised. */
  startOfDay?(guest: Guest): void;
  /** CPUID: EAX, EBX, ECX, EDX. `own` is what the CPU would answer. */
  cpuid?(leaf: number, subleaf: number, own: CpuidLeaf, guest: Guest): CpuidLeaf | undefined;
  /** VMCALL, VMMCALL, INT n. */
  hypercall?(request: HypercallRequest, guest: Guest): HypercallAnswer | undefined;
  /** Any exception, such as the #GP of an instruction that CPL 1 may not run. True: emulated. See {@link Guest.skipInstruction}. */
  privileged?(fault: GuestFault, guest: Guest): boolean;
  /** RDMSR (`value` undefined; the answer is the register) and WRMSR (the answer is true). */
  msr?(index: number, value: bigint | undefined, guest: Guest): bigint | boolean | undefined;
  /** IN (`value` undefined; the answer is the data) and OUT (the answer is true). */
  io?(port: number, width: AccessWidth, value: number | undefined, guest: Guest): number | boolean | undefined;
  /** What the module keeps between calls, for snapshots: anything that JSON can hold. Without both it keeps nothing. */
  save?(): unknown;
  restore?(state: unknown): void;
}

/** The optional methods, for checks and messages. */
export const MODULE_METHODS = [
  'startOfDay',
  'cpuid',
  'hypercall',
  'privileged',
  'msr',
  'io',
  'save',
  'restore',
] as const satisfies readonly (keyof HypervisorModule)[];
