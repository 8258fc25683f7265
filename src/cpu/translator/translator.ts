import type { CodeBlock, CodeCache } from '../code-cache.ts';
import { FIRST_REGION, type HandlerTable } from '../interpreter/handler-table.ts';
import type { MicroOpArena } from '../interpreter/micro-op-arena.ts';
import { regionModule } from './region-module.ts';
import { cutBlocks, MOST_BLOCKS, selectBlocks } from './region-selection.ts';
import { planRegion } from './region-plan.ts';
import type { BlockPart, Region } from './region.ts';
import { Sampler, type SamplingPolicy } from './sampler.ts';

/**
 * Instructions in a region: bounds the time a translation takes, and what V8 optimises at once. The first ones are smaller, because
 * the translator itself is slow until V8 has optimised it.
 */
const MOST_INSTRUCTIONS = 300;
const MOST_AT_FIRST = 128;
/** What translating one instruction costs, in instructions of the interpreter. */
const COST = 3000;
/** A page whose code changed after it was translated needs twice the samples the next time, up to so many doublings. */
const MOST_RELUCTANT = 12;

/** What the translator needs of the interpreter whose blocks it takes over. */
export interface TranslatedInterpreter {
  readonly arena: MicroOpArena;
  readonly handlers: HandlerTable;
  readonly code: CodeCache;
  /** The segments that are flat now (bits as of `FLAT_SEGMENTS` in `layout.ts`). */
  flatSegments(): number;
  /** True when a breakpoint lies in a block. */
  hasBreakpoint(block: CodeBlock): boolean;
  /** Gives a block's micro-ops their own handlers. */
  restore(block: CodeBlock): void;
}

/**
 * Translates hot regions, and puts each into the place of its blocks' first handlers, where the interpreter's own jumps enter it.
 * A region lives as long as all its blocks do, and none of them has a breakpoint.
 */
export class Translator {
  /** Work done for translations since it was last taken, in instructions of the interpreter. */
  private work = 0;
  /** Instructions translated so far. */
  private experience = 0;
  private readonly interpreter: TranslatedInterpreter;
  private readonly sampler: Sampler;
  private readonly regions = new Map<CodeBlock, Region>();
  /** Times that translated code of a physical page changed. */
  private readonly changes = new Map<number, number>();

  /** Physical pages whose code runs with segments that are not flat. */
  private readonly segmented = new Set<number>();

  constructor(interpreter: TranslatedInterpreter, policy: SamplingPolicy) {
    this.interpreter = interpreter;
    this.sampler = new Sampler(policy);
  }

  /** Instructions to run before {@link look} is due; 0 or less when it is. */
  get untilLook(): number {
    return this.sampler.untilNext;
  }
  ran(instructions: number): void {
    this.sampler.ran(instructions);
  }
  get hasWorked(): boolean {
    return this.work > 0;
  }
  /** Work for translations since the last time, in instructions of the interpreter. */
  takeWork(): number {
    const { work } = this;
    this.work = 0;
    return work;
  }

  /** Looks at where the CPU is: the block that starts at its next micro-op, undefined when none does. */
  look(microOp: number, block: CodeBlock | undefined): void {
    if (this.interpreter.arena.handler(microOp) >= FIRST_REGION) return this.sampler.foundTranslated();
    // The interpreter runs the rest of a budget that did not last for a region.
    if (block !== undefined && this.regions.has(block)) return this.sampler.foundTranslated();
    if (block?.microOp !== microOp || !this.mayTranslate(block)) return this.sampler.foundNothing();
    const reluctance = Math.min(this.changes.get(block.physical >>> 12) ?? 0, MOST_RELUCTANT);
    if (this.sampler.foundBlock(microOp, reluctance)) this.translate(block);
  }

  /** A block is gone; `changed`: because the guest wrote there. */
  dropped(block: CodeBlock, changed: boolean): void {
    const region = this.regions.get(block);
    if (region === undefined) return;
    this.release(region);
    if (!changed) return;
    const page = block.physical >>> 12;
    this.changes.set(page, (this.changes.get(page) ?? 0) + 1);
  }

  /** The segments that a block's region takes to be flat are not: the page is translated without that from now on. */
  unfit(block: CodeBlock): void {
    this.segmented.add(block.physical >>> 12);
    this.giveBack(block);
  }

  /** Takes a block out of translated code. */
  giveBack(block: CodeBlock): void {
    const region = this.regions.get(block);
    if (region !== undefined) this.release(region);
  }

  /** All micro-ops were given up. */
  reset(): void {
    for (const { handler } of new Set(this.regions.values())) this.interpreter.handlers.releaseRegion(handler);
    this.regions.clear();
    this.sampler.reset();
  }

  private translate(root: CodeBlock): void {
    const { arena, handlers } = this.interpreter;
    const handler = handlers.reserveRegion();
    if (handler === undefined) return;
    const flatSegments = this.segmented.has(root.physical >>> 12) ? 0 : this.interpreter.flatSegments();
    const parts = cutBlocks(this.select(root));
    for (const { block } of parts) this.giveBack(block);
    const region = planRegion(parts, root, { handler, flatSegments });
    handlers.installRegion(regionModule(region));
    this.work += sizeOf(region) * COST;
    this.experience += sizeOf(region);
    for (const { block } of region.blocks) this.regions.set(block, region);
    for (const [entry, number] of region.shape.entries.entries()) {
      const microOp = region.blocks[number]?.block.microOp;
      if (microOp !== undefined) arena.enterRegion(microOp, handler, entry);
    }
  }

  /** What a hot block leads to, and the regions that this leads to, as far as there is room: a region is taken in whole or not at all. */
  private select(root: CodeBlock): Set<CodeBlock> {
    const most = Math.min(MOST_INSTRUCTIONS, MOST_AT_FIRST + this.experience);
    const neighbours = new Set<Region>();
    const blocks = selectBlocks(
      root,
      (ip) => {
        const block = this.find(root, ip);
        const region = block === undefined ? undefined : this.regions.get(block);
        if (region === undefined) return block;
        neighbours.add(region);
        return undefined;
      },
      most,
    );
    let size = sizeOf({ blocks: cutBlocks(blocks) });
    for (const region of neighbours) {
      size += sizeOf(region);
      if (size > most || blocks.size + region.blocks.length > MOST_BLOCKS) break;
      for (const { block } of region.blocks) blocks.add(block);
    }
    return blocks;
  }

  private find(root: CodeBlock, ip: number): CodeBlock | undefined {
    const { code } = this.interpreter;
    const block = code.besides(root, (root.linear + (ip - root.ip)) >>> 0);
    return block !== undefined && block.microOp !== 0 && this.mayJoin(block) ? block : undefined;
  }
  private mayTranslate(block: CodeBlock): boolean {
    return block.instructions[0]?.form.slow === false && this.mayJoin(block);
  }
  private mayJoin(block: CodeBlock): boolean {
    return !block.leavesSegment && !this.interpreter.hasBreakpoint(block);
  }

  private release(region: Region): void {
    for (const { block } of region.blocks) {
      this.regions.delete(block);
      if (block.live) this.interpreter.restore(block);
    }
    this.interpreter.handlers.releaseRegion(region.handler);
  }
}

const sizeOf = ({ blocks }: { readonly blocks: readonly BlockPart[] }): number =>
  blocks.reduce((size, { count }) => size + count, 0);
