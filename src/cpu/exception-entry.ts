import { Emitter } from '../util/emitter.ts';
import { DR6 } from '../x86/debug-registers.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { VECTOR } from '../x86/exceptions.ts';
import type { CpuContext } from './context.ts';
import type { CpuFaultEvent, RunProgress } from './cpu-run.ts';
import type { DebugEvents } from './debug-events.ts';
import { CpuFault, NewTaskFault, TripleFault } from './fault.ts';
import type { ExceptionOutcome } from './intercepts.ts';
import { SEGMENT } from './state.ts';
import { raiseException } from './system/exception.ts';
import { deliverInterrupt } from './system/interrupt-delivery.ts';

/** Enters the handlers of exceptions and interrupts, and tells of every exception. */
export class ExceptionEntry {
  /** Every exception at the moment it is raised. */
  readonly onFault = new Emitter<CpuFaultEvent>();
  private readonly cpu: CpuContext;
  private readonly progress: RunProgress;
  private readonly debug: DebugEvents;

  constructor(cpu: CpuContext, progress: RunProgress, debug: DebugEvents) {
    this.cpu = cpu;
    this.progress = progress;
    this.debug = debug;
  }

  /** Enters the handler of a fault at `instructionIp`, or of what its delivery raised. Throws {@link TripleFault} and `Unimplemented`. */
  raise(fault: CpuFault, instructionIp: number): void {
    const { cpu } = this;
    const { state } = cpu;
    const ip = fault instanceof NewTaskFault ? fault.returnIp : instructionIp;
    const cs = state.segment(SEGMENT.cs).selector;
    const { dr6 } = fault.operands;
    const undo = fault.vector === VECTOR.DB && dr6 !== undefined ? this.debug.report(dr6) : undefined;
    // Of the debug exceptions, general detect alone is a fault that pushes RF (SDM 3, 17.3.1.1 and 17.3.1.3).
    if (dr6 === DR6.BD) state.systemFlags |= EFLAGS.RF;
    const handled = this.askHypervisor(fault, ip, cs);
    if (handled) return;
    try {
      this.record(raiseException(cpu, fault, ip), cs, ip);
      state.repeating = false;
    } catch (error) {
      undo?.();
      if (error instanceof TripleFault) this.record(error.chain, cs, ip);
      throw error;
    }
  }

  /** Shows an exception to the hypervisor; true when that took it. What the guest never sees is none of its faults. */
  private askHypervisor(fault: CpuFault, ip: number, cs: number): boolean {
    const { state, intercepts } = this.cpu;
    if (intercepts?.exception === undefined) return false;
    const before = { ip: state.ip, cr2: state.control(2) };
    const { address } = fault.operands;
    if (fault.vector === VECTOR.PF && address !== undefined) state.setControl(2, address);
    state.ip = ip;
    let outcome: ExceptionOutcome | undefined;
    try {
      outcome = intercepts.exception(fault);
    } finally {
      if (outcome === undefined) {
        state.ip = before.ip;
        state.setControl(2, before.cr2);
      }
    }
    if (outcome === 'delivered') this.record([fault], cs, ip);
    if (outcome !== undefined) this.cpu.attention();
    return outcome !== undefined;
  }

  /** Enters the handler of an interrupt between two instructions. Throws {@link TripleFault} and `Unimplemented`. */
  interrupt(vector: number): void {
    const { state } = this.cpu;
    const { ip } = state;
    try {
      deliverInterrupt(this.cpu, vector, { kind: 'external', returnIp: ip });
      state.repeating = false;
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      this.raise(error, ip);
    }
  }

  private record(chain: readonly CpuFault[], cs: number, ip: number): void {
    for (const [index, fault] of chain.entries())
      this.onFault.fire({ fault, during: chain[index - 1], cs, ip, instruction: this.progress.retired });
  }
}
