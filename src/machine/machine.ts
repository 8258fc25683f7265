import { Cpu, type EngineName, type HandlerSource } from '../cpu/cpu.ts';
import type { Watchpoint } from '../cpu/watchpoints.ts';
import type { CpuModelName } from '../x86/cpu-model.ts';
import type { FaultRecord } from '../cpu/fault.ts';
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
import { checkSnapshot, restorePages, savePages, SNAPSHOT_VERSION, type MachineSnapshot } from './machine-snapshot.ts';
import { NO_LOCAL_APIC } from './interrupts/local-apic-registers.ts';
import { multiprocessorTables } from './firmware/multiprocessor-table.ts';
import { PhysicalMemory } from './physical-memory.ts';
import { pressAndRelease, typedText } from './input/scan-codes.ts';
import { codeAddress, stops } from './stop-sentences.ts';
import { RunLoop } from './run-loop.ts';
import type { MachineStop, RunLimits } from './stop.ts';
import type { AttachSupervisor, Supervisor } from './supervisor.ts';
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

const MEMORY_GRAIN = 0x10000;
const LEAST_MEMORY = 0x100000;
/** Devices of a PC are mapped above. */
const MOST_MEMORY = 0xc0000000;

/** A PC: the CPU, its memory and its devices, and what connects them. */
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
  private readonly loop: RunLoop;
  private supervisor: Supervisor | undefined;
  private readonly noHypercalls = new HypercallLog(() => 0);
  /** What the hypervisor has printed before the first run. */
  private unsaid: string | undefined = '';

  /** Throws `memory-size`. */
  constructor(options: MachineOptions) {
    checkMemorySize(options.memory);
    this.bus = new Bus(
      this.clock,
      () => this.loop.deviceAccessed(),
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
    this.loop = new RunLoop({ cpu: this.cpu, clock: this.clock, hardware, faultLog: this.faultLog });
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
      time: this.loop.save(),
      hypercalls: this.hypercalls.save(),
      unclaimed: this.bus.unclaimed.save(),
      faults: [...this.faults],
      finalStop: this.loop.finalStop,
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
    this.loop.restore(snapshot.time, snapshot.finalStop);
    for (const device of this.stateful) {
      const state = snapshot.devices[device.name];
      if (state === undefined) throw internalError(`a snapshot without ${device.name}`);
      device.restore(state);
    }
    this.hypercalls.restore(snapshot.hypercalls);
    this.bus.unclaimed.restore(snapshot.unclaimed);
    this.faultLog.restore(snapshot.faults);
    this.loop.hostActed();
  }

  /** What stands under the guest: "native" is bare hardware. */
  get hypervisor(): string {
    return this.supervisor?.name ?? 'native';
  }

  /** The kernel has handlers for exceptions; false between its entry and its own IDT, where nothing can catch a fault. */
  get catchesFaults(): boolean {
    return this.loop.catchesFaults;
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
        this.loop.end(stop);
        cpu.attention();
      },
      reportGap: (what) => bus.unclaimed.note('device', what),
    });
    this.supervisor = supervisor;
    cpu.intercepts = supervisor.intercepts;
    bus.intercepts = supervisor.ports;
    this.loop.supervise(supervisor);
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
    this.loop.hostActed();
  }

  /** Moves the mouse by counts: `dx` to the right, `dy` down, `wheel` notches towards the user. */
  moveMouse(dx: number, dy: number, wheel = 0): void {
    this.devices.keyboard.moveMouse(dx, dy, wheel);
    this.loop.hostActed();
  }

  /** The mouse buttons that are down: left, right, middle, fourth and fifth in bits 0..4. */
  mouseButtons(down: number): void {
    this.devices.keyboard.pressMouse(down);
    this.loop.hostActed();
  }

  /** Bytes arrive at a serial port, COM1 unless another is given; or on the console of the hypervisor in the place of COM1. */
  receiveSerial(bytes: Iterable<number>, port: SerialPort = this.devices.serial): void {
    const console = port === this.devices.serial ? this.supervisor : undefined;
    if (console?.consoleInput !== undefined) console.consoleInput(bytes);
    else for (const byte of bytes) port.receive(byte);
    this.loop.hostActed();
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
    this.loop.hostActed();
  }

  /** Runs until something of `limits` or of the guest stops it. After a final stop it returns that stop again. */
  run(limits: RunLimits): MachineStop {
    if (this.unsaid !== undefined) {
      const { unsaid } = this;
      this.unsaid = undefined;
      this.print(unsaid);
    }
    return this.loop.run(limits);
  }

  /** Runs one instruction, breakpoints ignored; undefined when it retired. The same as {@link run} with 1, but allocates nothing. */
  step(): MachineStop | undefined {
    return this.loop.step();
  }

  /** Whose state is in a snapshot. */
  private get stateful(): readonly Pick<Device, 'name' | 'save' | 'restore'>[] {
    return this.supervisor === undefined ? this.devices.all : [...this.devices.all, this.supervisor.device];
  }

  private connect(): void {
    const { cpu, devices } = this;
    const here = (): string => codeAddress(cpu.state, cpu.instruction.ip);
    const stop = (reason: MachineStop): void => this.loop.end(reason);
    cpu.onFault.on((event) => this.faultLog.add(event));
    this.memory.onWrite.on(() => cpu.stateChanged());
    for (const port of devices.serialPorts) port.onPoll.on((tick) => this.loop.pollUntil(tick));
    devices.serial.onTransmit.on((byte) => this.onSerial.fire(byte));
    devices.a20.onChange.on((on) => cpu.setA20(on));
    this.bus.interruptWaits = () => this.loop.interruptWaits;
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
      pollUntil: (tick) => this.loop.pollUntil(tick),
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
