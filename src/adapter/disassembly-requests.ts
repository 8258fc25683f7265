import type { DebugProtocol } from '@vscode/debugprotocol';
import { listCode } from '../debugger/code-listing.ts';
import type { ListingRow } from '../debugger/code-listing.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count } from '../util/hex.ts';
import { memoryReference, parseAddress } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

const MOST_INSTRUCTIONS = 100_000;

export function disassemblyRequests(state: SessionState): Handlers<'disassemble'> {
  return {
    disassemble: ({ memoryReference: reference, offset = 0, instructionOffset = 0, instructionCount }) => {
      const debuggee = state.stopped;
      requireFew(instructionCount, 'instructionCount');
      requireFew(Math.abs(instructionOffset), 'instructionOffset');
      const start = BigInt.asUintN(32, parseAddress(reference) + BigInt(offset));
      const rows = listCode(debuggee.disassembler, debuggee.code, start, instructionOffset, instructionCount);
      return { instructions: rows.map((row) => toInstruction(debuggee, row)) };
    },
  };
}

/** Throws where an answer could not be given in reasonable time. */
function requireFew(number: number, name: string): void {
  if (number <= MOST_INSTRUCTIONS) return;
  throw new StartOfDayError({
    code: 'disassemble-count',
    blame: 'user',
    title: `${name} is ${count(number)}`,
    detail: `One answer reaches over at most ${count(MOST_INSTRUCTIONS)} instructions`,
    mend: 'Ask for fewer.',
  });
}

function toInstruction(
  { inspection }: Debuggee,
  { address, instruction }: ListingRow,
): DebugProtocol.DisassembledInstruction {
  const reference = memoryReference(BigInt.asUintN(32, address));
  if (instruction === undefined) return { address: reference, instruction: '??', presentationHint: 'invalid' };
  const symbol = inspection.symbols.startingAt(address, inspection.target.paging);
  return {
    address: reference,
    instructionBytes: [...instruction.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    instruction: instruction.text,
    ...(symbol === undefined ? {} : { symbol }),
  };
}
