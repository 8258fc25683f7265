import type { Cpu, CpuExit } from '../cpu/cpu.ts';
import { TripleFault, Unimplemented, type CpuFault } from '../cpu/fault.ts';
import type { TableRegister } from '../cpu/state.ts';
import { CR0 } from '../x86/control-registers.ts';
import type { MachineClock } from './clock.ts';
import type { Hardware } from './devices.ts';
import type { FaultLog } from './fault-log.ts';
import { IdleWait } from './idle-wait.ts';
import { hardwareInterrupts } from './interrupts/hardware-interrupts.ts';
import type { MachineTime } from './machine-snapshot.ts';
import { codeAddress, stops } from './stop-sentences.ts';
import type { MachineStop, RunLimits } from './stop.ts';
import type { InterruptSource, Supervisor, SupervisorState } from './supervisor.ts';

const ONE_INSTRUCTION: RunLimits = { maxInstructions: 1, breakpoints: false };
/** What one turn of the run loop costs beside its instructions, in units of slice. */
const TURN_WORK = 16;
/** The CPU counts its budget in 31 bits. */
const LARGEST_BUDGET = 0x7fffffff;

/** What the loop lets run together. */
export interface RunLoopParts {
  readonly cpu: Cpu;
  readonly clock: MachineClock;
  readonly hardware: Hardware;
  readonly faultLog: FaultLog;
}

/** Lets the time of the CPU and of the devices pass together, and stops where somebody asked for it. */
export class RunLoop {
  private readonly cpu: Cpu;
  private readonly clock: MachineClock;
  private readonly hardware: Hardware;
  private readonly faultLog: FaultLog;
  private readonly idleWait: IdleWait;
  private interrupts: InterruptSource;
  private timed: readonly Pick<SupervisorState, 'nextEvent' | 'advance'>[];
  /** A hypervisor brings the interrupts. */
  private supervised = false;
  /** A hypervisor takes what is typed. */
  private consoleInput = false;
  /** A stop that nothing continues from: asked for by a device, or the end of the CPU. */
  private ended: MachineStop | undefined;
  /** The last run ended in the middle of its work: the next instruction was not stopped at. */
  private yielded = false;
  /** Tick at which the CPU last ran. */
  private ranAt = 0;
  /** Tick up to which the CPU may run unattended. */
  private horizon = 0;
  /** IDTR at the entry; undefined before the first run. */
  private entryTable: TableRegister | undefined;
  private supervisorCatches: (() => boolean) | undefined;
  /** Before this tick nothing is due and nothing is pending, unless a device or the host says so first: what {@link step} asks alone. */
  private quietUntil = 0;

  constructor({ cpu, clock, hardware, faultLog }: RunLoopParts) {
    this.cpu = cpu;
    this.clock = clock;
    this.hardware = hardware;
    this.faultLog = faultLog;
    this.timed = hardware.timed;
    this.interrupts = hardwareInterrupts(cpu, hardware.interrupts);
    this.idleWait = new IdleWait(clock, () => this.timed, hardware);
  }

  /** The stop that nothing continues from, if there was one. */
  get finalStop(): MachineStop | undefined {
    return this.ended;
  }

  /** Nothing continues from `stop`; the first one counts. */
  end(stop: MachineStop): void {
    this.ended ??= stop;
  }

  /** An interrupt or an NMI waits for the CPU. */
  get interruptWaits(): boolean {
    return this.interrupts.pending() || this.cpu.state.nonMaskablePending;
  }

  /**
   * The kernel has handlers for exceptions: an IDT of its own, or what its hypervisor takes for one. Before that nothing can catch a fault
   * but the vectors of real mode.
   */
  get catchesFaults(): boolean {
    const { state } = this.cpu;
    if (this.supervisorCatches !== undefined) return this.supervisorCatches();
    if ((state.control(0) & CR0.PE) === 0) return true;
    const { base, limit } = state.idtr;
    return this.entryTable !== undefined && (base !== this.entryTable.base || limit !== this.entryTable.limit);
  }

  /** A hypervisor has come under the guest. */
  supervise(supervisor: Supervisor): void {
    const { device, interrupts } = supervisor;
    this.timed = [...this.timed, device];
    this.supervised = interrupts !== undefined;
    this.consoleInput = 'consoleInput' in supervisor;
    if (supervisor.catchesFaults !== undefined) this.supervisorCatches = () => supervisor.catchesFaults?.() === true;
    if (interrupts !== undefined) this.interrupts = interrupts;
    this.hostActed();
  }

  save(): MachineTime {
    return {
      idle: this.clock.idle,
      ranAt: this.ranAt,
      wait: this.idleWait.state,
      yielded: this.yielded,
      entryTable: this.entryTable,
    };
  }

  /** The CPU's count of retired instructions must be back already. */
  restore(time: MachineTime, finalStop: MachineStop | undefined): void {
    this.clock.idle = time.idle;
    this.ranAt = time.ranAt;
    this.idleWait.state = time.wait;
    this.yielded = time.yielded;
    this.entryTable = time.entryTable;
    this.ended = finalStop;
  }

  /** Runs until something of `limits` or of the guest stops it. After a final stop it returns that stop again. */
  run(limits: RunLimits): MachineStop {
    this.quietUntil = 0;
    this.entryTable ??= this.cpu.state.idtr;
    const stop = this.runToStop(limits);
    this.yielded = stop.reason === 'yield';
    return stop;
  }

  /** Runs one instruction, breakpoints ignored; undefined when it retired. The same as {@link run} with 1, but allocates nothing. */
  step(): MachineStop | undefined {
    if (this.clock.now + 1 < this.quietUntil && this.cpu.step()) {
      this.yielded = false;
      this.ranAt = this.clock.now;
      return undefined;
    }
    const stop = this.run(ONE_INSTRUCTION);
    const pending = this.interrupts.pending() || this.cpu.state.nonMaskablePending;
    this.quietUntil = this.ended !== undefined || pending ? 0 : this.nextEvent();
    return stop.reason === 'max-instructions' ? undefined : stop;
  }

  /**
   * One turn: what is due on the devices, a pending interrupt, then the CPU up to the next thing that could be due.
   * Where a run ends changes nothing of this order, so that runs cut differently meet the same events at the same ticks.
   */
  private runToStop(limits: RunLimits): MachineStop {
    const { cpu, clock, interrupts } = this;
    const end = cpu.retired + limits.maxInstructions;
    let work = limits.slice ?? Infinity;
    let skipBreakpoint = !this.yielded;
    for (;;) {
      if (this.ended) return this.ended;
      for (const device of this.timed) device.advance(clock.now);
      if (cpu.retired >= end) return stops.maxInstructions(limits.maxInstructions);
      if (work <= 0 || limits.expired?.() === true) return stops.slice();
      const interrupt = this.interruptDue();
      if (interrupt !== undefined) {
        const stop = this.deliver(interrupt);
        if (stop) return stop;
        skipBreakpoint = false;
      }
      if (cpu.halted) {
        const stop = this.waitForEvent(limits.slice !== undefined);
        if (stop) return stop;
        continue;
      }
      const start = cpu.retired;
      this.horizon = this.nextEvent();
      // After STI and MOV SS one instruction runs before an interrupt may come.
      const budget =
        (interrupts.pending() || cpu.state.nonMaskablePending) && cpu.state.interruptShadow
          ? 1
          : Math.min(end - start, this.horizon - clock.now, LARGEST_BUDGET);
      const exit = cpu.run(budget, {
        skipFirstBreakpoint: skipBreakpoint || limits.breakpoints === false,
        slice: work,
        expired: limits.expired,
      });
      const retired = cpu.retired - start;
      if (retired > 0) {
        skipBreakpoint = false;
        this.ranAt = clock.now;
      }
      work -= retired + TURN_WORK;
      const stop = this.stopFor(exit, limits);
      if (stop) return stop;
    }
  }

  /** The host has changed something that devices or interrupts depend on. */
  hostActed(): void {
    this.quietUntil = 0;
  }

  /** The running instruction reached a device: ends the CPU's run where an interrupt, an earlier event or a stop came of it. */
  deviceAccessed(): void {
    this.quietUntil = 0;
    const interrupted = this.interrupts.pending() && this.interrupts.open();
    if (interrupted || this.nonMaskableDue || this.ended || this.nextEvent() < this.horizon) this.cpu.attention();
  }

  private stopFor(exit: CpuExit, limits: RunLimits): MachineStop | undefined {
    switch (exit.kind) {
      case 'breakpoint':
        return limits.breakpoints === false ? undefined : stops.breakpoint(this.nextAddress());
      case 'watchpoint':
        if (limits.breakpoints === false) return undefined;
        return stops.watchpoint(codeAddress(this.cpu.state, this.cpu.instruction.ip), exit.hit);
      case 'triple-fault':
        return (this.ended = this.tripleFault(exit.chain));
      case 'unimplemented':
        return stops.unimplemented(this.nextAddress(), exit.what);
      case 'hypercall':
        // Where nobody stops, the call is made when the instruction runs again.
        return limits.breakpoints === false ? undefined : stops.hypercall(this.nextAddress(), exit.what, exit.name);
      case 'slice':
        // The slice may end together with what a device asked for: the next turn tells.
        return this.ended ?? stops.slice();
      case 'budget':
      case 'attention':
      case 'halted':
        return undefined;
    }
  }

  private get nonMaskableDue(): boolean {
    return this.cpu.nonMaskableDue && !this.hardware.devices.cmos.nonMaskableInterruptsOff;
  }

  /** How to deliver what comes before the next instruction; an NMI goes first (SDM 3, table 6-2). */
  private interruptDue(): (() => void) | undefined {
    const { cpu, interrupts } = this;
    if (this.nonMaskableDue) return () => cpu.deliverNonMaskable();
    if (!interrupts.pending() || !interrupts.open()) return undefined;
    return () => {
      cpu.wake();
      interrupts.deliver();
    };
  }

  private deliver(interrupt: () => void): MachineStop | undefined {
    try {
      interrupt();
      return undefined;
    } catch (error) {
      if (error instanceof TripleFault) return (this.ended = this.tripleFault(error.chain));
      if (!(error instanceof Unimplemented)) throw error;
      // The controllers have given the interrupt away: running on would lose it.
      return (this.ended = stops.unimplemented(this.nextAddress(), error.what));
    }
  }

  /** The CPU is halted: lets time pass up to the next event, or tells why none will wake it. */
  private waitForEvent(hostWatches: boolean): MachineStop | undefined {
    const { clock, cpu } = this;
    const at = codeAddress(cpu.state, cpu.instruction.ip);
    // A hypervisor wakes its guest by rules of its own.
    if (!cpu.interruptible && !this.supervised) return stops.haltInterruptsOff(at);
    const next = this.nextEvent();
    const mayBeTyped = hostWatches && this.consoleInput;
    if (!mayBeTyped && !this.idleWait.mayEnd(this.ranAt, next, hostWatches)) return stops.haltNoEvent(at);
    if (next !== Infinity) clock.skipTo(next);
    return hostWatches ? stops.idle() : undefined;
  }

  /** The running instruction waits for what a device does at `tick`: it takes until then, or until something else happens. */
  pollUntil(tick: number): void {
    this.clock.skipTo(Math.min(tick, this.nextEvent()) - 1);
    // The CPU counted on the time up to the horizon.
    this.cpu.attention();
  }

  private nextEvent(): number {
    let next = Infinity;
    for (const device of this.timed) next = Math.min(next, device.nextEvent());
    return next;
  }

  private nextAddress(): string {
    return codeAddress(this.cpu.state, this.cpu.state.ip);
  }

  private tripleFault(chain: readonly CpuFault[]): MachineStop {
    return stops.tripleFault(this.nextAddress(), this.faultLog.latest(chain.length), this.catchesFaults);
  }
}
