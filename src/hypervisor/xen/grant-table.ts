import { DOMID, GUEST_DOMAIN, SUB_OPERATIONS } from '../../abi/xen/hypercalls.ts';
import { PAGE_SIZE, XEN_MACHINE } from '../../abi/xen/layout.ts';
import { Unimplemented } from '../../cpu/fault.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { Domain } from './domain.ts';
import { XenError } from './xen-error.ts';

/** GNTST_*: a status in the structure, where the hypercall itself succeeds. */
const GNTST = { okay: 0, generalError: -1, badDomain: -2 } as const;
const MOST = 64;

/** The guest may set its grant table up, of either version. Nobody maps what it grants, because there is no other domain. */
export class GrantTable {
  private readonly domain: Domain;
  private version = 1;

  constructor(domain: Domain) {
    this.domain = domain;
  }

  /** HYPERVISOR_grant_table_op. */
  operate(cmd: number, array: number, count: number): number {
    const { guest } = this.domain;
    for (let n = 0; n < Math.min(count, MOST); n++) {
      switch (cmd) {
        case 2:
          this.setUp(array + n * 16);
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
          this.setVersion(array);
          break;
        case 9:
          this.statusFrames(array + n * 16);
          break;
        case 10:
          guest.write32(array + n * 8 + 4, this.version);
          break;
        default:
          throw new Unimplemented(
            `Xen: grant_table_op ${SUB_OPERATIONS['grant_table_op']?.[cmd] ?? cmd} of ${count} grants`,
          );
      }
    }
    return 0;
  }

  save(): DeviceState {
    return { version: this.version };
  }
  restore(state: DeviceState): void {
    this.version = (state as { version: number }).version;
  }

  /** {inout u32 version}. */
  private setVersion(at: number): void {
    const { guest } = this.domain;
    const version = guest.read32(at);
    if (version !== 1 && version !== 2) throw new XenError('EINVAL', `there is no grant table version ${version}`);
    this.version = version;
    guest.write32(at, version);
  }

  /** {u16 dom, u32 nr_frames, out s16 status, frame list}. */
  private setUp(at: number): void {
    const { guest } = this.domain;
    const [frames, list] = [guest.read32(at + 4), guest.read32(at + 12)];
    const tooMany = frames > XEN_MACHINE.grantFrames;
    const status = !isSelf(guest.read16(at)) ? GNTST.badDomain : tooMany ? GNTST.generalError : GNTST.okay;
    if (status === GNTST.okay)
      for (let n = 0; n < frames; n++) guest.write32(list + n * 4, XEN_MACHINE.grantTable / PAGE_SIZE + n);
    guest.write16(at + 8, status);
  }

  /** {u32 nr_frames, u16 dom, out s16 status, list of u64 frames}: one frame holds the status of all grants. */
  private statusFrames(at: number): void {
    const { guest } = this.domain;
    const [frames, list] = [guest.read32(at), guest.read32(at + 8)];
    const fits = this.version === 2 && frames <= 1;
    const status = !isSelf(guest.read16(at + 4)) ? GNTST.badDomain : fits ? GNTST.okay : GNTST.generalError;
    if (status === GNTST.okay && frames === 1) guest.write64(list, BigInt(XEN_MACHINE.grantStatus / PAGE_SIZE));
    guest.write16(at + 6, status);
  }
}

function isSelf(domain: number): boolean {
  return domain === DOMID.self || domain === GUEST_DOMAIN;
}
