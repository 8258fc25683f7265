import { StartOfDayError } from '../util/errors.ts';
import { didYouMean } from '../util/nearest-name.ts';

/** One option of a command. */
export interface OptionDescription {
  /** With its dashes: `--memory`. */
  readonly name: string;
  /** What stands behind it in the usage, `SIZE`; undefined for a switch. */
  readonly value?: string;
  readonly repeatable?: boolean;
  readonly help: string;
}

/** What was given on a command line. */
export interface ParsedArguments {
  readonly positional: readonly string[];
  readonly switches: ReadonlySet<string>;
  /** All values of an option, in order. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** A command line that cannot be understood: ends with exit status 2. */
export function usageError(title: string, mend?: string): StartOfDayError {
  return new StartOfDayError({ code: 'usage', blame: 'user', title, ...(mend === undefined ? {} : { mend }) });
}

/** Takes `--option VALUE`, `--option=VALUE`, switches and positional arguments apart. Throws on anything it does not know. */
export function parseArguments(words: readonly string[], options: readonly OptionDescription[]): ParsedArguments {
  const positional: string[] = [];
  const switches = new Set<string>();
  const values = new Map<string, string[]>();
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') || word === '-') {
      positional.push(word);
      continue;
    }
    const [name, attached] = splitOnce(word, '=');
    const option = options.find((candidate) => candidate.name === name);
    if (option === undefined) throw unknownOption(name, options);
    if (option.value === undefined) {
      if (attached !== undefined) throw usageError(`${name} takes no value`);
      switches.add(name);
      continue;
    }
    const value = attached ?? rest.shift();
    if (value === undefined) throw usageError(`${name} needs a value`, `Write ${name} ${option.value}.`);
    const given = values.get(name) ?? [];
    if (given.length > 0 && option.repeatable !== true) throw usageError(`${name} is given twice`);
    values.set(name, [...given, value]);
  }
  return { positional, switches, values };
}

/** `text` before and behind the first `separator`; the second part is undefined when there is none. */
export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function unknownOption(name: string, options: readonly OptionDescription[]): StartOfDayError {
  const names = options.map((option) => option.name);
  return usageError(`There is no option "${name}"`, didYouMean(name, names) ?? `The options are ${names.join(', ')}.`);
}
