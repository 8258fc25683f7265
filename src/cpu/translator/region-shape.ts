import { stronglyConnected } from './strongly-connected.ts';

/** A block by its number, or a loop. */
export type RegionElement = number | RegionLoop;

/** Blocks that lead round to the first of them, its header. */
export interface RegionLoop {
  readonly header: number;
  readonly members: ReadonlySet<number>;
  /** In an order in which no jump leads back, but those to the header. */
  readonly body: readonly RegionElement[];
}

/** Blocks as nested loops. WebAssembly has no other jumps than out of blocks and back to the start of a loop around them. */
export interface RegionShape {
  /** In an order in which no jump leads back. */
  readonly elements: readonly RegionElement[];
  /** All blocks, in the order of the elements. */
  readonly order: readonly number[];
  /** The loop right around each block that is in one. */
  readonly loops: ReadonlyMap<number, RegionLoop>;
  /** Blocks where the region may be entered, in the order of the elements: those of a loop stand together. */
  readonly entries: readonly number[];
}

/**
 * Finds the loops of a graph of blocks, given by each one's successors. `wanted`: entries in any case; `root`: where it is in no loop.
 * Others are the blocks that nothing leads to and the headers of loops, so that whoever is outside comes in before long; and where jumps
 * lead into a loop beside its header, these places too, because only a dispatch at its start can get there.
 */
export function shapeOf(
  successors: readonly (readonly number[])[],
  wanted: ReadonlySet<number>,
  root: number,
): RegionShape {
  const predecessors: number[][] = successors.map(() => []);
  for (const [from, targets] of successors.entries()) for (const to of targets) predecessors[to]?.push(from);
  const entries = new Set(wanted);
  const loops = new Map<number, RegionLoop>();
  const order: number[] = [];

  const enteredFromOutside = (members: ReadonlySet<number>): number[] =>
    [...members].filter((number) => predecessors[number]?.some((from) => !members.has(from)) === true);

  /** A component as a loop or a single block; `around` is the loop that it is in. */
  const element = (component: readonly number[], around: RegionLoop | undefined): RegionElement => {
    const [single = 0] = component;
    if (component.length === 1 && successors[single]?.includes(single) !== true) return single;
    if (component.length === 1 && around?.header === single) return single;
    const members = new Set(component);
    const outside = enteredFromOutside(members);
    const header = mostReturnedTo(outside.length > 0 ? outside : component, members);
    for (const number of [header, ...outside]) entries.add(number);
    const body: RegionElement[] = [];
    const loop = { header, members, body };
    body.push(...sequence(component, loop));
    return loop;
  };

  const mostReturnedTo = (candidates: readonly number[], members: ReadonlySet<number>): number => {
    const returns = (number: number): number =>
      predecessors[number]?.filter((from) => from >= number && members.has(from)).length ?? 0;
    return candidates.reduce((best, number) => (returns(number) > returns(best) ? number : best));
  };

  /** The loops and single blocks among some blocks, with the jumps back to the header of the loop around them left out. */
  const sequence = (numbers: readonly number[], around: RegionLoop | undefined): RegionElement[] => {
    const among = new Set(numbers);
    const next = (number: number): number[] =>
      (successors[number] ?? []).filter((to) => among.has(to) && to !== around?.header);
    return stronglyConnected(numbers, next).map((component) => {
      const found = element(component, around);
      if (typeof found === 'number') {
        order.push(found);
        if (around !== undefined) loops.set(found, around);
      }
      return found;
    });
  };

  const all = successors.map((_, number) => number);
  for (const number of all) if (predecessors[number]?.length === 0) entries.add(number);
  const elements = sequence(all, undefined);
  if (!loops.has(root)) entries.add(root);
  return { elements, order, loops, entries: order.filter((number) => entries.has(number)) };
}
