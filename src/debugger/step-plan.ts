import { Decoder, Mnemonic } from 'iced-x86';
import type { Instruction } from 'iced-x86';
import { decoderOptions } from '../cpu/decoder-options.ts';
import { StartOfDayError } from '../util/errors.ts';
import { LONGEST_INSTRUCTION } from './disassembler.ts';
import type { Target } from './target.ts';

/** How a step ends: at an address, once the stack is no deeper than it was, so that recursion does not end it early. */
export interface StepPlan {
  /** Linear address. */
  readonly until: bigint;
  /** True when the arrival counts. Called with the machine before the instruction at `until`. */
  readonly arrived: (target: Target) => boolean;
}

/** A step over the next instruction; undefined when a single step does it. */
export function planStepOver(target: Target): StepPlan | undefined {
  const at = target.instructionAddress;
  const bytes = target.read('linear', at, LONGEST_INSTRUCTION);
  const decoder = new Decoder(target.codeSize, bytes, decoderOptions());
  const instruction = decoder.decode();
  try {
    const repeated = instruction.isStringInstruction && (instruction.hasRepPrefix || instruction.hasRepnePrefix);
    const calls =
      instruction.isCallNear ||
      instruction.isCallFar ||
      instruction.isCallNearIndirect ||
      instruction.isCallFarIndirect;
    if (!repeated && !calls && !isInterrupt(instruction)) return undefined;
    const depth = stackPointer(target);
    return { until: at + BigInt(instruction.length), arrived: (later) => stackPointer(later) >= depth };
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** A step to where the current function returns to. Throws when there is no caller. */
export function planStepOut(target: Target): StepPlan {
  const [caller] = target.callers();
  if (caller === undefined)
    throw new StartOfDayError({
      code: 'no-caller',
      blame: 'user',
      title: 'There is no caller to step out to',
      detail: 'No call and no interrupt is open since entry',
      mend: 'Press F5 to run on.',
    });
  return {
    until: BigInt((caller.codeBase + caller.returnAddress) >>> 0),
    arrived: (later) => stackPointer(later) > caller.stackOffset,
  };
}

function stackPointer(target: Target): number {
  return Number(target.register('esp')?.value ?? 0n);
}

/** INT n, INT3, INTO and INT1. */
function isInterrupt({ mnemonic }: Instruction): boolean {
  return [Mnemonic.Int, Mnemonic.Int3, Mnemonic.Into, Mnemonic.Int1].includes(mnemonic);
}
