import type { CodeBlock } from '../code-cache.ts';

/** What a region runs of a block: its first instructions, up to the start of another block of the region or one for the evaluator. */
export interface RegionBlock {
  readonly block: CodeBlock;
  /** Instructions that are run, and paid for at the block's head. */
  readonly count: number;
}

/** Blocks of one code page that are one function, in ascending order of address. */
export interface Region {
  /** Table index of its function. */
  readonly handler: number;
  /** Segments taken to be flat (bits as of `FLAT_SEGMENTS` in `layout.ts`). */
  readonly flatSegments: number;
  readonly blocks: readonly RegionBlock[];
}
