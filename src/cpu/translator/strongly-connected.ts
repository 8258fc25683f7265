/**
 * The strongly connected components of a graph (Tarjan, 1972), in an order in which no edge leads from a later one to an earlier one.
 * Numbers in a component ascend, and where the edges leave a choice, so do the components.
 */
export function stronglyConnected(
  numbers: readonly number[],
  successors: (number: number) => readonly number[],
): readonly (readonly number[])[] {
  const indexes = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const components: number[][] = [];

  const visit = (number: number): number => {
    const index = indexes.size;
    indexes.set(number, index);
    let low = index;
    open.push(number);
    isOpen.add(number);
    // Later blocks first, as finished components are put in front of each other.
    for (const next of [...successors(number)].sort((a, b) => b - a)) {
      const seen = indexes.get(next);
      if (seen === undefined) low = Math.min(low, visit(next));
      else if (isOpen.has(next)) low = Math.min(low, seen);
    }
    if (low === index) {
      const component = open.splice(open.indexOf(number));
      for (const member of component) isOpen.delete(member);
      components.push(component.sort((a, b) => a - b));
    }
    return low;
  };

  for (const number of [...numbers].sort((a, b) => b - a)) if (!indexes.has(number)) visit(number);
  return components.reverse();
}
