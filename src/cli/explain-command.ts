import { basename } from 'node:path';
import { explain, formatExplain } from '../boot/explain.ts';
import { readWholeFile } from '../platform/node/files.ts';
import { parseArguments, usageError } from './arguments.ts';
import type { Command } from './command.ts';

/** Says for each entry protocol whether a file offers it, and if not what is missing. */
export const explainCommand: Command = {
  name: 'explain',
  operands: 'FILE',
  help: 'Say how a kernel can be entered, and what each other way misses.',
  options: [{ name: '--json', help: 'print the findings as one JSON object' }],
  async run(words) {
    const { positional, switches } = parseArguments(words, this.options);
    const [file, ...more] = positional;
    if (file === undefined) throw usageError('explain needs the file of a kernel', 'Write start-of-day explain FILE.');
    if (more[0] !== undefined) throw usageError(`explain takes one file, but "${more[0]}" came after "${file}"`);
    const report = explain(basename(file), await readWholeFile(file));
    process.stdout.write(switches.has('--json') ? `${JSON.stringify(report, null, 2)}\n` : formatExplain(report));
    return 0;
  },
};
