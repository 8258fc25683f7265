import type { DebugProtocol } from '@vscode/debugprotocol';
import { listCode } from '../debugger/code-listing.ts';
import type { ListingRow } from '../debugger/code-listing.ts';
import type { Debuggee } from '../debugger/debuggee.ts';
import { memoryReference, parseAddress } from './addresses.ts';
import type { Handlers } from './requests.ts';
import type { SessionState } from './session-state.ts';

export function disassemblyRequests(state: SessionState): Handlers<'disassemble'> {
  return {
    disassemble: ({ memoryReference: reference, offset = 0, instructionOffset = 0, instructionCount }) => {
      const debuggee = state.stopped;
      const start = BigInt.asUintN(32, parseAddress(reference) + BigInt(offset));
      const rows = listCode(debuggee.disassembler, debuggee.code, start, instructionOffset, instructionCount);
      return { instructions: rows.map((row) => toInstruction(debuggee, row)) };
    },
  };
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
