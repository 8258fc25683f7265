import { hex } from '../util/hex.ts';
import type { Inspection } from './inspection.ts';

export interface StackFrame {
  /** `kernel_main+0x12`, or the address where there is no symbol. */
  readonly name: string;
  /** Linear address: of the next instruction in frame 0, of the return address in its callers. */
  readonly address: bigint;
}

/** Where the machine is and how it came there, innermost first, from the calls that the machine has seen. */
export function callStack(inspection: Inspection): StackFrame[] {
  const { target, symbols } = inspection;
  const here = target.instructionAddress;
  const callers = target.callers().map(({ codeBase, returnAddress, kind }) => {
    const address = BigInt((codeBase + returnAddress) >>> 0);
    if (kind === 'interrupt')
      return { name: `${inspection.nameOf(address) ?? hex(address, 8)} (interrupted)`, address };
    return { name: symbols.nameOfReturn(address, target.paging) ?? hex(address, 8), address };
  });
  return [{ name: inspection.nameOf(here) ?? hex(here, 8), address: here }, ...callers];
}
