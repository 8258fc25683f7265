import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { DebugProtocol } from '@vscode/debugprotocol';

const HEADER_END = '\r\n\r\n';

/** A client of the Debug Adapter Protocol, as small as one can be: sends requests to the built adapter and hears its events. */
export class DapClient {
  private readonly adapter: ChildProcessWithoutNullStreams;
  private readonly pending = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly hear: (event: DebugProtocol.Event) => void;
  private sequence = 0;
  private received = Buffer.alloc(0);

  /** `hear` is called with every event, in order. */
  constructor(adapter: string, hear: (event: DebugProtocol.Event) => void) {
    this.hear = hear;
    this.adapter = spawn(process.execPath, [adapter]);
    this.adapter.stderr.pipe(process.stderr);
    this.adapter.stdout.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  /** Resolves to the body of the response. Rejects with the message of a refused request. */
  request<Body>(command: string, parameters?: unknown): Promise<Body> {
    const seq = ++this.sequence;
    const json = JSON.stringify({ seq, type: 'request', command, arguments: parameters });
    this.adapter.stdin.write(`Content-Length: ${Buffer.byteLength(json)}${HEADER_END}${json}`);
    return new Promise((resolve, reject) => {
      this.pending.set(seq, (response) => {
        if (response.success) resolve(response.body as Body);
        else reject(new Error((response as DebugProtocol.ErrorResponse).body.error?.format ?? response.message));
      });
    });
  }

  close(): void {
    this.adapter.kill();
  }

  private receive(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const headerEnd = this.received.indexOf(HEADER_END);
      if (headerEnd < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.received.toString('latin1', 0, headerEnd))?.[1]);
      const start = headerEnd + HEADER_END.length;
      if (this.received.length < start + length) return;
      const message = JSON.parse(
        this.received.toString('utf8', start, start + length),
      ) as DebugProtocol.ProtocolMessage;
      this.received = this.received.subarray(start + length);
      this.dispatch(message);
    }
  }

  private dispatch(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') return this.hear(message as DebugProtocol.Event);
    const response = message as DebugProtocol.Response;
    this.pending.get(response.request_seq)?.(response);
    this.pending.delete(response.request_seq);
  }
}
