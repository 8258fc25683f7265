import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Command, Requests } from '../../src/adapter/requests.ts';

const ADAPTER = path.resolve('dist/adapter.js');
/** A response that does not come within this time is a failure. */
const PATIENCE_MILLISECONDS = 10_000;

/** The error response of a request. */
export class DapError extends Error {
  readonly body: DebugProtocol.Message | undefined;
  constructor(response: DebugProtocol.Response) {
    super(response.message ?? response.command);
    this.name = 'DapError';
    this.body = (response.body as { error?: DebugProtocol.Message } | undefined)?.error;
  }
}

/** A small DAP client over two streams: typed requests, and events that are kept until a test waits for them. */
export class DapClient {
  /** Every event so far, in order. */
  readonly events: DebugProtocol.Event[] = [];
  /** The adapter's process, when the client started it. */
  readonly process: ChildProcess | undefined;
  private readonly output: Writable;
  private readonly pending = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly waiting = new Set<() => void>();
  private unread = Buffer.alloc(0);
  private sequence = 0;
  private seen = 0;

  constructor(input: Readable, output: Writable, process?: ChildProcess) {
    this.output = output;
    this.process = process;
    input.on('data', (bytes: Buffer) => this.receive(bytes));
  }

  /** Starts the built adapter on standard input and output. */
  static spawn(): DapClient {
    const child = spawn(process.execPath, [ADAPTER], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new DapClient(child.stdout, child.stdin, child);
  }

  /** Connects to an adapter that listens on a port of 127.0.0.1. */
  static async connect(port: number): Promise<DapClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new DapClient(socket, socket);
  }

  /** Sends a request and gives the body of its response. Throws {@link DapError} when the adapter refuses it. */
  async request<C extends Command>(command: C, ...[body]: ArgumentsOf<C>): Promise<Requests[C]['body']> {
    const seq = ++this.sequence;
    const json = JSON.stringify({ seq, type: 'request', command, ...(body === undefined ? {} : { arguments: body }) });
    const response = new Promise<DebugProtocol.Response>((resolve) => this.pending.set(seq, resolve));
    this.output.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    const answer = await patiently(response, `the response to ${command}`);
    if (!answer.success) throw new DapError(answer);
    return answer.body as Requests[C]['body'];
  }

  /** The next event of that name after the one that was waited for last; events before it are passed over. */
  async event(name: string): Promise<Record<string, unknown>> {
    const find = (): number => this.events.findIndex((event, index) => index >= this.seen && event.event === name);
    while (find() < 0) {
      await patiently(new Promise<void>((resolve) => this.waiting.add(resolve)), `the event ${name}`);
    }
    const index = find();
    this.seen = index + 1;
    return (this.events[index]?.body ?? {}) as Record<string, unknown>;
  }

  /** initialize, launch, configurationDone, and the first stop. */
  async boot(configuration: Record<string, unknown>): Promise<Record<string, unknown>> {
    await this.start(configuration);
    return this.event('stopped');
  }

  /** {@link boot} without the wait for a stop. */
  async start(configuration: Record<string, unknown>): Promise<void> {
    await this.request('initialize', { adapterID: 'start-of-day', supportsInvalidatedEvent: true });
    await this.request('launch', configuration);
    await this.event('initialized');
    await this.request('configurationDone', undefined);
  }

  /** Everything that `output` events of a category have said. */
  outputOf(category: string): string {
    return this.events
      .filter(({ event, body }) => event === 'output' && (body as { category?: string }).category === category)
      .map(({ body }) => (body as { output: string }).output)
      .join('');
  }

  /** Leaves, and ends a process that the client started. */
  async close(): Promise<void> {
    if (this.process === undefined) {
      this.output.end();
      return;
    }
    if (this.process.exitCode !== null) return;
    const exit = once(this.process, 'exit');
    this.output.end();
    await exit;
  }

  private receive(bytes: Buffer): void {
    this.unread = Buffer.concat([this.unread, bytes]);
    for (;;) {
      const header = /^Content-Length: (\d+)\r\n\r\n/.exec(this.unread.toString('latin1', 0, 64));
      if (header === null) return;
      const start = header[0].length;
      const end = start + Number(header[1]);
      if (this.unread.length < end) return;
      const message = JSON.parse(this.unread.toString('utf8', start, end)) as DebugProtocol.ProtocolMessage;
      this.unread = this.unread.subarray(end);
      this.dispatch(message);
    }
  }

  private dispatch(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      this.events.push(message as DebugProtocol.Event);
      const waiting = [...this.waiting];
      this.waiting.clear();
      for (const wake of waiting) wake();
    } else {
      const response = message as DebugProtocol.Response;
      this.pending.get(response.request_seq)?.(response);
      this.pending.delete(response.request_seq);
    }
  }
}

/** Requests without arguments may leave them out. */
type ArgumentsOf<C extends Command> = undefined extends Requests[C]['arguments']
  ? [body?: Requests[C]['arguments']]
  : [body: Requests[C]['arguments']];

async function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} did not come within ${PATIENCE_MILLISECONDS} ms`)),
      PATIENCE_MILLISECONDS,
    );
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
