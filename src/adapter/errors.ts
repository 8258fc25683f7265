import type { DebugProtocol } from '@vscode/debugprotocol';
import { StartOfDayError } from '../util/errors.ts';
import type { ErrorVariables } from './protocol.ts';

/** DAP wants a number; the stable identifier is `code` in the variables. */
const ERROR_ID = 1;

/** The one place where an error becomes a DAP error body. Something else than StartOfDayError is a defect of ours. */
export function toErrorMessage(error: unknown, showUser: boolean): DebugProtocol.Message {
  const parts = error instanceof StartOfDayError ? error : defect(error);
  const { code, blame, title, detail, mend } = parts;
  const variables: ErrorVariables = {
    code,
    blame,
    title,
    ...(detail === undefined ? {} : { detail }),
    ...(mend === undefined ? {} : { mend }),
  };
  return { id: ERROR_ID, format: parts.message, variables: { ...variables }, showUser };
}

function defect(error: unknown): StartOfDayError {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new StartOfDayError({ code: 'internal', blame: 'internal', title: 'A defect of Start of Day', detail });
}
