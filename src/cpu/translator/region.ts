import type { Instruction } from '../../isa/instruction.ts';
import type { Width } from '../../isa/value.ts';
import type { CodeBlock } from '../code-cache.ts';
import type { RegionShape } from './region-shape.ts';

/** What a region runs of a block: its first instructions, up to the start of another block of the region or one for the evaluator. */
export interface BlockPart {
  readonly block: CodeBlock;
  /** Instructions that are run. */
  readonly count: number;
}

export interface RegionBlock extends BlockPart {
  /** Its instructions, recorded with their operands. */
  readonly recorded: readonly Instruction<Width>[];
  /** Instructions that are paid for at its head: its own, and those of the longest way on that pays for nothing itself. */
  readonly prepaid: number;
}

/** Blocks of one code page that are one function, in ascending order of address. */
export interface Region {
  /** Table index of its function. */
  readonly handler: number;
  /** Segments taken to be flat (bits as of `FLAT_SEGMENTS` in `layout.ts`). */
  readonly flatSegments: number;
  readonly blocks: readonly RegionBlock[];
  /** Some block reads the carry flag without having set the flags. */
  readonly keepsCarry: boolean;
  /** Numbers are places in `blocks`. */
  readonly shape: RegionShape;
}
