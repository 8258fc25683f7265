import type { OptionDescription } from './arguments.ts';
import type { Command } from './command.ts';

/** The usage of some commands with all their options. */
export function helpText(commands: readonly Command[]): string {
  return commands.map(commandText).join('\n');
}

function commandText({ name, operands, help, options }: Command): string {
  const usage = ['start-of-day', name, operands, options.length > 0 ? '[OPTION]...' : ''].filter((word) => word !== '');
  const left = options.map(optionName);
  const width = Math.max(0, ...left.map(({ length }) => length));
  const rows = options.map((option, index) => `  ${(left[index] ?? '').padEnd(width)}  ${option.help}`);
  return [usage.join(' '), `  ${help}`, ...rows, ''].join('\n');
}

function optionName({ name, value, repeatable }: OptionDescription): string {
  return `${name}${value === undefined ? '' : ` ${value}`}${repeatable === true ? ' ...' : ''}`;
}
