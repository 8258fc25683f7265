import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ErrorVariables } from '../../adapter/protocol.ts';

/** A modal message: what is wrong, then where it says so and what mends it. */
export interface LaunchError {
  readonly title: string;
  readonly detail: string;
}

/** The error in `message` when it refuses to boot a kernel, the first time or again. */
export function launchError(message: DebugProtocol.ProtocolMessage): LaunchError | undefined {
  if (message.type !== 'response') return undefined;
  const { command, success, body } = message as DebugProtocol.ErrorResponse;
  if ((command !== 'launch' && command !== 'restart') || success) return undefined;
  const parts = body.error?.variables as Partial<ErrorVariables> | undefined;
  if (parts?.title === undefined) return undefined;
  return { title: parts.title, detail: [parts.detail, parts.mend].filter((part) => part !== undefined).join('\n\n') };
}
