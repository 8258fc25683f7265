import { internalError } from '../util/errors.ts';
import { DR6 } from '../x86/debug-registers.ts';
import { EFLAGS } from '../x86/eflags.ts';
import type { CodeCache } from './code-cache.ts';
import type { CpuContext } from './context.ts';
import { EXITS, type CpuExit, type RunProgress } from './cpu-run.ts';
import type { DebugEvents } from './debug-events.ts';
import type { DecodedInstruction } from './decoder.ts';
import type { ExceptionEntry } from './exception-entry.ts';
import { CpuFault, NumericErrorFreeze, StopBefore, TripleFault, Unimplemented } from './fault.ts';
import type { InstructionExecution } from './instruction-execution.ts';
import { SEGMENT, SHADOW, type CpuState } from './state.ts';
import { pendingInterrupt, virtualInterruptMet } from './system/virtual-8086.ts';
import type { AccessWatch, WatchHit } from './watchpoints.ts';

/** EFLAGS that make every instruction one for the evaluator; some of them only together with other state. */
const WATCHED_FLAGS = EFLAGS.TF | EFLAGS.RF | EFLAGS.AC | EFLAGS.VIP;

/** What the steps between instructions need of the CPU. */
export interface BoundaryParts {
  readonly cpu: CpuContext;
  readonly progress: RunProgress;
  readonly debug: DebugEvents;
  readonly watch: AccessWatch;
  readonly execution: InstructionExecution;
  readonly exceptions: ExceptionEntry;
}

/**
 * One instruction at a time, with everything that the architecture does before and behind it (SDM 3, 6.9): breakpoints, faults, debug
 * traps, and what holds interrupts off. The fast engines run only where none of that can happen.
 */
export class InstructionBoundary {
  private readonly state: CpuState;
  private readonly cpu: CpuContext;
  private readonly progress: RunProgress;
  private readonly debug: DebugEvents;
  private readonly watch: AccessWatch;
  private readonly execution: InstructionExecution;
  private readonly exceptions: ExceptionEntry;
  /** A user's watchpoint was touched: the next run stops for it first. */
  private watchHit: WatchHit | undefined;

  constructor(parts: BoundaryParts) {
    this.state = parts.cpu.state;
    this.cpu = parts.cpu;
    this.progress = parts.progress;
    this.debug = parts.debug;
    this.watch = parts.watch;
    this.execution = parts.execution;
    this.exceptions = parts.exceptions;
  }

  /** An external interrupt may be delivered before the next instruction. */
  get interruptible(): boolean {
    const { state } = this;
    return (state.systemFlags & EFLAGS.IF) !== 0 && !state.interruptShadow && state.debugPending === 0;
  }

  /** An NMI that waits may be delivered before the next instruction. */
  get nonMaskableDue(): boolean {
    const { state } = this;
    if (!state.nonMaskablePending || state.nonMaskableBlocked) return false;
    return state.shadow !== SHADOW.stack && state.debugPending === 0;
  }

  /** The next instruction needs a look before or behind it, so that it is none for the fast engines. */
  get careful(): boolean {
    const { state } = this;
    const flags = state.systemFlags & WATCHED_FLAGS;
    if (flags !== 0) {
      if ((flags & (EFLAGS.TF | EFLAGS.RF)) !== 0 || state.checksAlignment) return true;
      if (virtualInterruptMet(this.cpu)) return true;
    }
    return state.shadow === SHADOW.stack || state.debugPending !== 0;
  }

  /** A debug trap is delivered before the next instruction. */
  get trapDue(): boolean {
    return this.state.debugPending !== 0 && this.state.shadow !== SHADOW.stack;
  }

  /** Delivers the debug trap that waits, which counts as an instruction. */
  deliverTrap(): CpuExit | undefined {
    const { state } = this;
    const { debugPending, systemFlags } = state;
    const trap = this.debug.trap();
    state.debugPending = 0;
    const exit = this.faulted(trap, state.ip);
    // What had to wait for the trap may come now.
    if (exit === undefined) return this.passed(systemFlags) ?? EXITS.attention;
    state.debugPending = debugPending;
    return exit;
  }

  /** Runs the instruction at the instruction pointer, `decoded` if that is known; undefined when the run may go on. */
  step(code: CodeCache, decoded: DecodedInstruction | undefined): CpuExit | undefined {
    const { state, debug } = this;
    const { ip, shadow, systemFlags: before } = state;
    try {
      if (debug.codeBreakpoints.size > 0 && shadow !== SHADOW.stack) debug.checkInstruction(this.linear(ip));
      if ((before & EFLAGS.VIP) !== 0 && virtualInterruptMet(this.cpu))
        throw pendingInterrupt('EFLAGS.VIF is 1', state.eflags);
      const instruction = decoded ?? code.blockAt(ip).instructions[0];
      if (instruction === undefined) throw internalError('an empty code block');
      state.shadow = SHADOW.none;
      // IRET and task switches load RF; whatever else completes clears it.
      if ((before & EFLAGS.RF) !== 0) state.systemFlags = before & ~EFLAGS.RF;
      this.execution.run(instruction);
      this.completed(before);
    } catch (error) {
      this.watch.discard();
      const exit = this.faulted(error, ip);
      if (exit !== undefined) {
        state.shadow = shadow;
        state.systemFlags = before;
        return exit;
      }
    }
    return this.passed(before);
  }

  /** Turns watched accesses into debug traps and the stop of a run. */
  noteAccesses(): void {
    if (!this.watch.active) return;
    const { user, registers } = this.watch.take();
    this.watchHit ??= user;
    this.state.debugPending |= registers;
  }

  /** A run stops for a watchpoint before it does anything else. */
  get stopWaits(): boolean {
    return this.watchHit !== undefined;
  }
  takeWatchHit(): CpuExit | undefined {
    const hit = this.watchHit;
    this.watchHit = undefined;
    return hit === undefined ? undefined : { kind: 'watchpoint', hit };
  }

  private get interruptWaits(): boolean {
    return this.cpu.bus.interruptWaits?.() ?? true;
  }

  private linear(ip: number): number {
    return (this.state.segmentBase(SEGMENT.cs) + ip) >>> 0;
  }

  /** An instruction could not complete: enters the handler of the fault. The exit of a run that cannot go on. */
  private faulted(error: unknown, ip: number): CpuExit | undefined {
    if (error instanceof NumericErrorFreeze) {
      this.progress.halted = true;
      return EXITS.halted;
    }
    try {
      if (!(error instanceof CpuFault)) throw error;
      this.exceptions.raise(error, ip);
      this.noteAccesses();
      return undefined;
    } catch (worse) {
      this.watch.discard();
      if (worse instanceof TripleFault) return { kind: 'triple-fault', chain: worse.chain };
      if (worse instanceof Unimplemented) return { kind: 'unimplemented', what: worse.what };
      if (worse instanceof StopBefore) return { kind: 'hypercall', what: worse.what, name: worse.call };
      throw worse;
    }
  }

  /** Debug traps of an instruction that completed, with the flags it began with. */
  private completed(before: number): void {
    const { state, execution } = this;
    this.noteAccesses();
    let traps = execution.portHits;
    const steps = (before & EFLAGS.TF) !== 0 && !execution.interrupted && state.shadow !== SHADOW.stack;
    if (steps) traps |= DR6.BS;
    state.debugPending |= traps;
    if (state.debugPending !== 0) this.progress.halted = false;
  }

  /** After an instruction or the delivery of an exception: undefined when the run may go on. */
  private passed(before: number): CpuExit | undefined {
    const { state, progress } = this;
    progress.retired++;
    if (this.watchHit !== undefined) return this.takeWatchHit();
    if (progress.halted) return EXITS.halted;
    if (progress.attention) return EXITS.attention;
    const opened = (state.systemFlags & ~before & EFLAGS.IF) !== 0;
    return (opened || state.interruptShadow) && this.interruptWaits ? EXITS.attention : undefined;
  }
}
