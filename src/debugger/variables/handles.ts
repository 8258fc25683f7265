import type { VariableNode } from './node.ts';

/** What a handle stands for. */
export type Rows = () => readonly VariableNode[];

/**
 * Numbers for groups of rows that stay the same from stop to stop: one number for each path of names, so that a client keeps
 * what the user has opened.
 */
export class VariableHandles {
  private readonly numbers = new Map<string, number>();
  private readonly rows: Rows[] = [];

  /** The handle of the rows called `name` below `parent` (0 is the top), which from now on come from `rows`. */
  handle(parent: number, name: string, rows: Rows): number {
    const key = `${parent}/${name}`;
    const number = this.numbers.get(key) ?? this.numbers.size + 1;
    this.numbers.set(key, number);
    this.rows[number] = rows;
    return number;
  }

  /** The rows of a handle, or undefined when no such handle was given out. */
  open(handle: number): readonly VariableNode[] | undefined {
    return this.rows[handle]?.();
  }
}
