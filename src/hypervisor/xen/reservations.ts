import { SUB_OPERATIONS } from '../../abi/xen/hypercalls.ts';
import { XEN_MACHINE } from '../../abi/xen/layout.ts';
import type { XenPagingLayout } from '../../abi/xen/layout.ts';
import { Unimplemented } from '../../cpu/fault.ts';
import { hex } from '../../util/hex.ts';
import type { Domain } from './domain.ts';
import type { Frames } from './frames.ts';
import { XenError } from './xen-error.ts';

/** Extents that one call handles. */
const MOST_EXTENTS = 4096;
const SUPERPAGE_FRAMES = 0x200;

/** HYPERVISOR_memory_op of a PV guest: what it has, and what it gives back and gets again. */
export function memoryOperation(
  domain: Domain,
  layout: XenPagingLayout,
  frames: Frames,
  cmd: number,
  arg: number,
): number {
  const { guest } = domain;
  switch (cmd & 0x3f) {
    case 0:
    case 6:
      return eachExtent(domain, arg, (at, pfn) => {
        const frame = frames.obtain();
        if (frame === undefined) return false;
        if ((cmd & 0x3f) === 6) frames.setPseudoPhysical(frame, pfn);
        guest.write32(at, frame);
        return true;
      });
    case 1:
      return eachExtent(domain, arg, (_at, frame) => {
        frames.surrender(frame);
        return true;
      });
    case 2:
      return frames.end - 1;
    case 3:
      return frames.ownedCount;
    case 4:
      return frames.end - frames.first;
    case 5: {
      // {max_extents, extent list, out nr_extents}: where the machine-to-physical table lies, in pieces of 2 MiB.
      const [most, list] = [guest.read32(arg), guest.read32(arg + 4)];
      const pieces = Math.min(most, XEN_MACHINE.machineToPhysicalSize / (SUPERPAGE_FRAMES * 4096));
      for (let n = 0; n < pieces; n++)
        guest.write32(list + n * 4, XEN_MACHINE.machineToPhysical / 4096 + n * SUPERPAGE_FRAMES);
      guest.write32(arg + 8, pieces);
      return 0;
    }
    case 9:
    case 10:
      throw new XenError('ENOSYS', 'a PV domain has no memory map of its own: its memory is the first nr_pages frames');
    case 12:
      // {v_start, v_end, max_mfn}
      guest.write32(arg, layout.hole);
      guest.write32(arg + 4, layout.m2pEnd);
      guest.write32(arg + 8, XEN_MACHINE.machineToPhysicalSize / 4 - 1);
      return 0;
    case 14:
      return frames.end - frames.first - 1;
    default:
      throw new Unimplemented(
        `Xen: memory_op ${SUB_OPERATIONS['memory_op']?.[cmd & 0x3f] ?? cmd & 0x3f} (${hex(arg, 8)})`,
      );
  }
}

/** xen_memory_reservation: {extent list, nr_extents, extent_order, mem_flags, domid}. Returns how many were done. */
function eachExtent({ guest, host }: Domain, arg: number, each: (at: number, value: number) => boolean): number {
  const [list, count, order] = [guest.read32(arg), guest.read32(arg + 4), guest.read32(arg + 8)];
  if (order !== 0) throw new XenError('EPERM', `extents of order ${order}: this Xen gives single frames alone`);
  for (let n = 0; n < Math.min(count, MOST_EXTENTS); n++) {
    const at = list + n * 4;
    try {
      if (!each(at, guest.read32(at))) return n;
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      host.reportGap(`Xen refuses extent ${n} of ${count}: ${error.reason}`);
      return n;
    }
  }
  return Math.min(count, MOST_EXTENTS);
}
