import { DOMID, GUEST_DOMAIN, SUB_OPERATIONS } from '../../abi/xen/hypercalls.ts';
import { PAGE_SIZE, XEN_MACHINE } from '../../abi/xen/layout.ts';
import { Unimplemented } from '../../cpu/fault.ts';
import type { Domain } from './domain.ts';
import { XenError } from './xen-error.ts';

/** GNTST_*: a status in the structure, where the hypercall itself succeeds. */
const GNTST = { okay: 0, generalError: -1, badDomain: -2 } as const;
const MOST = 64;

/** HYPERVISOR_grant_table_op: the guest may set its table up. Nobody maps what it grants, because there is no other domain. */
export function grantTableOperation({ guest }: Domain, cmd: number, array: number, count: number): number {
  for (let n = 0; n < Math.min(count, MOST); n++) {
    switch (cmd) {
      case 2:
        setUp(guest, array + n * 16);
        break;
      case 6: {
        const at = array + n * 16;
        const known = isSelf(guest.read16(at));
        guest.write32(at + 4, XEN_MACHINE.grantFrames);
        guest.write32(at + 8, XEN_MACHINE.grantFrames);
        guest.write16(at + 12, known ? GNTST.okay : GNTST.badDomain);
        break;
      }
      case 8:
        if (guest.read32(array) !== 1)
          throw new XenError('EINVAL', `grant table version ${guest.read32(array)}: this Xen has version 1`);
        guest.write32(array, 1);
        break;
      case 10:
        guest.write32(array + n * 8 + 4, 1);
        break;
      default:
        throw new Unimplemented(
          `Xen: grant_table_op ${SUB_OPERATIONS['grant_table_op']?.[cmd] ?? cmd} of ${count} grants`,
        );
    }
  }
  return 0;
}

/** {u16 dom, u32 nr_frames, out s16 status, frame list}. */
function setUp(guest: Domain['guest'], at: number): void {
  const [frames, list] = [guest.read32(at + 4), guest.read32(at + 12)];
  const status = !isSelf(guest.read16(at))
    ? GNTST.badDomain
    : frames > XEN_MACHINE.grantFrames
      ? GNTST.generalError
      : GNTST.okay;
  if (status === GNTST.okay)
    for (let n = 0; n < frames; n++) guest.write32(list + n * 4, XEN_MACHINE.grantTable / PAGE_SIZE + n);
  guest.write16(at + 8, status);
}

function isSelf(domain: number): boolean {
  return domain === DOMID.self || domain === GUEST_DOMAIN;
}
