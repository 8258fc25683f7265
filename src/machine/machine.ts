import { Cpu, type CpuExit, type EngineName, type HandlerSource } from '../cpu/cpu.ts';
import type { Watchpoint } from '../cpu/watchpoints.ts';
import type { CpuModelName } from '../x86/cpu-model.ts';
import { TripleFault, Unimplemented, type CpuFault, type FaultRecord } from '../cpu/fault.ts';
import { Emitter } from '../util/emitter.ts';
import { internalError, StartOfDayError } from '../util/errors.ts';
import { binarySize, hex } from '../util/hex.ts';
import { acpiTables } from './firmware/acpi-tables.ts';
import { Bios } from './firmware/bios/bios.ts';
import { Bus } from './bus.ts';
import { MachineClock } from './clock.ts';
import type { Device } from './device.ts';
import { createDevices, type Devices } from './devices.ts';
import { FaultLog } from './fault-log.ts';
import { handOver } from './firmware/firmware-handover.ts';
import { HypercallLog } from './hypercall-log.ts';
import { IdleWait } from './idle-wait.ts';
import { hardwareInterrupts } from './interrupts/hardware-interrupts.ts';
import { checkSnapshot, restorePages, savePages, SNAPSHOT_VERSION, type MachineSnapshot } from './machine-snapshot.ts';
import { NO_LOCAL_APIC } from './interrupts/local-apic-registers.ts';
import { multiprocessorTables } from './firmware/multiprocessor-table.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { pressAndRelease, typedText } from './input/scan-codes.ts';
import { codeAddress, stops } from './stop-sentences.ts';
import type { MachineStop, RunLimits } from './stop.ts';
import type { AttachSupervisor, InterruptSource, Supervisor, SupervisorState } from './supervisor.ts';
import type { SerialPort } from './serial/serial-port.ts';
import type { ScreenSnapshot } from './video/vga-screen.ts';
import type { UnclaimedAccess } from './unclaimed.ts';

export interface MachineOptions {
  /** Bytes of guest physical memory: a multiple of 64 KiB from 1 MiB to 3 GiB. */
  readonly memory: number;
  /** Which CPU; default `default` (see `cpu-model.ts`). */
  readonly cpu?: CpuModelName;
  /** Default `translator`. */
  readonly engine?: EngineName;
  /** The interpreter's handlers, built ahead of time; without, they are made when they are needed. */
  readonly handlers?: HandlerSource;
}

const ONE_INSTRUCTION: RunLimits = { maxInstructions: 1, breakpoints: false };

const MEMORY_GRAIN = 0x10000;
const LEAST_MEMORY = 0x100000;
/** Devices of a PC are mapped above. */
const MOST_MEMORY = 0xc0000000;

/** What one turn of the run loop costs beside its instructions, in units of slice. */
const TURN_WORK = 16;
/** The CPU counts its budget in 31 bits. */
const LARGEST_BUDGET = 0x7fffffff;
/** A PC: the CPU, its memory and its devices, and the loop that lets their time pass together. */
export class Machine {
  readonly cpu: Cpu;
  readonly memory: PhysicalMemory;
  readonly bus: Bus;
  readonly devices: Devices;
  /** Every exception at the moment it is raised. */
  readonly onFault: Emitter<FaultRecord>;
  /** What the guest sends to its first serial line: COM1, and the console that a hypervisor gives it. A byte at a time. */
  readonly onSerial = new Emitter<number>();
  /** What the guest prints through port 0xe9: a character at a time, as Latin-1. */
  readonly console = new Emitter<string>();
  private readonly clock = new MachineClock(() => this.cpu.retired);
  private readonly faultLog = new FaultLog(() => this.cpu.instructionBytes());
  private interrupts: InterruptSource;
  private timed: readonly SupervisorState[];
  private readonly idleWait: IdleWait;
  private supervisor: Supervisor | undefined;
  private readonly noHypercalls = new HypercallLog(() => 0);
  /** A stop that nothing continues from: asked for by a device, or the end of the CPU. */
  private finalStop: MachineStop | undefined;
  /** What the hypervisor has printed before the first run. */
  private unsaid: string | undefined = '';
  /** The last run ended in the middle of its work: the next instruction was not stopped at. */
  private yielded = false;
  /** Tick at which the CPU last ran. */
  private ranAt = 0;
  /** Tick up to which the CPU may run unattended. */
  private horizon = 0;
  /** Before this tick nothing is due and nothing is pending, unless a device or the host says so first: what {@link step} asks alone. */
  private quietUntil = 0;

  /** Throws `memory-size`. */
  constructor(options: MachineOptions) {
    checkMemorySize(options.memory);
    this.bus = new Bus(
      this.clock,
      () => this.deviceAccessed(),
      () => codeAddress(this.cpu.state, this.cpu.instruction.ip),
    );
    const { cpu: model, engine = 'translator', handlers } = options;
    this.cpu = new Cpu({ ramSize: options.memory, bus: this.bus, engine, model, handlers });
    this.memory = new PhysicalMemory(this.cpu.state);
    const hardware = createDevices(this.clock, this.bus, {
      ram: this.memory.bytes,
      setDevicePages: (first, last, device) => this.cpu.memory.setDevicePages(first, last, device),
    });
    const { devices } = hardware;
    this.devices = devices;
    this.timed = hardware.timed;
    this.interrupts = hardwareInterrupts(this.cpu, hardware.interrupts);
    this.idleWait = new IdleWait(this.clock, () => this.timed, hardware);
    this.onFault = this.faultLog.onFault;
    this.connect();
    const apic = this.cpu.state.model.features.has('APIC');
    if (!apic) devices.localApic.base = NO_LOCAL_APIC;
    const tables = apic ? [...acpiTables(apic), ...multiprocessorTables()] : acpiTables(apic);
    for (const { address, bytes } of tables) this.memory.write(address, bytes);
    handOver(this.bus);
  }

  /** Instructions retired since the start. */
  get instructions(): number {
    return this.cpu.retired;
  }

  /** Guest time: instructions and skipped idle ticks (see `clock.ts`). */
  get ticks(): number {
    return this.clock.now;
  }

  /** The latest exceptions, oldest first; at a triple fault they end with its chain. */
  get faults(): readonly FaultRecord[] {
    return this.faultLog.list();
  }

  /** What the guest asked for that nobody answers. */
  get unclaimed(): readonly UnclaimedAccess[] {
    return this.bus.unclaimed.list();
  }

  /** What the VGA shows now. */
  screen(): ScreenSnapshot {
    return this.devices.screen.snapshot();
  }

  /** The whole state, between two instructions. */
  save(): MachineSnapshot {
    return {
      version: SNAPSHOT_VERSION,
      memory: this.memory.size,
      cpu: this.cpu.save(),
      pages: savePages(this.memory.bytes),
      devices: Object.fromEntries(this.stateful.map((device) => [device.name, device.save()])),
      time: { idle: this.clock.idle, ranAt: this.ranAt, wait: this.idleWait.state, yielded: this.yielded },
      hypercalls: this.hypercalls.save(),
      unclaimed: this.bus.unclaimed.save(),
      faults: [...this.faults],
      finalStop: this.finalStop,
    };
  }

  /**
   * Goes on from where {@link save} was called, on this machine or on another of the same size. Breakpoints and listeners stay.
   * Throws `snapshot-version` and `snapshot-memory`, and then nothing has changed.
   */
  restore(snapshot: MachineSnapshot): void {
    checkSnapshot(snapshot, this.memory.size);
    restorePages(this.memory.bytes, snapshot.pages);
    this.cpu.restore(snapshot.cpu);
    this.clock.idle = snapshot.time.idle;
    for (const device of this.stateful) {
      const state = snapshot.devices[device.name];
      if (state === undefined) throw internalError(`a snapshot without ${device.name}`);
      device.restore(state);
    }
    this.ranAt = snapshot.time.ranAt;
    this.idleWait.state = snapshot.time.wait;
    this.yielded = snapshot.time.yielded;
    this.hypercalls.restore(snapshot.hypercalls);
    this.bus.unclaimed.restore(snapshot.unclaimed);
    this.faultLog.restore(snapshot.faults);
    this.finalStop = snapshot.finalStop;
    this.hostActed();
  }

  /** What stands under the guest: "native" is bare hardware. */
  get hypervisor(): string {
    return this.supervisor?.name ?? 'native';
  }

  /** The hypercalls of the guest; on bare hardware there are none. */
  get hypercalls(): HypercallLog {
    return this.supervisor?.hypercalls ?? this.noHypercalls;
  }

  /** Puts a hypervisor under the guest, which stands at its entry. */
  attachSupervisor(attach: AttachSupervisor): void {
    const { cpu, memory, clock, bus } = this;
    const supervisor = attach({
      cpu,
      memory,
      clock,
      print: (text) => this.print(text),
      stop: (stop) => {
        this.finalStop ??= stop;
        cpu.attention();
      },
      reportGap: (what) => bus.unclaimed.note('device', what),
    });
    this.supervisor = supervisor;
    cpu.intercepts = supervisor.intercepts;
    bus.intercepts = supervisor.ports;
    this.timed = [...this.timed, supervisor.device];
    if (supervisor.interrupts !== undefined) this.interrupts = supervisor.interrupts;
    this.hostActed();
  }

  /** The console of the hypervisor. What it says before the first run waits for that: nobody listens yet. */
  private print(text: string): void {
    if (this.unsaid !== undefined) this.unsaid += text;
    else for (const character of text) this.onSerial.fire(character.charCodeAt(0) & 0xff);
  }

  /** Types text on the US keyboard, or on the console of the hypervisor. Throws `no-such-key` before any key is pressed. */
  typeText(text: string): void {
    if (this.supervisor?.consoleInput !== undefined) return this.receiveSerial(new TextEncoder().encode(text));
    this.pressScanCodes(typedText(text));
  }

  /** Presses and releases a key by its name ("Enter", "ArrowLeft", "F1") or character. Throws `no-such-key`. */
  pressKey(name: string): void {
    this.pressScanCodes(pressAndRelease(name));
  }

  /** Sends scan codes of set 1 from the keyboard, presses and releases. */
  pressScanCodes(scanCodes: readonly number[]): void {
    this.devices.keyboard.press(scanCodes);
    this.hostActed();
  }

  /** Moves the mouse by counts: `dx` to the right, `dy` down, `wheel` notches towards the user. */
  moveMouse(dx: number, dy: number, wheel = 0): void {
    this.devices.keyboard.moveMouse(dx, dy, wheel);
    this.hostActed();
  }

  /** The mouse buttons that are down: left, right, middle, fourth and fifth in bits 0..4. */
  mouseButtons(down: number): void {
    this.devices.keyboard.pressMouse(down);
    this.hostActed();
  }

  /** Bytes arrive at a serial port, COM1 unless another is given; or on the console of the hypervisor in the place of COM1. */
  receiveSerial(bytes: Iterable<number>, port: SerialPort = this.devices.serial): void {
    const console = port === this.devices.serial ? this.supervisor : undefined;
    if (console?.consoleInput !== undefined) console.consoleInput(bytes);
    else for (const byte of bytes) port.receive(byte);
    this.hostActed();
  }

  /** COM1 to COM4. */
  get serialPorts(): readonly SerialPort[] {
    return this.devices.serialPorts;
  }

  /** Linear addresses before which {@link run} stops. */
  setBreakpoints(linear: Iterable<number>): void {
    this.cpu.setBreakpoints(linear);
  }

  /** Linear memory after whose access {@link run} stops. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.cpu.setWatchpoints(watchpoints);
  }

  /** Raises the NMI line: delivered before the next instruction, or when the last NMI's handler returns and port 0x70 lets it. */
  nonMaskableInterrupt(): void {
    this.cpu.state.nonMaskablePending = true;
    this.hostActed();
  }

  /** Runs until something of `limits` or of the guest stops it. After a final stop it returns that stop again. */
  run(limits: RunLimits): MachineStop {
    this.quietUntil = 0;
    if (this.unsaid !== undefined) {
      const { unsaid } = this;
      this.unsaid = undefined;
      this.print(unsaid);
    }
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
    this.quietUntil = this.finalStop !== undefined || pending ? 0 : this.nextEvent();
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
      if (this.finalStop) return this.finalStop;
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
  private hostActed(): void {
    this.quietUntil = 0;
  }

  /** The running instruction reached a device: ends the CPU's run where an interrupt, an earlier event or a stop came of it. */
  private deviceAccessed(): void {
    this.quietUntil = 0;
    const interrupted = this.interrupts.pending() && this.interrupts.open();
    if (interrupted || this.nonMaskableDue || this.finalStop || this.nextEvent() < this.horizon) this.cpu.attention();
  }

  private stopFor(exit: CpuExit, limits: RunLimits): MachineStop | undefined {
    switch (exit.kind) {
      case 'breakpoint':
        return limits.breakpoints === false ? undefined : stops.breakpoint(this.nextAddress());
      case 'watchpoint':
        if (limits.breakpoints === false) return undefined;
        return stops.watchpoint(codeAddress(this.cpu.state, this.cpu.instruction.ip), exit.hit);
      case 'triple-fault':
        return (this.finalStop = this.tripleFault(exit.chain));
      case 'unimplemented':
        return stops.unimplemented(this.nextAddress(), exit.what);
      case 'hypercall':
        // Where nobody stops, the call is made when the instruction runs again.
        return limits.breakpoints === false ? undefined : stops.hypercall(this.nextAddress(), exit.what);
      case 'slice':
        // The slice may end together with what a device asked for: the next turn tells.
        return this.finalStop ?? stops.slice();
      case 'budget':
      case 'attention':
      case 'halted':
        return undefined;
    }
  }

  private get nonMaskableDue(): boolean {
    return this.cpu.nonMaskableDue && !this.devices.cmos.nonMaskableInterruptsOff;
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
      if (error instanceof TripleFault) return (this.finalStop = this.tripleFault(error.chain));
      if (!(error instanceof Unimplemented)) throw error;
      // The controllers have given the interrupt away: running on would lose it.
      return (this.finalStop = stops.unimplemented(this.nextAddress(), error.what));
    }
  }

  /** The CPU is halted: lets time pass up to the next event, or tells why none will wake it. */
  private waitForEvent(hostWatches: boolean): MachineStop | undefined {
    const { clock, cpu } = this;
    const at = codeAddress(cpu.state, cpu.instruction.ip);
    const { supervisor } = this;
    // A hypervisor wakes its guest by rules of its own.
    if (!cpu.interruptible && supervisor?.interrupts === undefined) return stops.haltInterruptsOff(at);
    const next = this.nextEvent();
    const mayBeTyped = hostWatches && supervisor?.consoleInput !== undefined;
    if (!mayBeTyped && !this.idleWait.mayEnd(this.ranAt, next, hostWatches)) return stops.haltNoEvent(at);
    if (next !== Infinity) clock.skipTo(next);
    return hostWatches ? stops.idle() : undefined;
  }

  /** The running instruction waits for what a device does at `tick`: it takes until then, or until something else happens. */
  private pollUntil(tick: number): void {
    this.clock.skipTo(Math.min(tick, this.nextEvent()) - 1);
    // The CPU counted on the time up to the horizon.
    this.cpu.attention();
  }

  /** Whose state is in a snapshot. */
  private get stateful(): readonly Pick<Device, 'name' | 'save' | 'restore'>[] {
    return this.supervisor === undefined ? this.devices.all : [...this.devices.all, this.supervisor.device];
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
    return stops.tripleFault(this.nextAddress(), this.faultLog.latest(chain.length));
  }

  private connect(): void {
    const { cpu, devices } = this;
    const here = (): string => codeAddress(cpu.state, cpu.instruction.ip);
    const stop = (reason: MachineStop): void => void (this.finalStop ??= reason);
    cpu.onFault.on((event) => this.faultLog.add(event));
    this.memory.onWrite.on(() => cpu.stateChanged());
    for (const port of devices.serialPorts) port.onPoll.on((tick) => this.pollUntil(tick));
    devices.serial.onTransmit.on((byte) => this.onSerial.fire(byte));
    devices.a20.onChange.on((on) => cpu.setA20(on));
    this.bus.interruptWaits = () => this.interrupts.pending() || cpu.state.nonMaskablePending;
    devices.debugPort.onConsole.on((byte) => this.console.fire(String.fromCharCode(byte)));
    devices.debugPort.onExit.on((value) => stop(stops.debugExit(here(), value)));
    devices.systemControl.onReset.on((port) => stop(stops.reset(here(), `port ${hex(port)}`)));
    devices.localApic.onNonMaskable.on(() => {
      this.nonMaskableInterrupt();
      cpu.attention();
    });
    this.connectBios(stop);
    this.bus.onApicBase.on((value) => (devices.localApic.base = value));
    devices.powerManagement.onPowerOff.on(() => stop(stops.powerOff(here())));
    devices.keyboard.onReset.on(() => stop(stops.reset(here(), 'the keyboard controller')));
  }

  private connectBios(stop: (reason: MachineStop) => void): void {
    const { cpu, clock, devices } = this;
    const { unclaimed } = this.bus;
    const bios = new Bios({
      cpu,
      clock,
      pollUntil: (tick) => this.pollUntil(tick),
      report: (what, key) => unclaimed.note('device', what, key),
      end: (reason, what) => stop({ reason, description: `${what}.` }),
    });
    devices.biosPort.onRequest.on(() => {
      if (!bios.serve()) unclaimed.note('port', 'write to the port of the BIOS services from outside its ROM');
    });
  }
}

function checkMemorySize(memory: number): void {
  if (memory >= LEAST_MEMORY && memory <= MOST_MEMORY && memory % MEMORY_GRAIN === 0) return;
  throw new StartOfDayError({
    code: 'memory-size',
    blame: 'user',
    title: `A machine cannot have ${binarySize(memory)} of memory`,
    detail: `memory is ${memory} bytes; it must be a multiple of ${MEMORY_GRAIN} from ${LEAST_MEMORY} to ${MOST_MEMORY}`,
    mend: 'Give the machine between "1M" and "3G" of memory, in steps of 64K.',
  });
}
