import type { Instruction } from '../../isa/instruction.ts';
import { children, type Value, type Width } from '../../isa/value.ts';
import type { CodeBlock } from '../code-cache.ts';
import { recordWithOperands } from '../instruction-form.ts';
import { rootsOf } from '../lowering/instruction-lowering.ts';
import { CARRY_CONDITION } from './local-registers.ts';
import { shapeOf, type RegionShape } from './region-shape.ts';
import type { BlockPart, Region, RegionBlock } from './region.ts';

/**
 * Instructions that are paid for at once. With less than that left a region leaves the rest to the interpreter, which is exact to the
 * instruction.
 */
const MOST_PREPAID = 64;

/** Plans a region: what its blocks do, how they are nested, and what is paid where. */
export function planRegion(
  parts: readonly BlockPart[],
  root: CodeBlock,
  { handler, flatSegments }: Pick<Region, 'handler' | 'flatSegments'>,
): Region {
  const numbers = new Map(parts.map(({ block }, number) => [block.ip, number]));
  const numbersOf = (ips: readonly number[]): number[] =>
    ips.map((ip) => numbers.get(ip)).filter((number) => number !== undefined);
  const recorded = parts.map(({ block, count }) =>
    block.instructions
      .slice(0, count)
      .map((instruction) => recordWithOperands(instruction.form, instruction, block.codeLimit)),
  );
  const successors = parts.map((part, number) => numbersOf(jumps(part, recorded[number]?.at(-1))));
  const wanted = new Set(parts.flatMap((part) => numbersOf(comebacks(part))));
  const shape = shapeOf(successors, wanted, numbers.get(root.ip) ?? 0);
  const prepaid = prepayments(parts, successors, shape);
  const blocks = parts.map((part, number): RegionBlock => ({
    ...part,
    recorded: recorded[number] ?? [],
    prepaid: prepaid[number] ?? 0,
  }));
  return { handler, flatSegments, blocks, shape, keepsCarry: recorded.some(readsOldCarry) };
}

/** True for a run of instructions one of which reads the carry flag where it is not known which one has set it. */
function readsOldCarry(run: readonly Instruction<Width>[]): boolean {
  let known = false;
  for (const instruction of run) {
    if (!known && rootsOf(instruction).some(readsCarry)) return true;
    for (const { kind } of instruction.commits) {
      if (kind === 'when') known = false;
      if (kind === 'flags' || kind === 'eflags') known = true;
    }
  }
  return false;
}
function readsCarry(value: Value): boolean {
  const { node } = value;
  if (node.kind === 'flag') return node.flag === 'c';
  if (node.kind === 'condition') return node.code >> 1 === CARRY_CONDITION >> 1;
  return children(value).some(readsCarry);
}

/** Offsets in CS that the end of a block leads to. */
function jumps({ block, count }: BlockPart, last: Instruction<Width> | undefined): number[] {
  const decoded = block.instructions[count - 1];
  if (decoded === undefined || last === undefined || decoded.form.slow) return [];
  const { control } = last;
  const next = (decoded.ip + decoded.length) >>> 0;
  const targets: number[] = last.checks.some(({ kind }) => kind === 'done-if') ? [next] : [];
  if (control.kind === 'next') targets.push(next);
  const values = control.kind === 'branch' ? [control.to, control.otherwise] : [];
  if (control.kind === 'jump') values.push(control.to);
  for (const { constant } of values) if (constant !== undefined) targets.push(Number(constant));
  return [...new Set(targets)];
}

/** Offsets in CS where control comes from elsewhere: what is called, where calls return to, and what is behind the evaluator's work. */
function comebacks({ block, count }: BlockPart): number[] {
  const last = block.instructions[count - 1];
  if (last === undefined) return [];
  const { form, ip, length, target } = last;
  const calls = form.description.mnemonics[0] === 'Call';
  return [...(calls || form.slow ? [(ip + length) >>> 0] : []), ...(calls && form.kinds === 't' ? [target >>> 0] : [])];
}

/** What is paid at the head of each block: see {@link RegionBlock.prepaid}. A loop is paid for each time round, and by itself. */
function prepayments(
  parts: readonly BlockPart[],
  successors: readonly (readonly number[])[],
  { order, loops }: RegionShape,
): number[] {
  const prepaid: number[] = [];
  for (const number of [...order].reverse()) {
    const loop = loops.get(number);
    const own = parts[number]?.count ?? 0;
    const onward = (successors[number] ?? [])
      .filter((to) => loops.get(to) === loop && to !== loop?.header)
      .map((to) => prepaid[to] ?? 0)
      .filter((paid) => own + paid <= MOST_PREPAID);
    prepaid[number] = own + Math.max(0, ...onward);
  }
  return prepaid;
}
