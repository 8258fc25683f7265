import { SUB_OPERATIONS } from '../../abi/xen/hypercalls.ts';
import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import { SHARED_INFO } from '../../abi/xen/shared-info.ts';
import { Unimplemented } from '../../cpu/fault.ts';
import type { Domain } from './domain.ts';
import type { SharedPage } from './shared-page.ts';
import type { Timers } from './timers.ts';
import { XenError } from './xen-error.ts';

const RUNSTATE_SIZE = 44;

/** HYPERVISOR_vcpu_op: one virtual CPU, number 0, which always runs. `owned`: a machine frame is the guest's. */
export function vcpuOperation(
  domain: Domain,
  parts: { readonly shared: SharedPage; readonly timers: Timers; readonly owned: (frame: number) => boolean },
  [cmd, vcpu, arg]: readonly [number, number, number],
): number {
  const { guest, host } = domain;
  const { shared, timers } = parts;
  if (vcpu !== 0) {
    // Guests count the virtual CPUs that way.
    throw new XenError('ENOENT', `there is no virtual CPU ${vcpu}`);
  }
  switch (cmd) {
    case 3:
      return 1;
    case 4:
    case 5: {
      // {int state (0 running), u64 state_entry_time, u64 time[4]}; registering takes {pointer}.
      const at = cmd === 4 ? arg : guest.read32(arg);
      guest.copyTo(at, new Uint8Array(RUNSTATE_SIZE));
      guest.write64(at + 12, BigInt(host.clock.now) * 10n);
      return 0;
    }
    case 6: {
      const period = guest.read64(arg);
      if (period < 1_000_000n) throw new XenError('EINVAL', `a period of ${period} ns; 1 ms is the shortest`);
      timers.setPeriod(period, host.clock.now);
      return 0;
    }
    case 7:
      timers.setPeriod(0n, host.clock.now);
      return 0;
    case 8:
      // {u64 timeout_abs_ns, u32 flags}: 1 asks for an error when the time is over.
      timers.setOneShot(guest.read64(arg));
      return 0;
    case 9:
      timers.setOneShot(0n);
      return 0;
    case 10: {
      // {u64 mfn, u32 offset, u32 rsvd}
      const [frame, offset] = [guest.read64(arg), guest.read32(arg + 8)];
      if (frame > 0xfffffn || !parts.owned(Number(frame)))
        throw new XenError('EINVAL', `vcpu_info in machine frame 0x${frame.toString(16)}, which is not the guest's`);
      if (offset % 4 !== 0 || offset > PAGE_SIZE - SHARED_INFO.vcpuInfoSize)
        throw new XenError('EINVAL', `vcpu_info at offset ${offset} of a page`);
      shared.moveVcpuInfo(Number(frame) * PAGE_SIZE + offset);
      shared.updateTime();
      return 0;
    }
    case 12:
      throw new XenError('EINVAL', 'the virtual CPU is not pinned to one of the machine');
    default:
      throw new Unimplemented(`Xen: vcpu_op ${SUB_OPERATIONS['vcpu_op']?.[cmd] ?? cmd}`);
  }
}
