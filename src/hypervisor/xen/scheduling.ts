import { EVENT_CHANNELS } from '../../abi/xen/shared-info.ts';
import type { DeviceState } from '../../machine/device.ts';
import { hex } from '../../util/hex.ts';
import type { Domain } from './domain.ts';
import type { SharedPage } from './shared-page.ts';
import type { Timers } from './timers.ts';
import { XenError } from './xen-error.ts';

const REASONS = ['poweroff', 'reboot', 'suspend', 'crash', 'watchdog', 'soft_reset'] as const;
const MOST_POLLED = 128;

/** HYPERVISOR_sched_op: how the guest gives its time away. */
export class Scheduling {
  private readonly domain: Domain;
  private readonly shared: SharedPage;
  private readonly timers: Timers;
  private readonly onYield: () => void;
  /** Ports that the virtual CPU waits for in a poll. */
  private polled: number[] = [];

  /** `onYield`: the backends get time. */
  constructor(domain: Domain, shared: SharedPage, timers: Timers, onYield: () => void) {
    this.domain = domain;
    this.shared = shared;
    this.timers = timers;
    this.onYield = onYield;
  }

  operate(cmd: number, arg: number): number {
    const { guest, host } = this.domain;
    switch (cmd) {
      case 0:
        this.onYield();
        return 0;
      case 1:
        this.shared.masked = false;
        if (!this.shared.upcallPending) host.cpu.halt();
        return 0;
      case 2:
        return this.shutDown(guest.read32(arg));
      case 3:
        return this.poll(arg);
      case 4:
        throw new XenError('EPERM', 'an unprivileged domain may not shut others down');
      case 5:
        return 0;
      case 6:
        throw new XenError('ENOSYS', 'this Xen has no watchdog');
      default:
        throw new XenError('ENOSYS', `Xen 4.2 has no sched_op ${cmd}`);
    }
  }

  /** The form before Xen 3.0.2: the reason of a shutdown is the argument itself. */
  operateCompatible(cmd: number, arg: number): number {
    if (cmd > 2) throw new XenError('ENOSYS', `there is no sched_op_compat ${cmd}`);
    return cmd === 2 ? this.shutDown(arg) : this.operate(cmd, arg);
  }

  /** A port is pending: a poll for it is over. */
  portPending(port: number): void {
    if (!this.polled.includes(port)) return;
    this.endPoll();
    this.domain.host.cpu.wake();
  }
  endPoll(): void {
    this.polled = [];
    this.timers.stopPoll();
  }
  get polling(): boolean {
    return this.polled.length > 0;
  }

  save(): DeviceState {
    return { polled: this.polled };
  }
  restore(state: DeviceState): void {
    this.polled = [...(state as { polled: number[] }).polled];
  }

  /** {u32 *ports, u32 nr_ports, u64 timeout in ns}. */
  private poll(arg: number): number {
    const { guest, host } = this.domain;
    const [list, count] = [guest.read32(arg), guest.read32(arg + 4)];
    if (count > MOST_POLLED) throw new XenError('EINVAL', `a poll of ${count} ports; ${MOST_POLLED} are the most`);
    const ports = Array.from({ length: count }, (_, n) => guest.read32(list + n * 4));
    for (const port of ports) {
      if (port >= EVENT_CHANNELS) throw new XenError('EINVAL', `there is no port ${port}`);
      if (this.shared.isPending(port)) return 0;
    }
    const timeout = guest.read64(arg + 8);
    this.onYield();
    if (ports.some((port) => this.shared.isPending(port))) return 0;
    // Port 0 is never bound: it stands for a poll of nothing but time.
    this.polled = [0, ...ports];
    this.timers.setPollEnd(timeout);
    host.cpu.halt();
    return 0;
  }

  private shutDown(reason: number): number {
    const name = REASONS[reason] ?? `reason ${hex(reason)}`;
    const description = `The domain asked for a shutdown through HYPERVISOR_sched_op: ${name}.`;
    this.domain.host.stop({ reason: name === 'crash' ? 'error' : 'shutdown', description });
    this.domain.host.cpu.halt();
    return 0;
  }
}
