import { servePort, serveStandardStreams } from '../platform/node/dap-server.ts';
import { parseArguments, usageError } from './arguments.ts';
import type { Command } from './command.ts';

/** The Debug Adapter: on standard input and output, or on a port of 127.0.0.1. */
export const dapCommand: Command = {
  name: 'dap',
  operands: '',
  help: 'Speak the Debug Adapter Protocol on standard input and output.',
  options: [{ name: '--port', value: 'N', help: 'listen on port N of 127.0.0.1 instead (0 takes a free one)' }],
  async run(words) {
    const { positional, values } = parseArguments(words, this.options);
    if (positional[0] !== undefined) throw usageError(`dap takes no operand, but was given "${positional[0]}"`);
    const port = values.get('--port')?.[0];
    if (port === undefined) serveStandardStreams();
    else process.stderr.write(`Listening on 127.0.0.1:${await servePort(portNumber(port))}\n`);
    return 0;
  },
};

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw usageError(`--port needs a number from 0 to 65535, not "${text}"`);
  return port;
}
