import { hex } from '../util/hex.ts';
import {
  LONGEST_INSTRUCTION,
  type DecodedInstruction,
  type DecodeMode,
  type DecodeProblem,
  type InstructionDecoder,
} from './decoder.ts';
import { CpuFault, Unimplemented } from './fault.ts';
import * as L from './layout.ts';
import type { Mmu } from './mmu.ts';
import { ACCESS, SEGMENT, type CpuState } from './state.ts';

const GENERAL_PROTECTION = 13;

/** A straight run of decoded instructions inside one page. */
export interface CodeBlock {
  /** Offset of the first instruction in CS. */
  readonly ip: number;
  /** Linear and physical address of the first byte. */
  readonly linear: number;
  readonly physical: number;
  readonly context: number;
  /** CS limit, which is the same whenever the block runs. */
  readonly codeLimit: number;
  readonly instructions: readonly DecodedInstruction[];
  /** Not kept: the one instruction straddles a page or lies in device memory, so that its bytes are checked each time. */
  readonly transient: boolean;
  /** The jump at its end goes past the CS limit, so that only the evaluator may run it. */
  readonly leavesSegment: boolean;
  /** First micro-op, 0 while there is none. */
  microOp: number;
  /** False once its bytes may have changed. */
  live: boolean;
}

/** What decoding depends on besides the bytes: CS base, limit and size, and the stack width. */
interface CodeContext extends DecodeMode {
  readonly id: number;
  readonly base: number;
  readonly limit: number;
}

/**
 * Decoded code by linear address, valid for the physical bytes and the segment context it was decoded with.
 * A write to a line that holds decoded code drops the blocks of that page first.
 */
export class CodeCache {
  /** Called when a block dies; `changed`: because the guest wrote there. */
  onDrop: (block: CodeBlock, changed: boolean) => void = () => undefined;

  private readonly state: CpuState;
  private readonly mmu: Mmu;
  private readonly decoder: InstructionDecoder;
  private readonly longest: number;
  private readonly blocks = new Map<number, CodeBlock[]>();
  private readonly pages = new Map<number, CodeBlock[]>();
  private readonly straddling = new Map<number, { readonly bytes: Uint8Array; readonly block: CodeBlock }>();
  private readonly contexts = new Map<string, CodeContext>();
  private current: CodeContext | undefined;

  /** `longest`: instructions in a block. */
  constructor(state: CpuState, mmu: Mmu, decoder: InstructionDecoder, longest: number) {
    this.state = state;
    this.mmu = mmu;
    this.decoder = decoder;
    this.longest = longest;
    mmu.onCodeWrite = (page) => this.dropPage(page, true);
  }

  /** CS or SS was loaded; true when that changes what code means. */
  contextChanged(): boolean {
    const before = this.current;
    this.current = this.readContext();
    return this.current !== before;
  }

  /** The block that starts at an offset of CS. Raises what the fetch raises; an instruction the machine does not have is named. */
  blockAt(ip: number): CodeBlock {
    const context = (this.current ??= this.readContext());
    const linear = (context.base + ip) >>> 0;
    const physical = this.mmu.fetchAddress(linear);
    for (const block of this.blocks.get(linear) ?? []) {
      if (block.physical === physical && block.context === context.id) return block;
    }
    return this.decode(ip, linear, physical, context);
  }

  /** The decoded block at a linear address in the same page, context and translation as another one; decodes nothing. */
  besides(other: CodeBlock, linear: number): CodeBlock | undefined {
    if (linear >>> 12 !== other.linear >>> 12) return undefined;
    return this.blocks
      .get(linear)
      ?.find(({ context, physical }) => context === other.context && physical >>> 12 === other.physical >>> 12);
  }

  /** Every live block. */
  *all(): Iterable<CodeBlock> {
    for (const blocks of this.blocks.values()) yield* blocks;
  }

  /** Drops everything. */
  clear(): void {
    for (const page of [...this.pages.keys()]) this.dropPage(page, false);
    this.straddling.clear();
  }

  private dropPage(page: number, changed: boolean): void {
    for (const block of this.pages.get(page) ?? []) {
      block.live = false;
      const others = (this.blocks.get(block.linear) ?? []).filter((other) => other !== block);
      if (others.length > 0) this.blocks.set(block.linear, others);
      else this.blocks.delete(block.linear);
      this.onDrop(block, changed);
    }
    this.pages.delete(page);
    this.mmu.clearCode(page);
  }

  private readContext(): CodeContext {
    const cs = this.state.segment(SEGMENT.cs);
    const ss = this.state.segment(SEGMENT.ss);
    const codeSize = (cs.access & ACCESS.big) !== 0 ? 32 : 16;
    const stackWidth = (ss.access & ACCESS.big) !== 0 ? 32 : 16;
    const key = `${cs.base} ${cs.limit} ${codeSize} ${stackWidth}`;
    const known = this.contexts.get(key);
    if (known !== undefined) return known;
    const context = { id: this.contexts.size, base: cs.base, limit: cs.limit, codeSize, stackWidth } as const;
    this.contexts.set(key, context);
    return context;
  }

  private decode(ip: number, linear: number, physical: number, context: CodeContext): CodeBlock {
    const inPage = 0x1000 - (linear & 0xfff);
    if (!this.mmu.isRam(physical, 1)) return this.decodeAcrossPages(ip, linear, physical, context);
    const start = L.RAM + physical;
    const available = Math.min(inPage, this.longest * LONGEST_INSTRUCTION);
    const decoder = this.decoder.open(this.state.bytes.subarray(start, start + available), ip, context);
    const instructions: DecodedInstruction[] = [];
    let length = 0;
    try {
      while (instructions.length < this.longest && length < available) {
        const next = this.decoder.next(decoder, ip + length, context);
        if ('problem' in next) {
          if (instructions.length > 0) break;
          if (next.problem === 'unimplemented') throw this.unimplemented(next, linear, physical);
          return this.decodeAcrossPages(ip, linear, physical, context);
        }
        if (ip + length + next.length - 1 > context.limit) {
          if (instructions.length > 0) break;
          throw this.pastLimit(ip, context);
        }
        // A repeated instruction jumps to itself, and jumps go to the start of blocks.
        if (next.form.repeat !== undefined && instructions.length > 0) break;
        instructions.push(next);
        length += next.length;
        if (next.form.description.endsBlock) break;
      }
    } finally {
      decoder.free();
    }
    const block = {
      ip,
      linear,
      physical,
      context: context.id,
      codeLimit: context.limit,
      instructions,
      transient: false,
      leavesSegment: leavesSegment(instructions.at(-1), context),
      microOp: 0,
      live: true,
    };
    this.mmu.markCode(physical, length);
    append(this.blocks, linear, block);
    append(this.pages, physical >>> 12, block);
    return block;
  }

  /** One instruction whose bytes do not lie in one page of RAM: compared with what was decoded there before. */
  private decodeAcrossPages(ip: number, linear: number, physical: number, context: CodeContext): CodeBlock {
    const bytes = new Uint8Array(LONGEST_INSTRUCTION);
    const inPage = Math.min(LONGEST_INSTRUCTION, 0x1000 - (linear & 0xfff));
    for (let n = 0; n < inPage; n++) bytes[n] = this.mmu.readPhysical(physical + n, 8);
    if (inPage < LONGEST_INSTRUCTION) {
      const second = this.mmu.fetchAddress((linear + inPage) >>> 0);
      for (let n = inPage; n < LONGEST_INSTRUCTION; n++) bytes[n] = this.mmu.readPhysical(second + n - inPage, 8);
    }
    const known = this.straddling.get(linear);
    if (known?.block.context === context.id && known.bytes.every((byte, n) => byte === bytes[n])) return known.block;
    const decoder = this.decoder.open(bytes, ip, context);
    const next = this.decoder.next(decoder, ip, context);
    decoder.free();
    if ('problem' in next) throw this.unimplemented(next, linear, physical);
    if (ip + next.length - 1 > context.limit) throw this.pastLimit(ip, context);
    const block = {
      ip,
      linear,
      physical,
      context: context.id,
      codeLimit: context.limit,
      instructions: [next],
      transient: true,
      leavesSegment: leavesSegment(next, context),
      microOp: 0,
      live: true,
    };
    this.straddling.set(linear, { bytes, block });
    return block;
  }

  private pastLimit(ip: number, context: CodeContext): CpuFault {
    const reason = `instruction at CS offset ${hex(ip)} is past the CS limit ${hex(context.limit)}`;
    return new CpuFault(GENERAL_PROTECTION, 0, reason, { offset: ip, limit: context.limit });
  }

  private unimplemented(problem: DecodeProblem, linear: number, physical: number): Unimplemented {
    const length = Math.min(problem.length || LONGEST_INSTRUCTION, 0x1000 - (linear & 0xfff));
    const bytes = Array.from({ length }, (_, n) =>
      this.mmu
        .readPhysical(physical + n, 8)
        .toString(16)
        .padStart(2, '0'),
    );
    return new Unimplemented(`instruction ${problem.name} at ${hex(linear, 8)}: ${bytes.join(' ')}`);
  }
}

function leavesSegment(last: DecodedInstruction | undefined, context: CodeContext): boolean {
  return last?.form.kinds === 't' && last.target >>> 0 > context.limit;
}

function append(map: Map<number, CodeBlock[]>, key: number, block: CodeBlock): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [block]);
  else list.push(block);
}
