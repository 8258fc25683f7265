import { StartOfDayError } from '../../util/errors.ts';
import type { Hypervisor } from '../hypervisor.ts';
import { PvDomain } from './pv-domain.ts';
import { pvhDomain } from './pvh-domain.ts';

/** Xen 4.2, for a 32-bit PV domain, or as what a guest on virtual hardware finds by CPUID. The guest is domain 1, and has no privileges. */
export const xen: Hypervisor = {
  name: 'xen',
  label: 'Xen',
  attach: (host, { entry, information, guestMemory }) => {
    if (entry === 'lguest')
      throw new StartOfDayError({
        code: 'hypervisor-entry',
        blame: 'user',
        title: `A guest that is entered by ${entry} cannot stand on Xen`,
        mend: 'Leave "hypervisor" out: it follows the entry.',
      });
    return entry === 'xen-pv' ? new PvDomain(host, information?.address ?? 0) : pvhDomain(host, guestMemory);
  },
};
