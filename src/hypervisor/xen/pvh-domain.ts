import { hypercallPage } from '../../abi/xen/hypercall-page.ts';
import { DOMID, GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { CONSOLE_PORT, PAGE_SIZE, STORE_PORT } from '../../abi/xen/layout.ts';
import { initialSharedInfo } from '../../abi/xen/shared-info.ts';
import { Unimplemented } from '../../cpu/fault.ts';
import { HypercallLog } from '../../machine/hypercall-log.ts';
import type { Supervisor, SupervisorHost } from '../../machine/supervisor.ts';
import { hex } from '../../util/hex.ts';
import { REGISTER } from '../../x86/registers.ts';
import { ConsoleRing, GuestLog } from './console.ts';
import { fillMachine, makeDomain, type Domain } from './domain.ts';
import { Events } from './events.ts';
import { GrantTable } from './grant-table.ts';
import { describeCall, hypercallWords, type HypercallWords } from './hypercall-names.ts';
import { xenVersion } from './information.ts';
import { HYPERCALL_MSR, xenLeaf } from './leaves.ts';
import { Scheduling } from './scheduling.ts';
import { SharedPage } from './shared-page.ts';
import { Timers } from './timers.ts';
import { vcpuOperation } from './vcpu-operations.ts';
import { XenError } from './xen-error.ts';
import { XenStore } from './xenstore.ts';

/** Pages of RAM that no memory map of a PC tells of, between video memory and the firmware: shared_info and the rings at first. */
const PAGES = { sharedInfo: 0xe0000, store: 0xe1000, console: 0xe2000 } as const;
const VIDEO = { first: 0xa0000, last: 0xbffff } as const;
/** Bytes of an entry of a memory map, and the most that Xen takes. */
const MAP_ENTRY = 20;
const MOST_RANGES = 128;
/** HVM_PARAM_*. */
const PARAM = { callback: 0, storeFrame: 1, storePort: 2, consoleFrame: 17, consolePort: 18 } as const;
/** XENMAPSPACE_*. */
const SPACE = { sharedInfo: 0, grantTable: 1 } as const;

/** A guest on virtual hardware: CPUID leaves, a hypercall page, and hypercalls by VMCALL or VMMCALL. */
export function pvhDomain(host: SupervisorHost, guestMemory: number): Supervisor {
  return new PvhDomain(host, guestMemory);
}

class PvhDomain implements Supervisor {
  readonly name = 'xen';
  readonly hypercalls: HypercallLog;
  readonly intercepts: Supervisor['intercepts'];
  readonly device: Supervisor['device'];
  private readonly domain: Domain;
  private readonly memory: number;
  private readonly shared: SharedPage;
  private readonly events: Events;
  private readonly timers = new Timers(false);
  private readonly scheduling: Scheduling;
  private readonly console: ConsoleRing;
  private readonly store: XenStore;
  private readonly log: GuestLog;
  private readonly grants: GrantTable;
  private parameters = new Map<number, bigint>();
  /** The memory map, as the guest gets it. */
  private map: number[];

  constructor(host: SupervisorHost, guestMemory: number) {
    const { cpu } = host;
    this.memory = guestMemory;
    this.map = ramMap(guestMemory);
    // Such a domain has no video memory: its pages are free, and boot loaders take them.
    cpu.memory.setDevicePages(VIDEO.first, VIDEO.last, false);
    this.domain = makeDomain(host, 'pvh', 2 ** 32);
    this.hypercalls = new HypercallLog(() => cpu.retired);
    this.log = new GuestLog(this.domain);
    this.grants = new GrantTable(this.domain);
    fillMachine(this.domain, PAGES.sharedInfo, initialSharedInfo());
    this.shared = new SharedPage(this.domain, PAGES.sharedInfo);
    this.shared.setWallClock();
    this.shared.updateTime();
    this.events = new Events(this.domain, this.shared, [STORE_PORT, CONSOLE_PORT]);
    this.console = new ConsoleRing(this.domain, PAGES.console / PAGE_SIZE, () => this.events.raise(CONSOLE_PORT));
    this.store = new XenStore(this.domain, PAGES.store / PAGE_SIZE, () => this.events.raise(STORE_PORT));
    this.scheduling = new Scheduling(this.domain, this.shared, this.timers, () => {
      this.console.kick();
      this.store.kick();
    });
    this.events.onKick = (port) => (port === CONSOLE_PORT ? this.console : this.store).kick();
    this.events.onPending = (port) => this.scheduling.portPending(port);
    this.parameters.set(PARAM.storeFrame, BigInt(PAGES.store / PAGE_SIZE));
    this.parameters.set(PARAM.storePort, BigInt(STORE_PORT));
    this.parameters.set(PARAM.consoleFrame, BigInt(PAGES.console / PAGE_SIZE));
    this.parameters.set(PARAM.consolePort, BigInt(CONSOLE_PORT));
    this.intercepts = {
      cpuid: (leaf, subleaf, own) => xenLeaf('pvh', leaf, subleaf, own),
      readMsr: (index) => (index === HYPERCALL_MSR ? 0n : undefined),
      writeMsr: (index, value) => index === HYPERCALL_MSR && this.installPage(value),
      hypercall: () => {
        this.call();
        return true;
      },
    };
    this.device = {
      name: 'Xen',
      nextEvent: () => this.timers.nextEvent,
      advance: (now) => this.advance(now),
      save: () => ({
        shared: this.shared.save(),
        events: this.events.save(),
        timers: this.timers.save(),
        scheduling: this.scheduling.save(),
        console: this.console.save(),
        store: this.store.save(),
        log: this.log.save(),
        grants: this.grants.save(),
        map: this.map,
        parameters: [...this.parameters].map(([index, value]) => [index, value.toString()]),
      }),
      restore: (state) => {
        const saved = state as unknown as Record<string, Record<string, unknown>> & {
          parameters: [number, string][];
          map: number[];
        };
        const part = (name: string): Record<string, unknown> => saved[name] ?? {};
        this.shared.restore(part('shared'));
        this.events.restore(part('events'));
        this.timers.restore(part('timers'));
        this.scheduling.restore(part('scheduling'));
        this.console.restore(part('console'));
        this.store.restore(part('store'));
        this.log.restore(part('log'));
        this.grants.restore(part('grants'));
        this.map = [...saved.map];
        this.parameters = new Map(saved.parameters.map(([index, value]) => [index, BigInt(value)]));
      },
    };
  }

  consoleInput(bytes: Iterable<number>): void {
    this.console.type(bytes);
  }

  /** Physical address, with the number of the page in the lowest bits. */
  private installPage(value: bigint): boolean {
    const address = Number(value & 0xffffffffn & ~0xfffn);
    if (value >> 32n === 0n && (value & 0xfffn) === 0n && address + PAGE_SIZE <= this.memory)
      fillMachine(this.domain, address, hypercallPage('pvh'));
    else this.domain.host.reportGap(`Xen: a hypercall page cannot be put at ${hex(value)}`);
    return true;
  }

  private call(): void {
    const { state } = this.domain.host.cpu;
    const number = state.register32(REGISTER.eax);
    const words = hypercallWords(this.domain);
    const call = describeCall(this.domain, number, words);
    this.hypercalls.make(call, () => {
      const result = this.perform(call.name, number, words);
      state.setRegister32(REGISTER.eax, result >>> 0);
      return result;
    });
  }

  private perform(name: string, number: number, words: HypercallWords): number {
    try {
      if (this.domain.host.cpu.state.cpl !== 0) throw new XenError('EPERM', 'hypercalls are made at CPL 0');
      return this.dispatch(name, number, words);
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      this.domain.host.reportGap(`Xen: ${name} gives -${error.errno}: ${error.reason}`);
      return error.result;
    }
  }

  private dispatch(name: string, number: number, [first, second, third]: HypercallWords): number {
    const { domain, shared, timers } = this;
    switch (number) {
      case 12:
        return this.memoryOperation(name, first, second);
      case 15:
        timers.setOneShot(BigInt(first) | (BigInt(second) << 32n));
        return 0;
      case 17:
        return xenVersion(domain, 0, first, second);
      case 18:
        return this.log.operate(first, second, third);
      case 20:
        return this.grants.operate(first, second, third);
      case 24:
        return vcpuOperation(domain, { shared, timers, owned: (frame) => frame * PAGE_SIZE < this.memory }, [
          first,
          second,
          third,
        ]);
      case 29:
        return this.scheduling.operate(first, second);
      case 32:
        return this.events.operate(first, second);
      case 33:
        throw new XenError('ENOSYS', 'a PVH guest has no physical interrupts to ask for');
      case 34:
        return this.parameter(first, second);
      default:
        throw new XenError('ENOSYS', `a PVH guest has no hypercall ${name}`);
    }
  }

  private memoryOperation(name: string, cmd: number, arg: number): number {
    const { guest } = this.domain;
    switch (cmd) {
      case 7:
        return this.addToPhysmap(arg);
      case 9:
        return this.giveMap(arg);
      case 13: {
        // {u16 domid, u32 nr_entries, list}: a boot loader gives its kernel a map of its own.
        const count = guest.read32(arg + 4);
        if (count > MOST_RANGES)
          throw new XenError('EINVAL', `a memory map of ${count} entries; ${MOST_RANGES} are the most`);
        this.map = [...guest.bytes(guest.read32(arg + 8), count * MAP_ENTRY)];
        return 0;
      }
      case 3:
      case 4:
        return this.memory / PAGE_SIZE;
      case 14:
        return this.memory / PAGE_SIZE - 1;
      default:
        throw new Unimplemented(`Xen: ${name} of a PVH guest`);
    }
  }

  /** XENMEM_memory_map {u32 nr_entries, list of {u64 address, u64 size, u32 type}}. */
  private giveMap(arg: number): number {
    const { guest } = this.domain;
    const count = this.map.length / MAP_ENTRY;
    if (guest.read32(arg) < count) throw new XenError('EINVAL', `the memory map has ${count} entries`);
    guest.copyTo(guest.read32(arg + 4), Uint8Array.from(this.map));
    guest.write32(arg, count);
    return 0;
  }

  /** XENMEM_add_to_physmap {u16 domid, u16 size, u32 space, u32 idx, u32 gpfn}: what Xen has comes to where the guest wants it. */
  private addToPhysmap(arg: number): number {
    const { guest } = this.domain;
    const [domid, space, index, frame] = [
      guest.read16(arg),
      guest.read32(arg + 4),
      guest.read32(arg + 8),
      guest.read32(arg + 12),
    ];
    if (domid !== DOMID.self && domid !== GUEST_DOMAIN) throw new XenError('ESRCH', `there is no domain ${domid}`);
    if ((frame + 1) * PAGE_SIZE > this.memory) throw new XenError('EINVAL', `frame ${hex(frame)} is not the guest's`);
    if (space === SPACE.sharedInfo && index === 0) {
      this.shared.moveTo(frame * PAGE_SIZE);
      return 0;
    }
    // Nobody reads what the guest grants: its table may be wherever the guest wants it.
    if (space === SPACE.grantTable) {
      fillMachine(this.domain, frame * PAGE_SIZE, new Uint8Array(PAGE_SIZE));
      return 0;
    }
    throw new XenError('ENOSYS', `XENMEM_add_to_physmap of space ${space}`);
  }

  /** HVMOP_set_param and HVMOP_get_param: {u16 domid, u32 index, u64 value}. */
  private parameter(cmd: number, arg: number): number {
    const { guest } = this.domain;
    if (cmd > 1) throw new XenError('ENOSYS', `hvm_op ${cmd} is for those who build domains`);
    const index = guest.read32(arg + 4);
    if (cmd === 1) {
      guest.write64(arg + 8, this.parameters.get(index) ?? 0n);
      return 0;
    }
    if (index !== PARAM.callback) throw new XenError('EPERM', `parameter ${index} is set by those who build domains`);
    this.parameters.set(index, guest.read64(arg + 8));
    this.domain.host.reportGap('Xen: events reach a PVH guest by polling alone: this Xen raises no interrupt for them');
    return 0;
  }

  private advance(now: number): void {
    const { timer, poll } = this.timers.advance(now);
    if (timer) {
      this.shared.updateTime();
      this.events.raiseVirtual(0);
    }
    if (poll && this.scheduling.polling) {
      this.scheduling.endPoll();
      this.domain.host.cpu.wake();
    }
  }
}

/** The ranges of RAM that a PC has. */
function ramMap(memory: number): number[] {
  const ranges = [
    [0n, 0x9fc00n],
    [0x100000n, BigInt(memory - 0x100000)],
  ] as const;
  const bytes = new Uint8Array(ranges.length * MAP_ENTRY);
  const view = new DataView(bytes.buffer);
  ranges.forEach(([address, size], n) => {
    view.setBigUint64(n * MAP_ENTRY, address, true);
    view.setBigUint64(n * MAP_ENTRY + 8, size, true);
    view.setUint32(n * MAP_ENTRY + 16, 1, true);
  });
  return [...bytes];
}
