import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ErrorVariables } from '../../adapter/protocol.ts';

/** A modal message: what is wrong, then where it says so and what mends it. */
export interface SessionError {
  readonly title: string;
  readonly detail: string;
}

/** The error in `message` when it refuses to boot a kernel, the first time or again. */
export function launchError(message: DebugProtocol.ProtocolMessage): SessionError | undefined {
  if (message.type !== 'response') return undefined;
  const { command, success, body } = message as DebugProtocol.ErrorResponse;
  if ((command !== 'launch' && command !== 'restart') || success) return undefined;
  const parts = body.error?.variables as Partial<ErrorVariables> | undefined;
  if (parts?.title === undefined) return undefined;
  return { title: parts.title, detail: [parts.detail, parts.mend].filter((part) => part !== undefined).join('\n\n') };
}

/** The error of an adapter process that ended otherwise than by `disconnect`, which gives exit code 0: a defect of ours. */
export function adapterEnded(code: number | undefined, signal: string | undefined): SessionError | undefined {
  if (code === 0) return undefined;
  const how = code === undefined ? `by ${signal ?? 'an unknown signal'}` : `with exit code ${code}`;
  return {
    title: 'The debug adapter of Start of Day has ended',
    detail: `It ended ${how}. This is a defect of Start of Day.`,
  };
}
