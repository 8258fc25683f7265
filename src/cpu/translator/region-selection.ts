import type { CodeBlock } from '../code-cache.ts';
import type { BlockPart } from './region.ts';

/** Jumps that never go on with the next instruction. */
const NO_NEXT: ReadonlySet<string> = new Set(['Jmp', 'Ret', 'Retf', 'Iret']);
/** A micro-op names its block of the region by a byte. */
export const MOST_BLOCKS = 256;

/** Gives the block that starts at an offset in CS, if the region may have it: it has been run, and belongs to the root's page. */
export type FindBlock = (ip: number) => CodeBlock | undefined;

/**
 * The blocks that a hot block leads to, as far as they have been run before; about `most` instructions. Code that was never run
 * is left out: whoever goes there leaves the region through the block's link.
 */
export function selectBlocks(root: CodeBlock, find: FindBlock, most: number): Set<CodeBlock> {
  const blocks = new Set([root]);
  const instructions = new Set<number>();
  for (const block of blocks) {
    for (const { ip } of block.instructions) instructions.add(ip);
    for (const ip of successors(block)) {
      if (instructions.size >= most || blocks.size >= MOST_BLOCKS) return blocks;
      const next = find(ip);
      if (next !== undefined) blocks.add(next);
    }
  }
  return blocks;
}

/** Cuts blocks where another one of them starts, and after what the evaluator must run. In ascending order of address. */
export function cutBlocks(blocks: Iterable<CodeBlock>): BlockPart[] {
  const sorted = [...blocks].sort((a, b) => a.ip - b.ip);
  const starts = new Set(sorted.map(({ ip }) => ip));
  return sorted.map((block) => {
    const { instructions } = block;
    let count = 1;
    while (count < instructions.length) {
      if (instructions[count - 1]?.form.slow === true || starts.has(instructions[count]?.ip ?? -1)) break;
      count++;
    }
    return { block, count };
  });
}

/** Where control may go from a block inside its page: after its end, after what the evaluator runs, and to its jump's target. */
function successors({ instructions }: CodeBlock): number[] {
  const ips: number[] = [];
  for (const { form, ip, length, target } of instructions) {
    if (form.kinds.includes('t')) ips.push(target >>> 0);
    if (form.slow || form.description.endsBlock) {
      if (!NO_NEXT.has(form.description.mnemonics[0] ?? '')) ips.push((ip + length) >>> 0);
    }
  }
  const last = instructions.at(-1);
  if (last !== undefined && !last.form.description.endsBlock) ips.push((last.ip + last.length) >>> 0);
  return ips;
}
