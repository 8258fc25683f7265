import type { SupervisorHost } from '../../machine/supervisor.ts';
import { GuestAccess } from './guest-access.ts';

/** What every part of Xen needs of the domain that it is a part for. */
export interface Domain {
  readonly host: SupervisorHost;
  readonly kind: 'pv' | 'pvh';
  readonly guest: GuestAccess;
  /** Ends the domain as a crash of its own making. */
  crash(why: string): void;
}

export function makeDomain(host: SupervisorHost, kind: Domain['kind'], hole: number): Domain {
  return {
    host,
    kind,
    guest: new GuestAccess(host.cpu, hole),
    crash: (why) => host.stop({ reason: 'error', description: `Xen ended the domain: ${why}.` }),
  };
}

/** Bytes at a machine address. */
export function fillMachine({ host }: Domain, machine: number, bytes: Uint8Array): void {
  for (const [n, byte] of bytes.entries()) host.cpu.memory.writePhysical(machine + n, 8, byte);
}
