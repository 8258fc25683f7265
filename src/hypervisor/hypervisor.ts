import type { AttachSupervisor, Supervisor, SupervisorHost } from '../machine/supervisor.ts';

/** The hypervisors of Start of Day; `native` is none. A launch configuration may name a file with another one. */
export const HYPERVISOR_NAMES = ['native', 'kvm', 'xen', 'lguest', 'vmi'] as const;
export type HypervisorName = (typeof HYPERVISOR_NAMES)[number];

/** What a hypervisor finds when it comes under a guest: the plan is in memory, the CPU is at the entry. */
export interface StartOfDay {
  /** The entry protocol: `xen-pv`, `multiboot`, … */
  readonly entry: string;
  /** Where the information structure of the entry lies, by physical address. */
  readonly information: { readonly kind: string; readonly address: number } | undefined;
  /** Bytes of physical memory that the guest was promised. */
  readonly guestMemory: number;
  /** Which revision of an entry protocol that had several: "2.6.24". */
  readonly revision?: string;
}

/** One thing that can stand under a guest. */
export interface Hypervisor {
  readonly name: string;
  /** As sentences name it: "KVM". */
  readonly label: string;
  /** Called once, before the first instruction. Throws StartOfDayError where the entry and the hypervisor do not fit. */
  attach(host: SupervisorHost, start: StartOfDay): Supervisor;
}

/** Binds a hypervisor to a guest. */
export function attachTo(hypervisor: Hypervisor, start: StartOfDay): AttachSupervisor {
  return (host) => hypervisor.attach(host, start);
}
