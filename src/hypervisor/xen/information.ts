import { featureMask, PVH_FEATURES, PV_FEATURES } from '../../abi/xen/features.ts';
import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import type { Domain } from './domain.ts';
import { XenError } from './xen-error.ts';

/** The version that this Xen says it is: the last with a 32-bit hypervisor. */
export const XEN_VERSION = (4 << 16) | 2;
const EXTRA_VERSION = '.0';
const COMPILE_INFO = [
  [64, 'Start of Day'],
  [16, ''],
  [32, ''],
  [32, ''],
] as const;
/** Set for a PAE guest, which this Xen takes beside those without. */
const CAPABILITIES = 'xen-3.0-x86_32p xen-3.0-x86_32 ';

/** HYPERVISOR_xen_version. `hole`: first linear address of Xen's part. */
export function xenVersion({ guest, kind }: Domain, hole: number, cmd: number, buffer: number): number {
  switch (cmd) {
    case 0:
      return XEN_VERSION;
    case 1:
      guest.textTo(buffer, EXTRA_VERSION, 16);
      return 0;
    case 2: {
      let at = buffer;
      for (const [size, text] of COMPILE_INFO) {
        guest.textTo(at, text, size);
        at += size;
      }
      return 0;
    }
    case 3:
      guest.textTo(buffer, CAPABILITIES, 1024);
      return 0;
    case 4:
      guest.textTo(buffer, 'unavailable', 64);
      return 0;
    case 5:
      guest.write32(buffer, hole);
      return 0;
    case 6:
      if (guest.read32(buffer) !== 0)
        throw new XenError('EINVAL', `there is no submap ${guest.read32(buffer)} of features`);
      guest.write32(buffer + 4, featureMask(kind === 'pv' ? PV_FEATURES : PVH_FEATURES));
      return 0;
    case 7:
      if (buffer !== 0) throw new XenError('EINVAL', 'XENVER_pagesize takes no buffer');
      return PAGE_SIZE;
    case 8:
      guest.copyTo(buffer, new Uint8Array(16));
      return 0;
    case 9:
      guest.textTo(buffer, '', 1024);
      return 0;
    default:
      throw new XenError('ENOSYS', `Xen 4.2 has no xen_version ${cmd}`);
  }
}
