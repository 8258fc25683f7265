import type { DebugSession } from 'vscode';
import type { CustomRequest, CustomRequests } from '../adapter/protocol.ts';
import { SerialText } from './model/serial-text.ts';
import type { SessionState } from './model/session-state.ts';

type Arguments<Command extends CustomRequest> = CustomRequests[Command]['arguments'];
type Reply<Command extends CustomRequest> = CustomRequests[Command]['reply'];

/** One debug session of this extension and what its views share. */
export class MachineSession {
  readonly debug: DebugSession;
  readonly serial = new SerialText();
  state: SessionState = 'starting';

  constructor(debug: DebugSession) {
    this.debug = debug;
  }

  /** Sends a request of Start of Day's own. The reply is undefined when the session ended before it came. */
  async request<Command extends CustomRequest>(
    command: Command,
    ...[parameters]: Arguments<Command> extends undefined ? [] : [Arguments<Command>]
  ): Promise<Reply<Command> | undefined> {
    try {
      return (await this.debug.customRequest(command, parameters)) as Reply<Command>;
    } catch (error) {
      if (this.state === 'ended') return undefined;
      throw error;
    }
  }
}
