import { ProtocolServer } from '@vscode/debugadapter/lib/protocol';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { StartOfDayError } from '../util/errors.ts';
import { breakpointRequests } from './breakpoint-requests.ts';
import { disassemblyRequests } from './disassembly-requests.ts';
import { toErrorMessage } from './errors.ts';
import { evaluateRequests } from './evaluate-requests.ts';
import { exceptionRequests } from './exception-requests.ts';
import { executionRequests } from './execution-requests.ts';
import type { AdapterHost } from './host.ts';
import { launchRequests } from './launch-requests.ts';
import { memoryRequests } from './memory-requests.ts';
import type { Command, Handler, Handlers } from './requests.ts';
import { SessionState } from './session-state.ts';
import { stackRequests } from './stack-requests.ts';
import { variableRequests } from './variable-requests.ts';
import { viewRequests } from './view-requests.ts';

/**
 * One debug session: routes each request to the family that answers it, and turns what is thrown into an error response. Knows neither
 * Node nor VS Code: the transport calls `receive` and listens to `onDidSendMessage`.
 */
export class Session extends ProtocolServer {
  private readonly state: SessionState;
  private readonly handlers: Handlers;

  constructor(host: AdapterHost) {
    super();
    this.state = new SessionState(host, (event, body) => this.sendEvent({ seq: 0, type: 'event', event, body }));
    this.handlers = {
      ...launchRequests(this.state),
      ...breakpointRequests(this.state),
      ...executionRequests(this.state),
      ...stackRequests(this.state),
      ...variableRequests(this.state),
      ...evaluateRequests(this.state),
      ...exceptionRequests(this.state),
      ...memoryRequests(this.state),
      ...disassemblyRequests(this.state),
      ...viewRequests(this.state),
    };
  }

  /** Stops the machine: the client is gone. */
  override dispose(): void {
    this.state.end();
  }

  /** Takes a message of the client, whatever it is. */
  receive(message: unknown): void {
    if (isRequest(message)) this.dispatchRequest(message);
    else
      this.complain(
        new StartOfDayError({
          code: 'not-a-request',
          blame: 'user',
          title: 'The client sent a message that is no request',
          detail: 'A request has "type": "request", a number "seq" and a text "command"',
        }),
      );
  }

  /** Tells the client about an error that belongs to no request. */
  complain(error: unknown): void {
    this.state.complain(error);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.answer(request);
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const { command } = request;
    const response: DebugProtocol.Response = {
      seq: 0,
      type: 'response',
      request_seq: request.seq,
      command,
      success: true,
    };
    try {
      const handler = this.handlerOf(command);
      const body = handler(request.arguments);
      // Only what waits for a file is a promise: everything else is answered in the turn in which it came.
      const settled: unknown = body instanceof Promise ? await body : body;
      response.body = settled;
    } catch (error) {
      response.success = false;
      // VS Code shows an error where the request came from, and the extension shows that of a launch: no notification besides.
      const message = toErrorMessage(error, this.state.client !== 'vscode');
      response.message = message.format;
      response.body = { error: message };
    }
    this.sendResponse(response);
    this.state.responded();
  }

  private handlerOf(command: string): (request: unknown) => unknown {
    if (!Object.hasOwn(this.handlers, command))
      throw new StartOfDayError({
        code: 'unknown-request',
        blame: 'user',
        title: `There is no request "${command}" here`,
      });
    // The client vouches for the shape of the arguments, as everywhere in DAP.
    return this.handlers[command as Command] as Handler<Command> as (request: unknown) => unknown;
  }
}

function isRequest(message: unknown): message is DebugProtocol.Request {
  if (typeof message !== 'object' || message === null) return false;
  const { type, seq, command } = message as Partial<Record<keyof DebugProtocol.Request, unknown>>;
  return type === 'request' && typeof seq === 'number' && typeof command === 'string';
}
