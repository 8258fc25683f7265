import type { AccessWidth } from '../cpu/context.ts';
import type { Cpu } from '../cpu/cpu.ts';
import type { CpuIntercepts } from '../cpu/intercepts.ts';
import type { Clock } from './clock.ts';
import type { ReportGap, TimedDevice } from './device.ts';
import type { HypercallLog } from './hypercall-log.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { MachineStop } from './stop.ts';

/** Who brings interrupts to the guest between its instructions. */
export interface InterruptSource {
  /**
   * Something waits for the guest. How runs are cut must not show: the answer changes only when the hypervisor was asked something or its
   * time has come, not because the guest wrote to memory that they share.
   */
  pending(): boolean;
  /** The guest takes it now. */
  open(): boolean;
  /** Enters the guest's handler. Called when {@link pending} and {@link open} are true; a CPU that waited in HLT runs again. */
  deliver(): void;
}

/** Ports that a hypervisor answers before the devices do. */
export interface PortIntercepts {
  /** Undefined: the devices answer. */
  portRead?(port: number, width: AccessWidth): number | undefined;
  /** False: the devices answer. */
  portWrite?(port: number, width: AccessWidth, value: number): boolean;
}

/** What a hypervisor keeps in snapshots, and what it does by itself as time passes: a device that answers at no port. */
export type SupervisorState = Pick<TimedDevice, 'name' | 'save' | 'restore' | 'nextEvent' | 'advance'>;

/** What stands under the guest in the place of bare hardware. */
export interface Supervisor {
  /** "xen". */
  readonly name: string;
  readonly intercepts: CpuIntercepts;
  readonly ports?: PortIntercepts;
  readonly device: SupervisorState;
  /** Takes the place of the interrupt controllers. Without it they deliver as on hardware. */
  readonly interrupts?: InterruptSource;
  readonly hypercalls: HypercallLog;
  /**
   * The guest has a handler for exceptions: until then nobody catches a fault. Without it the IDTR tells.
   */
  catchesFaults?(): boolean;
  /** What is typed goes here instead of to COM1 and the keyboard. */
  consoleInput?(bytes: Iterable<number>): void;
}

/** What a machine gives to its hypervisor. */
export interface SupervisorHost {
  /**
   * Registers, linear memory, translations. Physical memory is written through `cpu.memory.writePhysical`, which notices a write to
   * decoded code.
   */
  readonly cpu: Cpu;
  /** To be read; see {@link cpu} for writes. */
  readonly memory: PhysicalMemory;
  readonly clock: Clock;
  /** The guest's console: Latin-1. */
  print(text: string): void;
  /** Ends the run for good: the guest has shut down or crashed. */
  stop(stop: MachineStop): void;
  /** What the guest asked for and gets an error for, although the real hypervisor has it. */
  readonly reportGap: ReportGap;
}

/** Builds the hypervisor of a machine that stands at its entry. */
export type AttachSupervisor = (host: SupervisorHost) => Supervisor;
