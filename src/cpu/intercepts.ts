import type { CpuFault } from './fault.ts';
import type { CpuidLeaf } from './system/cpuid.ts';

/** The instructions that were made for asking a hypervisor (SDM 3, VMCALL; APM 3, VMMCALL). */
export type HypercallInstruction = 'vmcall' | 'vmmcall';

/**
 * What became of an exception that was shown to a hypervisor first: `emulated` means that the guest never sees it, `delivered` that the
 * hypervisor entered a handler of the guest for it.
 */
export type ExceptionOutcome = 'emulated' | 'delivered';

/**
 * What a hypervisor takes from the CPU. Each method is asked before the CPU does the thing by itself; without the method, or where it
 * declines, the CPU does. A throw of `Unimplemented` or `StopBefore` leaves the machine before the instruction, so a method throws before
 * it has changed anything.
 */
export interface CpuIntercepts {
  /** CPUID; `subleaf` is ECX. Undefined: the CPU's own answer, which is `own`. */
  cpuid?(leaf: number, subleaf: number, own: CpuidLeaf): CpuidLeaf | undefined;
  /** RDMSR at CPL 0. Undefined: the CPU's own register. */
  readMsr?(index: number): bigint | undefined;
  /** WRMSR at CPL 0. False: the CPU's own register. */
  writeMsr?(index: number, value: bigint): boolean;
  /** VMCALL or VMMCALL. EIP is behind it and may be changed. False: #UD. */
  hypercall?(instruction: HypercallInstruction): boolean;
  /** INT n, INT3 or a taken INTO, before its gate is looked at. EIP is behind it and may be changed. False: the IDT decides. */
  softwareInterrupt?(vector: number): boolean;
  /**
   * An exception before it is delivered. The state is as before the instruction, EIP is at it (behind it for traps), CR2 holds the address of
   * a page fault. Undefined: the IDT decides.
   */
  exception?(fault: CpuFault): ExceptionOutcome | undefined;
}
