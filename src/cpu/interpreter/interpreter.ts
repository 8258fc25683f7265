import type { CodeBlock, CodeCache } from '../code-cache.ts';
import type { DecodedInstruction } from '../decoder.ts';
import { CpuFault, Unimplemented } from '../fault.ts';
import * as L from '../layout.ts';
import type { Mmu } from '../mmu.ts';
import type { CpuState } from '../state.ts';
import type { SamplingPolicy } from '../translator/sampler.ts';
import { Translator, type TranslatedInterpreter } from '../translator/translator.ts';
import { BlockHandlers } from './block-handlers.ts';
import { FIXED_HANDLER } from './handler-module.ts';
import { FIRST_REGION, HandlerTable } from './handler-table.ts';
import { MicroOpArena } from './micro-op-arena.ts';

const U = L.MICRO_OP;
/** Budgets are 32-bit in generated code. */
const LARGEST_BUDGET = 0x3fffffff;
/** Instructions between two entries of generated code: V8 does not replace what runs by what it has optimised meanwhile. */
const LONGEST_LOAN = 1_000_000;

/** What decoding and building an instruction costs, in instructions that run. */
const BUILDING_COST = 500;

/** Why {@link Interpreter.run} returned. `slow`: the next instruction is for the evaluator. */
export type InterpreterOutcome = 'budget' | 'breakpoint' | 'slow';

/**
 * Drives the generated handlers: builds micro-ops from decoded blocks, links them, and stops exactly, by patching the handler of the
 * micro-op at the stopping place. Between stops nothing is checked but the budget at each jump.
 */
export class Interpreter {
  outcome: InterpreterOutcome = 'budget';
  /** For `slow`: the instruction, when its micro-op is known. */
  slowInstruction: DecodedInstruction | undefined;

  private readonly state: CpuState;
  private readonly code: CodeCache;
  private readonly arena: MicroOpArena;
  private readonly handlers: HandlerTable;
  private readonly blockHandlers: BlockHandlers;
  private readonly translator: Translator | undefined;
  private breakpoints: ReadonlySet<number> = new Set();
  /** Blocks by their first micro-op. */
  private readonly built = new Map<number, CodeBlock>();
  /** Links between pages, as pairs of slot and stub: valid only while the translations are. */
  private crossPageLinks: number[] = [];
  /** Entries of the jump cache in use, as word indexes. */
  private cachedJumps: number[] = [];
  /** Micro-op of the next instruction where the last run ended, or 0. */
  private resume = 0;
  /** Counts {@link reset}: micro-ops of an earlier generation are gone. */
  private generation = 0;
  /** Work done for building blocks since it was last taken. */
  private building = 0;

  /**
   * `prebuilt`: the module of `prebuilt-handlers.ts`, which saves making the common handlers. `sampling`: how hot code is found,
   * which is then translated; without, nothing is.
   */
  constructor(
    state: CpuState,
    mmu: Mmu,
    code: CodeCache,
    prebuilt: WebAssembly.Module | undefined,
    sampling: SamplingPolicy | undefined,
  ) {
    this.state = state;
    this.code = code;
    this.arena = new MicroOpArena(state);
    this.handlers = new HandlerTable(state.memory, mmu.slow, prebuilt);
    this.blockHandlers = new BlockHandlers(this.handlers, this.arena);
    state.statusFlags = this.handlers.statusFlags;
    this.cachedJumps = Array.from({ length: L.JUMP_CACHE_ENTRIES }, (_, n) => n);
    this.emptyJumpCache();
    code.onDrop = (block, changed) => this.drop(block, changed);
    if (sampling !== undefined) this.translator = new Translator(this.translated(), sampling);
  }

  /** Linear addresses; blocks that are built already get or lose their stops. */
  setBreakpoints(addresses: ReadonlySet<number>): void {
    const changed = [...addresses].filter((address) => !this.breakpoints.has(address));
    changed.push(...[...this.breakpoints].filter((address) => !addresses.has(address)));
    this.breakpoints = addresses;
    for (const block of this.code.all()) {
      const last = block.instructions.at(-1);
      if (block.microOp === 0 || last === undefined) continue;
      const end = block.linear + (last.ip - block.ip);
      if (changed.some((address) => address >= block.linear && address <= end)) {
        this.translator?.giveBack(block);
        this.writeHandlers(block);
      }
    }
  }

  /** Forgets everything built. */
  reset(): void {
    this.generation++;
    this.arena.clear();
    this.built.clear();
    this.translator?.reset();
    this.crossPageLinks = [];
    this.translationsChanged();
  }

  /** Translations or segments changed: what crosses a page must be looked up again. */
  translationsChanged(): void {
    for (let n = 0; n < this.crossPageLinks.length; n += 2) {
      this.arena.setLink(this.crossPageLinks[n] ?? 0, this.crossPageLinks[n + 1] ?? 0);
    }
    this.crossPageLinks = [];
    this.emptyJumpCache();
    this.resume = 0;
  }

  /** Work done beside running since the last time, in instructions. */
  takeWork(): number {
    const { building } = this;
    this.building = 0;
    return building + (this.translator?.takeWork() ?? 0);
  }
  private get hasWorked(): boolean {
    return this.building > 0 || this.translator?.hasWorked === true;
  }

  /** Runs at most `budget` instructions; returns how many retired. The instruction pointer is exact afterwards. */
  run(budget: number, skipFirstBreakpoint: boolean): number {
    const { arena, state, translator } = this;
    const limit = Math.min(budget, LARGEST_BUDGET);
    let left = limit;
    let microOp = this.enter();
    // Start of a block that a region leaves to the interpreter.
    let apart = 0;
    if (microOp === 0) return 0;
    if (skipFirstBreakpoint && arena.handler(microOp) === FIXED_HANDLER.breakpoint) {
      this.leaveSlow(arena.instructionAt(microOp));
      return 0;
    }
    while (left > 0) {
      if (translator !== undefined && translator.untilLook <= 0) translator.look(microOp, this.built.get(microOp));
      // Whoever runs a slice looks at the clock.
      if (this.hasWorked) {
        this.stopAt(microOp);
        break;
      }
      const block = arena.left(microOp);
      if (block > left) {
        const ran = this.runPart(microOp, left);
        translator?.ran(ran);
        left -= ran;
        break;
      }
      const loan = translator?.untilLook ?? LONGEST_LOAN;
      const lent = apart === microOp ? block : Math.min(left, Math.max(loan, block));
      if (apart === microOp) this.startApart(microOp);
      else this.handlers.start(microOp, lent - block);
      apart = 0;
      const ran = lent - (state.words[L.BUDGET >> 2] ?? 0);
      translator?.ran(ran);
      left -= ran;
      const at = state.words[L.EXIT_MICRO_OP >> 2] ?? 0;
      const reason = state.words[L.EXIT_REASON >> 2];
      if (reason === L.EXIT.budget || reason === L.EXIT.apart) {
        microOp = at;
        if (reason === L.EXIT.apart) apart = at;
        this.stopAt(at);
        continue;
      }
      if (reason === L.EXIT.unfit) {
        const block = this.built.get(at);
        left += arena.left(at);
        if (block !== undefined) translator?.unfit(block);
        microOp = at;
        this.stopAt(at);
        continue;
      }
      if (reason === L.EXIT.bail || reason === L.EXIT.breakpoint) {
        left += arena.left(at);
        this.leaveAt(at, reason);
        return limit - left;
      }
      if (reason === L.EXIT.unlinked) state.ip = arena.instructionPointer(at);
      this.resume = 0;
      this.outcome = 'budget';
      // What is wrong with the next instruction is its own affair.
      if (left === 0) break;
      const { generation } = this;
      microOp = this.enter();
      if (microOp === 0) return limit - left;
      if (generation !== this.generation) continue;
      if (reason === L.EXIT.unlinked) this.link(at, microOp);
      else this.cacheJump(state.ip, microOp);
    }
    return limit - left;
  }

  /** Runs one block by its own handlers, that has a region in the place of the first. */
  private startApart(microOp: number): void {
    const { arena } = this;
    const region = arena.handler(microOp);
    const first = arena.instructionAt(microOp);
    if (first !== undefined) arena.setHandler(microOp, this.blockHandlers.alone(first.form));
    this.handlers.start(microOp, 0);
    arena.setHandler(microOp, region);
  }

  /** Runs `count` instructions of a block that has more, by stopping at the micro-op after them; returns how many retired. */
  private runPart(microOp: number, count: number): number {
    const { arena, state } = this;
    const firstHandler = arena.handler(microOp);
    const first = arena.instructionAt(microOp);
    if (firstHandler >= FIRST_REGION && first !== undefined)
      arena.setHandler(microOp, this.blockHandlers.alone(first.form));
    const stop = microOp + count * U.size;
    const previous = stop - U.size;
    const stopHandler = arena.handler(stop);
    const previousHandler = arena.handler(previous);
    arena.setHandler(stop, FIXED_HANDLER.stop);
    // It may be one handler with what comes after it.
    const before = arena.instructionAt(previous);
    if (before !== undefined && previousHandler !== FIXED_HANDLER.breakpoint)
      arena.setHandler(previous, this.blockHandlers.alone(before.form));
    this.handlers.start(microOp, 0);
    arena.setHandler(stop, stopHandler);
    arena.setHandler(previous, previousHandler);
    arena.setHandler(microOp, firstHandler);
    const at = state.words[L.EXIT_MICRO_OP >> 2] ?? 0;
    const reason = state.words[L.EXIT_REASON >> 2] ?? 0;
    if (reason === L.EXIT.stop) this.stopAt(at);
    else this.leaveAt(at, reason);
    return (at - microOp) / U.size;
  }

  private stopAt(microOp: number): void {
    this.state.ip = this.arena.instructionPointer(microOp);
    this.resume = this.arena.instructionAt(microOp) === undefined ? 0 : microOp;
    this.outcome = 'budget';
  }

  private leaveAt(microOp: number, reason: number): void {
    this.state.words[L.BAIL >> 2] = 0;
    this.stopAt(microOp);
    if (reason === L.EXIT.breakpoint) this.outcome = 'breakpoint';
    else this.leaveSlow(this.arena.instructionAt(microOp));
  }

  private leaveSlow(instruction: DecodedInstruction | undefined): void {
    this.resume = 0;
    this.outcome = 'slow';
    this.slowInstruction = instruction;
  }

  /** The micro-op at the instruction pointer; 0 when the evaluator must look at that place first. */
  private enter(): number {
    const { arena, state } = this;
    if (this.resume !== 0 && arena.instructionPointer(this.resume) === state.words[L.IP >> 2]) return this.resume;
    try {
      const block = this.code.blockAt(state.ip);
      if (!block.transient) return block.microOp !== 0 ? block.microOp : this.build(block);
      this.leaveSlow(block.instructions[0]);
    } catch (error) {
      if (!(error instanceof CpuFault || error instanceof Unimplemented)) throw error;
      this.leaveSlow(undefined);
    }
    return 0;
  }

  private link(stub: number, microOp: number): void {
    const slot = this.arena.slotOf(stub);
    this.arena.setLink(slot, microOp);
    // A stub in the place of a dropped block forwards to what replaced it.
    if (slot === stub + U.link0) this.arena.setHandler(stub, FIXED_HANDLER.followLink);
    else this.crossPageLinks.push(slot, stub);
  }

  private cacheJump(ip: number, microOp: number): void {
    const entry = (L.JUMP_CACHE >> 2) + (ip & (L.JUMP_CACHE_ENTRIES - 1)) * 2;
    const number = ip & (L.JUMP_CACHE_ENTRIES - 1);
    if (this.state.words[entry] === (number ^ 1)) this.cachedJumps.push(number);
    this.state.words[entry] = ip;
    this.state.words[entry + 1] = microOp;
  }

  /** An entry for another index never matches. */
  private emptyJumpCache(): void {
    for (const n of this.cachedJumps) this.state.words[(L.JUMP_CACHE >> 2) + n * 2] = n ^ 1;
    this.cachedJumps = [];
  }

  /** The block's bytes may have changed: whoever jumps to it comes back here. */
  private drop(block: CodeBlock, changed: boolean): void {
    this.resume = 0;
    if (block.microOp === 0) return;
    this.translator?.dropped(block, changed);
    this.built.delete(block.microOp);
    this.arena.makeStub(block.microOp, block.ip, block.microOp + U.link0);
  }

  private build(block: CodeBlock): number {
    const { arena } = this;
    const { instructions } = block;
    const last = instructions.at(-1);
    if (last === undefined) return 0;
    if (!arena.hasRoom(instructions.length + 4)) {
      // The block itself is dropped with the others, and decoded again.
      this.code.clear();
      this.reset();
      return this.enter();
    }
    this.building += instructions.length * BUILDING_COST;
    const first = arena.allocate(instructions.length + 1);
    instructions.forEach((instruction, n) => arena.write(first + n * U.size, instruction, instructions.length - n));
    const tail = first + instructions.length * U.size;
    const ending = tail - U.size;
    const next = last.ip + last.length;
    if (last.form.description.endsBlock) {
      arena.setLink(ending + U.link0, arena.stub(last.form.kinds.includes('t') ? last.target : next, ending + U.link0));
      arena.setLink(ending + U.link1, arena.stub(next, ending + U.link1));
    }
    // What ends a block may still go on with the next instruction (MOVS without REP).
    arena.makeStub(tail, next, 0);
    arena.setHandler(tail, FIXED_HANDLER.followLink);
    arena.setLink(tail + U.link0, arena.stub(next, tail + U.link0));
    block.microOp = first;
    this.built.set(first, block);
    this.writeHandlers(block);
    return first;
  }

  private translated(): TranslatedInterpreter {
    const { arena, handlers, code } = this;
    return {
      arena,
      handlers,
      code,
      flatSegments: () => this.state.words[L.FLAT_SEGMENTS >> 2] ?? 0,
      hasBreakpoint: (block) => this.stopsIn(block).includes(true),
      restore: (block) => this.writeHandlers(block),
    };
  }

  /** Which instructions of a block have a breakpoint. */
  private stopsIn({ instructions, linear, ip: first }: CodeBlock): boolean[] {
    return instructions.map(({ ip }) => this.breakpoints.has((linear + (ip - first)) >>> 0));
  }

  /** Writes the handlers of a block's micro-ops, with the breakpoints that are armed. */
  private writeHandlers(block: CodeBlock): void {
    this.blockHandlers.write(block, this.stopsIn(block));
  }
}
