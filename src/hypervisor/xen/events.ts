import { DOMID, GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { EVENT_CHANNELS } from '../../abi/xen/shared-info.ts';
import type { DeviceState } from '../../machine/device.ts';
import type { Domain } from './domain.ts';
import type { SharedPage } from './shared-page.ts';
import { XenError } from './xen-error.ts';

/** EVTCHNSTAT_*. */
const STATUS = { closed: 0, unbound: 1, interdomain: 2, pirq: 3, virq: 4, ipi: 5 } as const;

/** What stands behind a port: a virtual interrupt, the guest itself, a domain that may connect, or one of Xen's backends. */
type Channel =
  | { readonly kind: 'virq'; readonly virq: number }
  | { readonly kind: 'ipi' }
  | { readonly kind: 'unbound'; readonly remote: number }
  | { readonly kind: 'loop'; readonly peer: number }
  | { readonly kind: 'backend' };

/** Event channels: ports of the guest, and what raises them. */
export class Events {
  /** A port has been notified that leads to a backend. */
  onKick: (port: number) => void = () => undefined;
  /** A port has become pending: a virtual CPU that polls it wakes. */
  onPending: (port: number) => void = () => undefined;
  private readonly domain: Domain;
  private readonly shared: SharedPage;
  private channels = new Map<number, Channel>();

  constructor(domain: Domain, shared: SharedPage, backends: readonly number[]) {
    this.domain = domain;
    this.shared = shared;
    for (const port of backends) this.channels.set(port, { kind: 'backend' });
  }

  raise(port: number): void {
    this.shared.markPending(port);
    this.onPending(port);
  }
  /** Raises the port that a virtual interrupt is bound to, if there is one. */
  raiseVirtual(virq: number): void {
    for (const [port, channel] of this.channels) if (channel.kind === 'virq' && channel.virq === virq) this.raise(port);
  }

  /** HYPERVISOR_event_channel_op; `arg` is the linear address of the operation's structure. */
  operate(cmd: number, arg: number): number {
    const { guest } = this.domain;
    switch (cmd) {
      case 0: {
        const peer = guest.read32(arg + 4);
        this.requireSelf(guest.read16(arg));
        if (this.channels.get(peer)?.kind !== 'unbound')
          throw new XenError('EINVAL', `port ${peer} does not wait for a connection`);
        const port = this.add({ kind: 'loop', peer });
        this.channels.set(peer, { kind: 'loop', peer: port });
        guest.write32(arg + 8, port);
        return 0;
      }
      case 1:
        return this.bindVirtual(arg);
      case 3: {
        const port = guest.read32(arg);
        const channel = this.channelOf(port);
        if (channel.kind === 'loop') this.channels.set(channel.peer, { kind: 'unbound', remote: GUEST_DOMAIN });
        this.channels.delete(port);
        this.shared.clearPending(port);
        return 0;
      }
      case 4:
        this.send(guest.read32(arg));
        return 0;
      case 5:
        return this.status(arg);
      case 6: {
        this.requireSelf(guest.read16(arg));
        guest.write32(arg + 4, this.add({ kind: 'unbound', remote: guest.read16(arg + 2) }));
        return 0;
      }
      case 7:
        this.requireFirst(guest.read32(arg));
        guest.write32(arg + 4, this.add({ kind: 'ipi' }));
        return 0;
      case 8:
        this.channelOf(guest.read32(arg));
        this.requireFirst(guest.read32(arg + 4));
        return 0;
      case 9: {
        const port = guest.read32(arg);
        this.channelOf(port);
        this.shared.unmask(port);
        if (this.shared.isPending(port)) this.shared.selectPort(port);
        return 0;
      }
      case 2:
        throw new XenError('EINVAL', 'an unprivileged domain has no physical interrupts');
      default:
        throw new XenError('ENOSYS', `Xen 4.2 has no event_channel_op ${cmd}`);
    }
  }

  save(): DeviceState {
    return { channels: [...this.channels] };
  }
  restore(state: DeviceState): void {
    this.channels = new Map((state as { channels: [number, Channel][] }).channels);
  }

  private send(port: number): void {
    const channel = this.channelOf(port);
    if (channel.kind === 'backend') this.onKick(port);
    else if (channel.kind === 'loop') this.raise(channel.peer);
    else if (channel.kind === 'ipi') this.raise(port);
    else if (channel.kind === 'virq') throw new XenError('EINVAL', `port ${port} is that of a virtual interrupt`);
  }

  private bindVirtual(arg: number): number {
    const { guest } = this.domain;
    const virq = guest.read32(arg);
    if (virq >= 24) throw new XenError('EINVAL', `there is no virtual interrupt ${virq}`);
    this.requireFirst(guest.read32(arg + 4));
    const bound = [...this.channels.values()].some((one) => one.kind === 'virq' && one.virq === virq);
    if (bound) throw new XenError('EEXIST', `virtual interrupt ${virq} is bound already`);
    guest.write32(arg + 8, this.add({ kind: 'virq', virq }));
    return 0;
  }

  /** {u16 dom, u32 port, out u32 status, u32 vcpu, union}. */
  private status(arg: number): number {
    const { guest } = this.domain;
    this.requireSelf(guest.read16(arg));
    const port = guest.read32(arg + 4);
    if (port >= EVENT_CHANNELS) throw new XenError('EINVAL', `there is no port ${port}`);
    const channel = this.channels.get(port);
    guest.write32(arg + 12, 0);
    switch (channel?.kind) {
      case undefined:
        guest.write32(arg + 8, STATUS.closed);
        return 0;
      case 'unbound':
        guest.write32(arg + 8, STATUS.unbound);
        guest.write16(arg + 16, channel.remote);
        return 0;
      case 'loop':
      case 'backend':
        guest.write32(arg + 8, STATUS.interdomain);
        guest.write16(arg + 16, channel.kind === 'loop' ? GUEST_DOMAIN : 0);
        guest.write32(arg + 20, channel.kind === 'loop' ? channel.peer : 0);
        return 0;
      case 'virq':
        guest.write32(arg + 8, STATUS.virq);
        guest.write32(arg + 16, channel.virq);
        return 0;
      case 'ipi':
        guest.write32(arg + 8, STATUS.ipi);
        return 0;
    }
  }

  private add(channel: Channel): number {
    for (let port = 1; port < EVENT_CHANNELS; port++) {
      if (this.channels.has(port)) continue;
      this.channels.set(port, channel);
      return port;
    }
    throw new XenError('ENOSPC', `all ${EVENT_CHANNELS - 1} ports are taken`);
  }

  private channelOf(port: number): Channel {
    const channel = this.channels.get(port);
    if (channel === undefined) throw new XenError('EINVAL', `port ${port} is not bound`);
    return channel;
  }
  private requireSelf(domain: number): void {
    if (domain !== DOMID.self && domain !== GUEST_DOMAIN)
      throw new XenError('ESRCH', `there is no domain ${domain}; the guest is ${GUEST_DOMAIN}, or DOMID_SELF`);
  }
  private requireFirst(vcpu: number): void {
    if (vcpu !== 0) throw new XenError('ENOENT', `there is no virtual CPU ${vcpu}`);
  }
}
