import type { Instruction } from '../isa/instruction.ts';
import type { Width } from '../isa/value.ts';
import { Emitter } from '../util/emitter.ts';
import { internalError } from '../util/errors.ts';
import { cpuModel, type CpuModelName } from '../x86/cpu-model.ts';
import { DR6 } from '../x86/debug-registers.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { VECTOR } from '../x86/exceptions.ts';
import { CodeCache } from './code-cache.ts';
import type { CpuBus, CpuContext } from './context.ts';
import { restoreCpu, saveCpu, type CpuSnapshot } from './cpu-snapshot.ts';
import { EXITS, type CpuExit, type CpuFaultEvent, type CpuRunOptions } from './cpu-run.ts';
import { DebugEvents } from './debug-events.ts';
import { InstructionDecoder, type DecodedInstruction } from './decoder.ts';
import { CpuFault, NewTaskFault, NumericErrorFreeze, TripleFault, Unimplemented } from './fault.ts';
import { recordWithOperands } from './instruction-form.ts';
import { Interpreter } from './interpreter/interpreter.ts';
import { memoryOperations } from './memory-operations.ts';
import { Mmu } from './mmu.ts';
import { ReferenceEvaluator } from './reference-evaluator.ts';
import { SAMPLING, type SamplingPolicy } from './translator/sampler.ts';
import { ShadowStack, type ShadowFrame } from './shadow-stack.ts';
import { CpuState, SEGMENT, SHADOW } from './state.ts';
import { raiseException } from './system/exception.ts';
import { deliverInterrupt } from './system/interrupt-delivery.ts';
import { systemOperations } from './system/system-operations.ts';
import type { SystemOperations } from './system/operation.ts';
import type { Watchpoint, WatchHit } from './watchpoints.ts';

/** `translator`: the interpreter, and hot code translated; what a guest sees is the same with each. */
export type EngineName = 'translator' | 'interpreter' | 'reference';

/** Where handlers that were built ahead of time come from; undefined where there are none. */
export type HandlerSource = () => WebAssembly.Module | undefined;

export interface CpuOptions {
  /** Bytes of guest physical memory, a multiple of 64 KiB. */
  readonly ramSize: number;
  readonly bus: CpuBus;
  readonly engine: EngineName;
  /** Which CPU this is; `default` unless said. */
  readonly model?: CpuModelName;
  /** Gives the interpreter's handlers as `prebuilt-handlers.ts` makes them; asked at the first run. Without, they are made when needed. */
  readonly handlers?: HandlerSource;
  /** How the translator finds hot code; tests make everything hot. */
  readonly sampling?: SamplingPolicy;
}

export type { CpuExit, CpuFaultEvent, CpuRunOptions } from './cpu-run.ts';

/** What a CPU that runs has beside its state. */
interface Execution {
  readonly code: CodeCache;
  /** Undefined with the reference engine. */
  readonly interpreter: Interpreter | undefined;
}

/** What one instruction in the evaluator costs, in instructions of the fast engine. */
const SLOW_COST = 64;
/** Instructions in a block of the fast engine; the reference engine looks at one at a time. */
const LONGEST_BLOCK = 48;

/** EFLAGS that make every instruction one for the evaluator. */
const WATCHED_FLAGS = EFLAGS.TF | EFLAGS.RF | EFLAGS.AC;
/** Operations after which TF traps nothing: their handler is entered with TF clear (SDM 3, 17.3.1.4). */
const INTERRUPT_OPERATIONS: ReadonlySet<string> = new Set(['software-interrupt', 'debug-interrupt']);
const PORT_OPERATIONS: ReadonlySet<string> = new Set(['port-in', 'port-out', 'input-string', 'output-string']);

/**
 * One x86 CPU: runs instructions with the chosen engine, leaves what that engine cannot do to the reference evaluator and the
 * system operations, delivers exceptions, and stops exactly.
 */
export class Cpu implements CpuContext {
  readonly state: CpuState;
  readonly memory: Mmu;
  readonly bus: CpuBus;
  readonly calls: ShadowStack;
  readonly onFault = new Emitter<CpuFaultEvent>();
  /** The running instruction; what the system operations see. */
  instruction: { ip: number; next: number; operandSize: 16 | 32 } = { ip: 0, next: 0, operandSize: 32 };

  private readonly evaluator: ReferenceEvaluator;
  private readonly options: CpuOptions;
  private execution: Execution | undefined;
  private readonly operations: SystemOperations;
  private readonly recorded = new WeakMap<DecodedInstruction, Instruction<Width>>();
  private breakpoints: ReadonlySet<number> = new Set();
  private retiredCount = 0;
  private isHalted = false;
  private attentionWanted = false;
  private readonly debug: DebugEvents;
  /** What the running instruction did that matters when it is done. */
  private interrupted = false;
  private portHits = 0;
  /** A user's watchpoint was touched: the next run stops for it first. */
  private watchHit: WatchHit | undefined;

  constructor(options: CpuOptions) {
    this.state = new CpuState(options.ramSize, cpuModel(options.model ?? 'default'));
    this.bus = options.bus;
    this.memory = new Mmu(this.state, options.bus);
    this.debug = new DebugEvents(this.state, this.memory.watch);
    this.calls = new ShadowStack(this.state);
    this.operations = { ...systemOperations, ...memoryOperations(systemOperations) };
    this.evaluator = new ReferenceEvaluator(this.state, this.memory, this.calls, (name, operands) =>
      this.operate(name, operands),
    );
    this.options = options;
  }

  /** The user has moved EIP: the CPU no longer waits in HLT, nor behind the STI or MOV SS that it came from. */
  wake(): void {
    this.isHalted = false;
    this.state.interruptShadow = false;
  }

  /** Instructions retired since the start; an exception that was delivered counts as one. */
  get retired(): number {
    return this.retiredCount;
  }
  /** True after HLT until an interrupt. */
  get halted(): boolean {
    return this.isHalted;
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
  /** Every instruction needs a look before or after it, so that none is left to the fast engines. */
  private get careful(): boolean {
    const { state } = this;
    const flags = state.systemFlags & WATCHED_FLAGS;
    if (flags !== 0 && ((flags & ~EFLAGS.AC) !== 0 || state.checksAlignment)) return true;
    return state.interruptShadow || state.debugPending !== 0;
  }

  /** Callers of the running function, innermost first. */
  callers(): ShadowFrame[] {
    return this.calls.frames();
  }

  /** Makes {@link run} return after the instruction that is running. */
  attention(): void {
    this.attentionWanted = true;
  }

  /** What running needs, built at the first run: a machine that only stands at its entry does without, and its launch does not wait. */
  private prepare(): Execution {
    if (this.execution !== undefined) return this.execution;
    this.memory.prepare();
    const { engine, handlers, sampling = SAMPLING } = this.options;
    const longest = engine === 'reference' ? 1 : LONGEST_BLOCK;
    const code = new CodeCache(this.state, this.memory, new InstructionDecoder(this.state.model), longest);
    const interpreter =
      engine === 'reference'
        ? undefined
        : new Interpreter(this.state, this.memory, code, handlers?.(), engine === 'translator' ? sampling : undefined);
    this.execution = { code, interpreter };
    this.armBreakpoints();
    return this.execution;
  }

  /** Linear addresses before which {@link run} stops. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.breakpoints = new Set(addresses);
    this.armBreakpoints();
  }
  private armBreakpoints(): void {
    const { codeBreakpoints } = this.debug;
    const all = codeBreakpoints.size === 0 ? this.breakpoints : new Set([...this.breakpoints, ...codeBreakpoints]);
    this.execution?.interpreter?.setBreakpoints(all);
  }

  /** Linear addresses after whose access {@link run} stops, in every engine; accesses of the CPU itself count. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.memory.watch.setUser(watchpoints);
    this.watchHit = undefined;
    this.memory.flush();
  }

  debugRegistersChanged(): void {
    const { code, data } = this.debug.update();
    if (code) this.armBreakpoints();
    if (data) this.memory.flush();
  }

  /** Address line 20 (see {@link Mmu.setA20}). */
  setA20(enabled: boolean): void {
    this.memory.setA20(enabled);
    this.stateChanged();
  }

  /** What {@link restore} needs to go on from here; RAM is the machine's part. */
  save(): CpuSnapshot {
    return saveCpu(this.state, this.memory, this.retiredCount, this.isHalted);
  }

  /** Goes on from where {@link save} was called. RAM must be back already. */
  restore(snapshot: CpuSnapshot): void {
    restoreCpu(this.state, this.memory, snapshot);
    this.retiredCount = snapshot.retired;
    this.isHalted = snapshot.halted;
    this.attentionWanted = false;
    this.watchHit = undefined;
    this.stateChanged();
  }

  /** Guest memory, registers or segments were changed from outside: nothing decoded or translated may survive. */
  stateChanged(): void {
    this.execution?.code.clear();
    this.execution?.code.contextChanged();
    this.execution?.interpreter?.reset();
    this.memory.flush();
    this.debugRegistersChanged();
  }

  flushTranslations(): void {
    this.memory.flush();
    this.execution?.interpreter?.translationsChanged();
  }
  invalidatePage(linear: number): void {
    this.memory.invalidate(linear);
    this.execution?.interpreter?.translationsChanged();
  }
  codeContextChanged(): void {
    if (this.execution?.code.contextChanged() === true) this.execution.interpreter?.translationsChanged();
  }
  halt(): void {
    this.isHalted = true;
  }

  /** Runs at most `budget` instructions. The state is exact whenever it returns. */
  run(budget: number, options: CpuRunOptions): CpuExit {
    if (this.isHalted) return EXITS.halted;
    const { interpreter } = this.prepare();
    let left = budget;
    let work = options.slice ?? Infinity;
    let skip = options.skipFirstBreakpoint;
    this.attentionWanted = false;
    const touched = this.takeWatchHit();
    if (touched !== undefined) return touched;
    while (left > 0) {
      if (work <= 0) return EXITS.slice;
      let slow: DecodedInstruction | undefined;
      if (interpreter !== undefined && !this.careful) {
        const done = interpreter.run(Math.min(left, work), skip);
        this.retiredCount += done;
        left -= done;
        work -= done + interpreter.takeWork();
        if (done > 0) skip = false;
        if (interpreter.outcome === 'budget') continue;
        if (interpreter.outcome === 'slow') slow = interpreter.slowInstruction;
      }
      const trap = this.trapDue();
      if (!trap && !skip && this.breakpoints.size > 0 && this.breakpoints.has(this.linearIp())) return EXITS.breakpoint;
      const exit = trap ? this.deliverTrap() : this.stepSlow(slow);
      if (exit !== undefined) return exit;
      skip = false;
      left--;
      work -= SLOW_COST;
    }
    return EXITS.budget;
  }

  /** Runs one instruction if the fast engine can complete it; false when nothing ran and it takes {@link run}. */
  step(): boolean {
    const { interpreter } = this.prepare();
    if (interpreter === undefined || this.isHalted || this.watchHit !== undefined || this.careful) return false;
    if (interpreter.run(1, true) === 0) return false;
    this.retiredCount++;
    return true;
  }

  /** Delivers an external interrupt before the next instruction and ends HLT. Throws {@link TripleFault}. */
  deliverInterrupt(vector: number): void {
    this.isHalted = false;
    const { ip } = this.state;
    try {
      deliverInterrupt(this, vector, { kind: 'external', returnIp: ip });
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      this.raise(error, ip);
    }
    this.noteAccesses();
  }

  /** Delivers the NMI that waits, and holds off others until IRET (SDM 3, 6.7.1). Throws {@link TripleFault}. */
  deliverNonMaskable(): void {
    this.state.nonMaskablePending = false;
    this.state.nonMaskableBlocked = true;
    this.deliverInterrupt(VECTOR.NMI);
  }

  private linearIp(): number {
    return (this.state.segment(SEGMENT.cs).base + this.state.ip) >>> 0;
  }

  /** One instruction in the evaluator; undefined when the run may go on. */
  private stepSlow(decoded: DecodedInstruction | undefined): CpuExit | undefined {
    const { state } = this;
    const { ip, shadow, systemFlags: before } = state;
    try {
      const breakpoint = shadow === SHADOW.stack ? undefined : this.debug.instructionBreakpoint(this.linearIp());
      if (breakpoint !== undefined) throw breakpoint;
      const instruction = decoded ?? this.prepare().code.blockAt(ip).instructions[0];
      if (instruction === undefined) throw internalError('an empty code block');
      state.shadow = SHADOW.none;
      // IRET and task switches load RF; whatever else completes clears it.
      state.systemFlags = before & ~EFLAGS.RF;
      this.interrupted = false;
      this.portHits = 0;
      this.execute(instruction);
      this.completed(instruction, ip, before);
    } catch (error) {
      this.memory.watch.discard();
      const exit = this.faulted(error, ip);
      if (exit !== undefined) {
        state.shadow = shadow;
        state.systemFlags = before;
        return exit;
      }
    }
    return this.boundary(before);
  }

  /** An instruction could not complete: enters the handler of the fault. The exit of a run that cannot go on. */
  private faulted(error: unknown, ip: number): CpuExit | undefined {
    if (error instanceof NumericErrorFreeze) {
      this.isHalted = true;
      return EXITS.halted;
    }
    try {
      if (!(error instanceof CpuFault)) throw error;
      this.raise(error, ip);
      this.noteAccesses();
      return undefined;
    } catch (worse) {
      this.memory.watch.discard();
      if (worse instanceof TripleFault) return { kind: 'triple-fault', chain: worse.chain };
      if (worse instanceof Unimplemented) return { kind: 'unimplemented', what: worse.what };
      throw worse;
    }
  }

  /** Debug traps of an instruction that completed, with the flags it began with, and RF inside a repeated one. */
  private completed(instruction: DecodedInstruction, ip: number, before: number): void {
    const { state } = this;
    this.noteAccesses();
    let traps = this.portHits;
    const steps = (before & EFLAGS.TF) !== 0 && !this.interrupted && state.shadow !== SHADOW.stack;
    if (steps) traps |= DR6.BS;
    state.debugPending |= traps;
    if (state.debugPending !== 0) this.isHalted = false;
    // Between two iterations the instruction is not to meet its own breakpoint again (SDM 3, 17.3.1.1).
    const inside = instruction.form.repeat !== undefined && state.ip === ip;
    if (!inside) return;
    const resume = (before & EFLAGS.RF) !== 0 || this.debug.codeBreakpoints.has(this.linearIp());
    if (resume || state.debugPending !== 0) state.systemFlags |= EFLAGS.RF;
  }

  /** Turns watched accesses into debug traps and the stop of a run. */
  private noteAccesses(): void {
    const { watch } = this.memory;
    if (!watch.active) return;
    const { user, registers } = watch.take();
    this.watchHit ??= user;
    this.state.debugPending |= registers;
  }
  private takeWatchHit(): CpuExit | undefined {
    const hit = this.watchHit;
    this.watchHit = undefined;
    return hit === undefined ? undefined : { kind: 'watchpoint', hit };
  }

  private trapDue(): boolean {
    return this.state.debugPending !== 0 && this.state.shadow !== SHADOW.stack;
  }
  /** Delivers the debug trap that waits, which counts as an instruction. */
  private deliverTrap(): CpuExit | undefined {
    const { state } = this;
    const { debugPending, systemFlags } = state;
    const trap = this.debug.trap();
    state.debugPending = 0;
    const exit = this.faulted(trap, state.ip);
    // What had to wait for the trap may come now.
    if (exit === undefined) return this.boundary(systemFlags) ?? EXITS.attention;
    state.debugPending = debugPending;
    return exit;
  }

  /** After an instruction or the delivery of an exception: undefined when the run may go on. */
  private boundary(before: number): CpuExit | undefined {
    const { state } = this;
    this.retiredCount++;
    const touched = this.takeWatchHit();
    if (touched !== undefined) return touched;
    if (this.isHalted) return EXITS.halted;
    const opened = (state.systemFlags & ~before & EFLAGS.IF) !== 0;
    return this.attentionWanted || state.interruptShadow || opened ? EXITS.attention : undefined;
  }

  private execute(decoded: DecodedInstruction): void {
    let instruction = this.recorded.get(decoded);
    if (instruction === undefined) {
      instruction = recordWithOperands(decoded.form, decoded);
      this.recorded.set(decoded, instruction);
    }
    const next = (decoded.ip + decoded.length) >>> 0;
    this.instruction = { ip: decoded.ip, next, operandSize: decoded.form.width === 16 ? 16 : 32 };
    this.evaluator.execute(instruction, next);
  }

  private operate(name: string, operands: readonly number[]): void {
    const operation = this.operations[name];
    if (operation === undefined) throw internalError(`no system operation "${name}"`);
    operation(this, operands);
    if (INTERRUPT_OPERATIONS.has(name)) this.interrupted = true;
    else if (PORT_OPERATIONS.has(name)) this.portHits = this.debug.portHits(operands[0] ?? 0, (operands[1] ?? 8) / 8);
    if (name === 'interrupt-return') this.unblockNonMaskable();
  }

  private unblockNonMaskable(): void {
    const { state } = this;
    state.nonMaskableBlocked = false;
    if (state.nonMaskablePending) this.attention();
  }

  /** Enters the handler of a fault at `instructionIp`, or of what its delivery raised. Throws {@link TripleFault} and {@link Unimplemented}. */
  private raise(fault: CpuFault, instructionIp: number): void {
    const ip = fault instanceof NewTaskFault ? fault.returnIp : instructionIp;
    const cs = this.state.segment(SEGMENT.cs).selector;
    const { dr6 } = fault.operands;
    const undo = fault.vector === VECTOR.DB && dr6 !== undefined ? this.debug.report(dr6) : undefined;
    // Of the debug exceptions, general detect alone is a fault that pushes RF (SDM 3, 17.3.1.1 and 17.3.1.3).
    if (dr6 === DR6.BD) this.state.systemFlags |= EFLAGS.RF;
    const record = (faults: readonly CpuFault[]): void => {
      for (const [index, one] of faults.entries())
        this.onFault.fire({ fault: one, during: faults[index - 1], cs, ip, instruction: this.retiredCount });
    };
    try {
      record(raiseException(this, fault, ip));
    } catch (error) {
      undo?.();
      if (error instanceof TripleFault) record(error.chain);
      throw error;
    }
  }
}
