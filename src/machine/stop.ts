import type { FaultRecord } from '../cpu/fault.ts';
import type { WatchHit } from '../cpu/watchpoints.ts';

/** Why the machine stopped. */
export type StopReason =
  /** At the entry point, nothing has run. */
  | 'entry'
  /** Before an instruction with an armed breakpoint. */
  | 'breakpoint'
  /** After an instruction that touched watched memory. */
  | 'watchpoint'
  /** The asked number of instructions has retired. */
  | 'max-instructions'
  /** The slice is over (work limit); call run again. Never shown to a user. */
  | 'yield'
  /** HLT with interrupts off, or no event that could wake the CPU. */
  | 'halt'
  /** The CPU could deliver neither the fault nor the double fault. State is before the first fault of the chain. */
  | 'triple-fault'
  /** The guest asked for a power-off or reset. */
  | 'shutdown'
  /** Port 0xF4 was written. */
  | 'debug-exit'
  /** Before an instruction that makes a hypercall the user waits for. */
  | 'hypercall'
  /** The guest crashed, and its hypervisor ended it. */
  | 'error'
  /** An instruction, mode or device that this machine does not have. */
  | 'unimplemented';

export interface MachineStop {
  readonly reason: StopReason;
  /** One sentence for the user. */
  readonly description: string;
  /** For `watchpoint`: what was touched, and how. */
  readonly watch?: WatchHit;
  /** For `triple-fault`: every step, the first fault first. */
  readonly chain?: readonly FaultRecord[];
  /** For `hypercall`: its name. */
  readonly hypercall?: string;
  /** For `debug-exit`: (value << 1) | 1, as QEMU's isa-debug-exit. */
  readonly exitCode?: number;
  /** For `yield`: the CPU is halted and waits for an interrupt, so a host may let wall time pass before it calls run again. */
  readonly idle?: boolean;
}

export interface RunLimits {
  /** Stop when this many further instructions have retired. */
  readonly maxInstructions: number;
  /** Stop before an instruction with a breakpoint; the very first instruction of the run is exempt. Default true. */
  readonly breakpoints?: boolean;
  /** Return with `yield` after about this much work, so that the host can look at its input; deterministic. Default none. */
  readonly slice?: number;
  /** Return with `yield` when this says so: the host's time is over. Asked now and then; where a run ends changes nothing of the guest. */
  readonly expired?: () => boolean;
}
