import { reservedGdtPage } from '../../abi/xen/descriptors.ts';
import { CONSOLE_PORT, NON_PAE_LAYOUT, PAE_LAYOUT, PAGE_SIZE, STORE_PORT, XEN_MACHINE } from '../../abi/xen/layout.ts';
import { START_INFO_FIELDS } from '../../abi/xen/start-info.ts';
import type { CpuFault } from '../../cpu/fault.ts';
import type { ExceptionOutcome } from '../../cpu/intercepts.ts';
import { cpuidLeaf } from '../../cpu/system/cpuid.ts';
import type { DeviceState } from '../../machine/device.ts';
import { HypercallLog } from '../../machine/hypercall-log.ts';
import type { Supervisor, SupervisorHost, SupervisorState } from '../../machine/supervisor.ts';
import { CR4 } from '../../x86/control-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { EFER, MSR } from '../../x86/model-specific-registers.ts';
import { ConsoleRing, GuestLog } from './console.ts';
import { checkDescriptorPage, DescriptorTables } from './descriptor-tables.ts';
import { fillMachine, makeDomain, type Domain } from './domain.ts';
import { Events } from './events.ts';
import { Frames, machineToPhysical } from './frames.ts';
import { GrantTable } from './grant-table.ts';
import { xenLeaf } from './leaves.ts';
import { MemoryHypercalls } from './memory-hypercalls.ts';
import { PageTables } from './page-tables.ts';
import { PrivilegedInstructions } from './privileged.ts';
import { PvHypercalls, type PvParts } from './pv-hypercalls.ts';
import { Scheduling } from './scheduling.ts';
import { SharedPage } from './shared-page.ts';
import { Timers } from './timers.ts';
import { Traps } from './traps.ts';
import { WritableTables } from './writable-tables.ts';
import { XenStore } from './xenstore.ts';

const HYPERCALL_VECTOR = 0x82;
const VIRQ_TIMER = 0;

/** A PV domain: the parts of Xen under it, bound together. */
export class PvDomain implements Supervisor {
  readonly name = 'xen';
  readonly hypercalls: HypercallLog;
  readonly intercepts = {
    softwareInterrupt: (vector: number): boolean => this.softwareInterrupt(vector),
    exception: (fault: CpuFault): ExceptionOutcome => this.exception(fault),
  };
  readonly interrupts = {
    pending: (): boolean => this.due,
    open: (): boolean => true,
    deliver: (): void => this.deliver(),
  };
  readonly device: SupervisorState = {
    name: 'Xen',
    nextEvent: () => this.parts.timers.nextEvent,
    advance: (now) => this.advance(now),
    save: () => this.save(),
    restore: (state) => this.restore(state),
  };
  private readonly domain: Domain;
  private readonly parts: PvParts;
  private readonly store: XenStore;
  private readonly calls: PvHypercalls;
  /** An event is due: found when Xen was last entered, as Xen looks on its way back to the guest. */
  private due = false;

  /** `startInfo`: machine address of start_info. */
  constructor(host: SupervisorHost, startInfo: number) {
    const { cpu, memory } = host;
    const layout = (cpu.state.control(4) & CR4.PAE) === 0 ? NON_PAE_LAYOUT : PAE_LAYOUT;
    const domain = makeDomain(host, 'pv', layout.hole);
    const frames = new Frames(cpu, memory.size);
    const tables = new PageTables(cpu, layout, frames, sharedFrames(), (frame) =>
      checkDescriptorPage(domain, layout, frame),
    );
    frames.validator = tables;
    fillMachine(domain, XEN_MACHINE.gdt, reservedGdtPage(layout));
    memory.write(XEN_MACHINE.machineToPhysical, machineToPhysical(frames));
    if (cpu.state.model.features.has('NX')) cpu.state.setModelSpecific(MSR.efer, BigInt(EFER.NXE));
    const descriptors = new DescriptorTables(domain, frames, tables);
    tables.adopt(cpu.state.control(3) >>> 12);
    const shared = new SharedPage(domain, XEN_MACHINE.sharedInfo);
    shared.setWallClock();
    shared.updateTime();
    const events = new Events(domain, shared, [STORE_PORT, CONSOLE_PORT]);
    const timers = new Timers(true);
    const console = new ConsoleRing(domain, ringFrame(host, startInfo, 'console.domU.mfn'), () =>
      events.raise(CONSOLE_PORT),
    );
    this.store = new XenStore(domain, ringFrame(host, startInfo, 'store_mfn'), () => events.raise(STORE_PORT));
    const scheduling = new Scheduling(domain, shared, timers, () => {
      console.kick();
      this.store.kick();
    });
    events.onKick = (port) => (port === CONSOLE_PORT ? console : this.store).kick();
    events.onPending = (port) => scheduling.portPending(port);
    const privileged = new PrivilegedInstructions(domain, shared, tables);
    privileged.identify = (leaf, subleaf) => {
      const own = cpuidLeaf(cpu.state.model, leaf);
      return xenLeaf('pv', leaf, subleaf, own) ?? own;
    };
    this.domain = domain;
    this.parts = {
      domain,
      frames,
      tables,
      descriptors,
      memory: new MemoryHypercalls(domain, frames, tables, descriptors),
      shared,
      events,
      timers,
      traps: new Traps(domain, shared, layout.hole),
      privileged,
      scheduling,
      writable: new WritableTables(domain, frames, tables),
      console,
      log: new GuestLog(domain),
      grants: new GrantTable(domain),
    };
    this.hypercalls = new HypercallLog(() => cpu.retired);
    this.calls = new PvHypercalls(this.parts, this.hypercalls);
  }

  catchesFaults(): boolean {
    return this.parts.traps.any;
  }

  consoleInput(bytes: Iterable<number>): void {
    this.parts.console.type(bytes);
    this.look();
  }

  private softwareInterrupt(vector: number): boolean {
    const { state } = this.domain.host.cpu;
    if (vector === HYPERCALL_VECTOR && state.cpl === 1) {
      this.calls.call();
      this.look();
      return true;
    }
    return this.parts.traps.interrupt(vector);
  }

  private exception(fault: CpuFault): ExceptionOutcome {
    const outcome = this.emulated(fault) ? 'emulated' : 'delivered';
    if (outcome === 'delivered') this.parts.traps.raise(fault);
    this.look();
    return outcome;
  }

  private emulated(fault: CpuFault): boolean {
    const { privileged, writable } = this.parts;
    switch (fault.vector) {
      case VECTOR.NM:
        return privileged.useFpu();
      case VECTOR.UD:
        return privileged.forcedEmulation();
      case VECTOR.GP:
        return privileged.emulate(fault);
      case VECTOR.PF:
        return writable.emulate(fault);
      default:
        return false;
    }
  }

  private deliver(): void {
    this.due = false;
    this.parts.scheduling.endPoll();
    this.parts.traps.upcall();
  }

  private advance(now: number): void {
    const { timers, events, shared, scheduling } = this.parts;
    const { timer, poll } = timers.advance(now);
    if (timer) {
      shared.updateTime();
      events.raiseVirtual(VIRQ_TIMER);
    }
    if (poll && scheduling.polling) {
      scheduling.endPoll();
      this.domain.host.cpu.wake();
    }
    if (timer || poll) this.look();
  }

  /** On the way back to the guest: is there an event for it? */
  private look(): void {
    const { shared } = this.parts;
    this.due = shared.upcallPending && !shared.masked;
  }

  private save(): DeviceState {
    const { frames, tables, descriptors, shared, events, timers, traps, privileged, scheduling, writable, console } =
      this.parts;
    return {
      due: this.due,
      writable: writable.enabled,
      frames: frames.save(),
      linear: tables.save(),
      descriptors: descriptors.save(),
      shared: shared.save(),
      events: events.save(),
      timers: timers.save(),
      traps: traps.save(),
      privileged: privileged.save(),
      scheduling: scheduling.save(),
      console: console.save(),
      log: this.parts.log.save(),
      grants: this.parts.grants.save(),
      store: this.store.save(),
    };
  }

  private restore(state: DeviceState): void {
    const { frames, tables, descriptors, shared, events, timers, traps, privileged, scheduling, writable, console } =
      this.parts;
    const saved = state as { due: boolean; writable: boolean; linear: number[] } & Record<string, DeviceState>;
    const part = (name: string): DeviceState => saved[name] ?? {};
    this.due = saved.due;
    writable.enabled = saved.writable;
    frames.restore(part('frames'));
    tables.restore(saved.linear);
    descriptors.restore(part('descriptors'));
    shared.restore(part('shared'));
    events.restore(part('events'));
    timers.restore(part('timers'));
    traps.load(part('traps'));
    privileged.restore(part('privileged'));
    scheduling.restore(part('scheduling'));
    console.restore(part('console'));
    this.parts.log.restore(part('log'));
    this.parts.grants.restore(part('grants'));
    this.store.restore(part('store'));
  }
}

/** Frames of Xen that the guest may map. */
function sharedFrames(): ReadonlySet<number> {
  const grants = Array.from({ length: XEN_MACHINE.grantFrames }, (_, n) => XEN_MACHINE.grantTable / PAGE_SIZE + n);
  return new Set([XEN_MACHINE.sharedInfo / PAGE_SIZE, XEN_MACHINE.grantStatus / PAGE_SIZE, ...grants]);
}

function ringFrame({ memory }: SupervisorHost, startInfo: number, field: 'store_mfn' | 'console.domU.mfn'): number {
  const offset = START_INFO_FIELDS.find(({ name }) => name === field)?.offset ?? 0;
  return memory.read32(startInfo + offset);
}
