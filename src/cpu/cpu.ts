import type { Instruction } from '../isa/instruction.ts';
import type { Width } from '../isa/value.ts';
import { Emitter } from '../util/emitter.ts';
import { internalError } from '../util/errors.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { CodeCache } from './code-cache.ts';
import type { CpuBus, CpuContext } from './context.ts';
import { restoreCpu, saveCpu, type CpuSnapshot } from './cpu-snapshot.ts';
import { InstructionDecoder, type DecodedInstruction } from './decoder.ts';
import { CpuFault, TripleFault, Unimplemented } from './fault.ts';
import { recordWithOperands } from './instruction-form.ts';
import { Interpreter } from './interpreter/interpreter.ts';
import { memoryOperations } from './memory-operations.ts';
import { Mmu } from './mmu.ts';
import { ReferenceEvaluator } from './reference-evaluator.ts';
import { SAMPLING, type SamplingPolicy } from './translator/sampler.ts';
import { ShadowStack, type ShadowFrame } from './shadow-stack.ts';
import { CpuState, SEGMENT } from './state.ts';
import { raiseException } from './system/exception.ts';
import { deliverInterrupt } from './system/interrupt-delivery.ts';
import { systemOperations } from './system/system-operations.ts';
import type { SystemOperations } from './system/operation.ts';

/** `translator`: the interpreter, and hot code translated; what a guest sees is the same with each. */
export type EngineName = 'translator' | 'interpreter' | 'reference';

/** Where handlers that were built ahead of time come from; undefined where there are none. */
export type HandlerSource = () => WebAssembly.Module | undefined;

export interface CpuOptions {
  /** Bytes of guest physical memory, a multiple of 64 KiB. */
  readonly ramSize: number;
  readonly bus: CpuBus;
  readonly engine: EngineName;
  /** Gives the interpreter's handlers as `prebuilt-handlers.ts` makes them; asked at the first run. Without, they are made when needed. */
  readonly handlers?: HandlerSource;
  /** How the translator finds hot code; tests make everything hot. */
  readonly sampling?: SamplingPolicy;
}

export interface CpuRunOptions {
  /** Do not stop for a breakpoint on the very first instruction. */
  readonly skipFirstBreakpoint: boolean;
  /** Return with `slice` after about this much work (an instruction of the fast engine is 1). */
  readonly slice?: number;
}

/** Why {@link Cpu.run} returned. */
export type CpuExit =
  | { readonly kind: 'budget' | 'attention' | 'slice' | 'breakpoint' | 'halted' }
  | { readonly kind: 'triple-fault'; readonly chain: readonly CpuFault[] }
  | { readonly kind: 'unimplemented'; readonly what: string };

/** An exception as it was raised, whether or not a handler could be entered. */
export interface CpuFaultEvent {
  readonly fault: CpuFault;
  /** The fault whose delivery raised it. */
  readonly during: CpuFault | undefined;
  readonly cs: number;
  readonly ip: number;
  readonly instruction: number;
}

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

const BUDGET: CpuExit = { kind: 'budget' };
const ATTENTION: CpuExit = { kind: 'attention' };
const SLICE: CpuExit = { kind: 'slice' };
const BREAKPOINT: CpuExit = { kind: 'breakpoint' };
const HALTED: CpuExit = { kind: 'halted' };

/**
 * One x86 CPU: runs instructions with the chosen engine, leaves what that engine cannot do to the reference evaluator and the
 * system operations, delivers exceptions, and stops exactly.
 */
export class Cpu implements CpuContext {
  readonly state: CpuState;
  readonly memory: Mmu;
  readonly bus: CpuBus;
  readonly onFault = new Emitter<CpuFaultEvent>();
  /** The running instruction; what the system operations see. */
  instruction: { ip: number; next: number; operandSize: 16 | 32 } = { ip: 0, next: 0, operandSize: 32 };

  private readonly evaluator: ReferenceEvaluator;
  private readonly shadowStack: ShadowStack;
  private readonly options: CpuOptions;
  private execution: Execution | undefined;
  private readonly operations: SystemOperations;
  private readonly recorded = new WeakMap<DecodedInstruction, Instruction<Width>>();
  private breakpoints: ReadonlySet<number> = new Set();
  private retiredCount = 0;
  private isHalted = false;
  private attentionWanted = false;

  constructor(options: CpuOptions) {
    this.state = new CpuState(options.ramSize);
    this.bus = options.bus;
    this.memory = new Mmu(this.state, options.bus);
    this.shadowStack = new ShadowStack(this.state);
    this.operations = { ...systemOperations, ...memoryOperations(systemOperations) };
    this.evaluator = new ReferenceEvaluator(this.state, this.memory, this.shadowStack, (name, operands) =>
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
    return (this.state.systemFlags & EFLAGS.IF) !== 0 && !this.state.interruptShadow;
  }

  /** Callers of the running function, innermost first. */
  callers(): ShadowFrame[] {
    return this.shadowStack.frames();
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
    const code = new CodeCache(this.state, this.memory, new InstructionDecoder(), longest);
    const interpreter =
      engine === 'reference'
        ? undefined
        : new Interpreter(this.state, this.memory, code, handlers?.(), engine === 'translator' ? sampling : undefined);
    interpreter?.setBreakpoints(this.breakpoints);
    this.execution = { code, interpreter };
    return this.execution;
  }

  /** Linear addresses before which {@link run} stops. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.breakpoints = new Set(addresses);
    this.execution?.interpreter?.setBreakpoints(this.breakpoints);
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
    this.stateChanged();
  }

  /** Guest memory, registers or segments were changed from outside: nothing decoded or translated may survive. */
  stateChanged(): void {
    this.execution?.code.clear();
    this.execution?.code.contextChanged();
    this.execution?.interpreter?.reset();
    this.memory.flush();
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
    if (this.isHalted) return HALTED;
    const { interpreter } = this.prepare();
    let left = budget;
    let work = options.slice ?? Infinity;
    let skip = options.skipFirstBreakpoint;
    this.attentionWanted = false;
    while (left > 0) {
      if (work <= 0) return SLICE;
      let slow: DecodedInstruction | undefined;
      if (interpreter !== undefined && !this.state.interruptShadow) {
        const done = interpreter.run(Math.min(left, work), skip);
        this.retiredCount += done;
        left -= done;
        work -= done + interpreter.takeWork();
        if (done > 0) skip = false;
        if (interpreter.outcome === 'budget') continue;
        if (interpreter.outcome === 'breakpoint') return BREAKPOINT;
        slow = interpreter.slowInstruction;
      }
      if (!skip && this.breakpoints.size > 0 && this.breakpoints.has(this.linearIp())) return BREAKPOINT;
      const exit = this.stepSlow(slow);
      if (exit !== undefined) return exit;
      skip = false;
      left--;
      work -= SLOW_COST;
    }
    return BUDGET;
  }

  /** Runs one instruction if the fast engine can complete it; false when nothing ran and it takes {@link run}. */
  step(): boolean {
    const { interpreter } = this.prepare();
    if (interpreter === undefined || this.isHalted || this.state.interruptShadow) return false;
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
      this.shadowStack.enter(ip, this.state.register32(4), 'interrupt');
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      this.raise(error, ip);
    }
  }

  private linearIp(): number {
    return (this.state.segment(SEGMENT.cs).base + this.state.ip) >>> 0;
  }

  /** One instruction in the evaluator; undefined when the run may go on. */
  private stepSlow(decoded: DecodedInstruction | undefined): CpuExit | undefined {
    const { state } = this;
    const { ip } = state;
    const interruptsOn = state.systemFlags & EFLAGS.IF;
    const shadow = state.interruptShadow;
    try {
      const instruction = decoded ?? this.prepare().code.blockAt(ip).instructions[0];
      if (instruction === undefined) throw internalError('an empty code block');
      state.interruptShadow = false;
      this.execute(instruction);
    } catch (error) {
      if (error instanceof Unimplemented) {
        state.interruptShadow = shadow;
        return { kind: 'unimplemented', what: error.what };
      }
      if (!(error instanceof CpuFault)) throw error;
      try {
        this.raise(error, ip);
      } catch (worse) {
        state.interruptShadow = shadow;
        if (worse instanceof TripleFault) return { kind: 'triple-fault', chain: worse.chain };
        if (worse instanceof Unimplemented) return { kind: 'unimplemented', what: worse.what };
        throw worse;
      }
    }
    this.retiredCount++;
    if (this.isHalted) return HALTED;
    const eflags = state.systemFlags;
    if ((eflags & EFLAGS.TF) !== 0) return { kind: 'unimplemented', what: 'the guest stepping itself (EFLAGS.TF)' };
    if (this.attentionWanted || state.interruptShadow || (interruptsOn === 0 && (eflags & EFLAGS.IF) !== 0))
      return ATTENTION;
    return undefined;
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
    const stackOffset = this.state.register32(4);
    operation(this, operands);
    if (name === 'interrupt-return' || name === 'far-return') this.shadowStack.leave(stackOffset);
    else if (name === 'far-call') this.shadowStack.enter(this.instruction.next, this.state.register32(4), 'call');
    else if (name === 'software-interrupt') {
      this.shadowStack.enter(this.instruction.next, this.state.register32(4), 'interrupt');
    }
  }

  /** Enters the handler of a fault at `ip`, or of what its delivery raised. Throws {@link TripleFault} and {@link Unimplemented}. */
  private raise(fault: CpuFault, ip: number): void {
    const cs = this.state.segment(SEGMENT.cs).selector;
    const record = (faults: readonly CpuFault[]): void => {
      for (const [index, one] of faults.entries())
        this.onFault.fire({ fault: one, during: faults[index - 1], cs, ip, instruction: this.retiredCount });
    };
    try {
      const chain = raiseException(this, fault, ip);
      record(chain);
      // An error code lies on top of the return address.
      const above = chain.at(-1)?.errorCode === undefined ? 0 : 4;
      this.shadowStack.enter(ip, this.state.register32(4) + above, 'interrupt');
    } catch (error) {
      if (error instanceof TripleFault) record(error.chain);
      throw error;
    }
  }
}
