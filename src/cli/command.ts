import type { OptionDescription } from './arguments.ts';

/** A command of the command line. */
export interface Command {
  readonly name: string;
  /** What stands behind the name: `FILE`. */
  readonly operands: string;
  /** One line. */
  readonly help: string;
  readonly options: readonly OptionDescription[];
  /** Runs it and gives the exit status. Throws StartOfDayError on bad usage. */
  run(words: readonly string[]): Promise<number>;
}
