import type { DebugProtocol } from '@vscode/debugprotocol';

/** `starting` until the adapter has answered `launch`; `ended` from the moment when VS Code lets go of the adapter. */
export type SessionState = 'starting' | 'running' | 'stopped' | 'ended';

const RESUMING: ReadonlySet<string> = new Set(['continue', 'next', 'stepIn', 'stepOut', 'restart']);

/** The state of a session after the adapter has sent `message`. */
export function stateAfter(state: SessionState, message: DebugProtocol.ProtocolMessage): SessionState {
  if (message.type === 'event') {
    const { event } = message as DebugProtocol.Event;
    if (event === 'stopped') return 'stopped';
    return event === 'continued' ? 'running' : state;
  }
  if (message.type !== 'response') return state;
  const { command, success } = message as DebugProtocol.Response;
  if (!success) return state;
  if (RESUMING.has(command)) return 'running';
  return command === 'launch' && state === 'starting' ? 'running' : state;
}
