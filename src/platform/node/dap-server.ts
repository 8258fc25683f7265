import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Session } from '../../adapter/session.ts';
import type { Readable, Writable } from 'node:stream';
import { StartOfDayError } from '../../util/errors.ts';
import { readWholeFile } from './files.ts';
import { loadHypervisor } from './hypervisor-module.ts';
import { loadHandlers } from './handlers.ts';
import { MessageReader } from './message-reader.ts';
import { nodeScheduler } from './scheduler.ts';

/** Serves one session on standard input and output, and ends the process with it. */
export function serveStandardStreams(): void {
  const session = new Session({
    scheduler: nodeScheduler,
    handlers: loadHandlers,
    readFile: readWholeFile,
    loadHypervisor,
    // What was written must reach the client before the process ends.
    disconnected: () => void process.stdout.end(() => process.exit()),
  });
  process.stdin.on('end', () => {
    session.dispose();
    process.exit();
  });
  connectStreams(session, process.stdin, process.stdout);
}

/** Carries messages between a session and its client. A client that no longer reads is gone. */
function connectStreams(session: Session, input: Readable, output: Writable): void {
  const reader = new MessageReader(
    (message) => session.receive(message),
    (error) => session.complain(error),
  );
  session.onDidSendMessage((message) => {
    const json = JSON.stringify(message);
    output.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
  });
  input.on('data', (bytes: Buffer) => reader.read(bytes));
  for (const stream of [input, output]) stream.on('error', () => session.dispose());
}

/** Serves any number of sessions at a time on a port of 127.0.0.1 (0 for a free one). Resolves to the port once it listens. */
export function servePort(port: number): Promise<number> {
  const server = createServer((socket) => {
    const session = new Session({
      scheduler: nodeScheduler,
      handlers: loadHandlers,
      readFile: readWholeFile,
      loadHypervisor,
      disconnected: () => socket.end(),
    });
    socket.setNoDelay(true);
    socket.on('close', () => session.dispose());
    connectStreams(session, socket, socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new StartOfDayError(
          { code: 'port', blame: 'user', title: `Port ${port} of 127.0.0.1 cannot be used`, detail: cause.message },
          { cause },
        ),
      );
    });
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
