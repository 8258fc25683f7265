import { didYouMean } from '../util/nearest-name.ts';
import { usageError } from './arguments.ts';
import type { Command } from './command.ts';
import { bootCommand } from './boot-command.ts';
import { dapCommand } from './dap-command.ts';
import { explainCommand } from './explain-command.ts';
import { helpText } from './help.ts';
import { version } from '../../package.json';
import { BAD_USAGE, reportTo } from '../platform/node/report-error.ts';

const COMMANDS: readonly Command[] = [explainCommand, bootCommand, dapCommand];

/** Runs a command line and gives the exit status. */
async function dispatch([first, ...rest]: readonly string[]): Promise<number> {
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(helpText(COMMANDS));
    return first === undefined ? BAD_USAGE : 0;
  }
  if (first === '--version') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  const command = COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    const names = [...COMMANDS.map(({ name }) => name), '--help', '--version'];
    throw usageError(
      `There is no command "${first}"`,
      didYouMean(first, names) ?? `The commands are ${names.join(', ')}.`,
    );
  }
  if (rest.includes('--help')) {
    process.stdout.write(helpText([command]));
    return 0;
  }
  return command.run(rest);
}

dispatch(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
}, reportTo(process.stderr));
