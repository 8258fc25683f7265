import { Emitter } from '../util/emitter.ts';
import { internalError } from '../util/errors.ts';
import { cpuModel, type CpuModelName } from '../x86/cpu-model.ts';
import { VECTOR } from '../x86/exceptions.ts';
import { CodeCache } from './code-cache.ts';
import type { CpuBus, CpuContext } from './context.ts';
import { copyRegisters, restoreCpu, saveCpu, type CpuSnapshot } from './cpu-snapshot.ts';
import { EXITS, type CpuExit, type CpuFaultEvent, type CpuRunOptions, type RunProgress } from './cpu-run.ts';
import { DebugEvents } from './debug-events.ts';
import { InstructionDecoder, type DecodedInstruction } from './decoder.ts';
import { ExceptionEntry } from './exception-entry.ts';
import { InstructionBoundary } from './instruction-boundary.ts';
import { InstructionExecution } from './instruction-execution.ts';
import type { CpuIntercepts } from './intercepts.ts';
import { Interpreter } from './interpreter/interpreter.ts';
import { Mmu } from './mmu.ts';
import { SAMPLING, type SamplingPolicy } from './translator/sampler.ts';
import { ShadowStack, type ShadowFrame } from './shadow-stack.ts';
import { CpuState, SEGMENT } from './state.ts';
import type { Watchpoint } from './watchpoints.ts';

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
interface Engine {
  readonly code: CodeCache;
  /** Undefined with the reference engine. */
  readonly interpreter: Interpreter | undefined;
}

/** What one instruction in the evaluator costs, in instructions of the fast engine. */
const SLOW_COST = 64;
/** Slow instructions between two looks at the clock, less one: some of them take a tenth of a millisecond (FSIN). */
const EXPIRY_MASK = 15;
/** Instructions in a block of the fast engine; the reference engine looks at one at a time. */
const LONGEST_BLOCK = 48;

/**
 * One x86 CPU: runs instructions with the chosen engine, leaves what that engine cannot do to the reference evaluator and the
 * system operations, delivers exceptions, and stops exactly.
 */
export class Cpu implements CpuContext {
  readonly state: CpuState;
  readonly memory: Mmu;
  readonly bus: CpuBus;
  readonly calls: ShadowStack;
  /** What stands under the guest; undefined on bare hardware. */
  intercepts: CpuIntercepts | undefined;

  private readonly options: CpuOptions;
  private readonly progress: RunProgress = { retired: 0, halted: false, attention: false };
  private readonly debug: DebugEvents;
  private readonly execution: InstructionExecution;
  private readonly exceptions: ExceptionEntry;
  private readonly boundary: InstructionBoundary;
  private engine: Engine | undefined;
  private breakpoints: ReadonlySet<number> = new Set();

  constructor(options: CpuOptions) {
    this.options = options;
    this.state = new CpuState(options.ramSize, cpuModel(options.model ?? 'default'));
    this.bus = options.bus;
    this.memory = new Mmu(this.state, options.bus);
    const { watch } = this.memory;
    this.debug = new DebugEvents(this.state, watch);
    this.calls = new ShadowStack(this.state);
    const { progress, debug } = this;
    this.execution = new InstructionExecution(this, this.memory, debug, () => this.unblockNonMaskable());
    this.exceptions = new ExceptionEntry(this, progress, debug);
    const { execution, exceptions } = this;
    this.boundary = new InstructionBoundary({ cpu: this, progress, debug, watch, execution, exceptions });
  }

  /** Every exception at the moment it is raised. */
  get onFault(): Emitter<CpuFaultEvent> {
    return this.exceptions.onFault;
  }
  /** The running instruction, or the last one that the evaluator ran; what the system operations see. */
  get instruction(): CpuContext['instruction'] {
    return this.execution.place;
  }

  /** The user has moved EIP: the CPU no longer waits in HLT, nor behind the STI, MOV SS or REP that it came from. */
  wake(): void {
    this.progress.halted = false;
    this.state.interruptShadow = false;
    this.state.repeating = false;
  }

  /** Instructions retired since the start; an exception that was delivered counts as one. */
  get retired(): number {
    return this.progress.retired;
  }
  /** True after HLT until an interrupt. */
  get halted(): boolean {
    return this.progress.halted;
  }
  /** An external interrupt may be delivered before the next instruction. */
  get interruptible(): boolean {
    return this.boundary.interruptible;
  }
  /** An NMI that waits may be delivered before the next instruction. */
  get nonMaskableDue(): boolean {
    return this.boundary.nonMaskableDue;
  }

  /** Callers of the running function, innermost first. */
  callers(): ShadowFrame[] {
    return this.calls.frames();
  }

  /** Makes {@link run} return after the instruction that is running. */
  attention(): void {
    this.progress.attention = true;
  }

  /** What running needs, built at the first run: a machine that only stands at its entry does without, and its launch does not wait. */
  private prepare(): Engine {
    if (this.engine !== undefined) return this.engine;
    this.memory.prepare();
    const { engine, handlers, sampling = SAMPLING } = this.options;
    const longest = engine === 'reference' ? 1 : LONGEST_BLOCK;
    const code = new CodeCache(this.state, this.memory, new InstructionDecoder(this.state.model), longest);
    const interpreter =
      engine === 'reference'
        ? undefined
        : new Interpreter(this.state, this.memory, code, handlers?.(), engine === 'translator' ? sampling : undefined);
    this.engine = { code, interpreter };
    this.armBreakpoints();
    return this.engine;
  }

  /** Linear addresses before which {@link run} stops. */
  setBreakpoints(addresses: Iterable<number>): void {
    this.breakpoints = new Set(addresses);
    this.armBreakpoints();
  }
  private armBreakpoints(): void {
    const { codeBreakpoints } = this.debug;
    const all = codeBreakpoints.size === 0 ? this.breakpoints : new Set([...this.breakpoints, ...codeBreakpoints]);
    this.engine?.interpreter?.setBreakpoints(all);
  }

  /** Linear addresses after whose access {@link run} stops, in every engine; accesses of the CPU itself count. */
  setWatchpoints(watchpoints: readonly Watchpoint[]): void {
    this.memory.watch.setUser(watchpoints);
    this.boundary.takeWatchHit();
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
    return saveCpu(this.state, this.memory, this.progress.retired, this.progress.halted);
  }

  /** Goes on from where {@link save} was called. RAM must be back already. */
  restore(snapshot: CpuSnapshot): void {
    restoreCpu(this.state, this.memory, snapshot);
    this.progress.retired = snapshot.retired;
    this.progress.halted = snapshot.halted;
    this.progress.attention = false;
    this.boundary.takeWatchHit();
    this.stateChanged();
  }

  /** Bytes of the instruction that runs: they were fetched just now, so that reading them again finds the same. */
  instructionBytes(): number[] {
    const { linear, place } = this.execution;
    return Array.from({ length: place.next - place.ip }, (_, n) =>
      this.memory.readPhysical(this.memory.fetchAddress((linear + n) >>> 0), 8),
    );
  }

  /** Guest memory, registers or segments were changed from outside: nothing decoded or translated may survive. */
  stateChanged(): void {
    this.engine?.code.clear();
    this.engine?.code.contextChanged();
    this.engine?.interpreter?.reset();
    this.memory.flush();
    this.debugRegistersChanged();
  }

  flushTranslations(): void {
    this.memory.flush();
    this.engine?.interpreter?.translationsChanged();
  }
  invalidatePage(linear: number): void {
    this.memory.invalidate(linear);
    this.engine?.interpreter?.translationsChanged();
  }
  codeContextChanged(): void {
    if (this.engine?.code.contextChanged() === true) this.engine.interpreter?.translationsChanged();
  }
  halt(): void {
    this.progress.halted = true;
  }

  /** Runs at most `budget` instructions. The state is exact whenever it returns. */
  run(budget: number, options: CpuRunOptions): CpuExit {
    const { progress, boundary, state } = this;
    if (progress.halted) return EXITS.halted;
    const fresh = this.engine === undefined;
    const { interpreter, code } = this.prepare();
    if (fresh && options.expired?.() === true) return EXITS.slice;
    let left = budget;
    let work = options.slice ?? Infinity;
    let skip = options.skipFirstBreakpoint;
    let slowSteps = 0;
    progress.attention = false;
    const touched = boundary.takeWatchHit();
    if (touched !== undefined) return touched;
    while (left > 0) {
      if (work <= 0) return EXITS.slice;
      let slow: DecodedInstruction | undefined;
      if (interpreter !== undefined && !boundary.careful) {
        const shadowed = state.interruptShadow;
        const done = interpreter.run(shadowed ? 1 : Math.min(left, work), skip);
        progress.retired += done;
        left -= done;
        const beside = interpreter.takeWork();
        work -= done + beside;
        if (beside > 0 && options.expired?.() === true) work = 0;
        if (done > 0) skip = false;
        // The instruction behind STI has run.
        if (shadowed && done > 0) state.interruptShadow = false;
        if (interpreter.outcome === 'budget') continue;
        if (interpreter.outcome === 'slow') slow = interpreter.slowInstruction;
      }
      const { trapDue } = boundary;
      if (!trapDue && !skip && this.breakpoints.size > 0 && this.breakpoints.has(this.linearIp()))
        return EXITS.breakpoint;
      const exit = trapDue ? boundary.deliverTrap() : boundary.step(code, slow);
      if (exit !== undefined) return exit;
      skip = false;
      left--;
      work -= SLOW_COST;
      if ((++slowSteps & EXPIRY_MASK) === 0 && options.expired?.() === true) work = 0;
    }
    return EXITS.budget;
  }

  /** Runs one instruction if the fast engine can complete it; false when nothing ran and it takes {@link run}. */
  step(): boolean {
    const { interpreter } = this.prepare();
    const { progress, boundary, state } = this;
    if (interpreter === undefined || progress.halted || boundary.stopWaits || boundary.careful) return false;
    if (state.interruptShadow || interpreter.run(1, true) === 0) return false;
    progress.retired++;
    return true;
  }

  /**
   * Runs the instruction at CS:EIP for a hypervisor that emulates it: neither counted nor stopped at. Where `accept` declines what became of
   * memory, the registers are put back; its answer is returned. Throws `CpuFault` and `Unimplemented` with the state unchanged.
   */
  emulate(accept: () => boolean): boolean {
    const { code } = this.prepare();
    const [instruction] = code.blockAt(this.state.ip).instructions;
    if (instruction === undefined) throw internalError('an empty code block');
    const registers = copyRegisters(this.state);
    this.execution.run(instruction);
    if (accept()) return true;
    this.state.bytes.set(registers);
    return false;
  }

  /** Delivers an external interrupt before the next instruction and ends HLT. Throws {@link TripleFault}. */
  deliverInterrupt(vector: number): void {
    this.progress.halted = false;
    this.exceptions.interrupt(vector);
    this.boundary.noteAccesses();
  }

  /** Delivers the NMI that waits, and holds off others until IRET (SDM 3, 6.7.1). Throws {@link TripleFault}. */
  deliverNonMaskable(): void {
    this.state.nonMaskablePending = false;
    this.state.nonMaskableBlocked = true;
    this.deliverInterrupt(VECTOR.NMI);
  }

  private linearIp(): number {
    return (this.state.segmentBase(SEGMENT.cs) + this.state.ip) >>> 0;
  }

  private unblockNonMaskable(): void {
    const { state } = this;
    state.nonMaskableBlocked = false;
    if (state.nonMaskablePending) this.attention();
  }
}
