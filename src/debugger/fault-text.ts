import type { FaultRecord } from '../cpu/fault.ts';
import { NOBODY_CATCHES } from '../machine/stop-sentences.ts';
import { VECTOR, formatException } from '../x86/exceptions.ts';
import { count, hex } from '../util/hex.ts';

/** What surrounds a fault: where it was, and what would mend it. */
export interface FaultSurroundings {
  /** The name of an offset in CS, as `symbol+0x12`. */
  readonly nameOf: (offset: number) => string | undefined;
  /** Limit of IDTR when the machine stopped. */
  readonly idtLimit: number;
  /** True while IDTR holds what it held at entry: no LIDT has changed it. */
  readonly idtUntouched: boolean;
  /** Linear address of the top of the stack: that of the first fault, where the machine stands. */
  readonly stackTop: number;
}

/** A chain taken apart: what was raised, and why the double fault at its end could not be delivered. */
export interface ShutdownChain {
  readonly raised: readonly FaultRecord[];
  readonly shutdown: FaultRecord | undefined;
}

/** Nobody sees the exception that the delivery of a double fault raises: it is the shutdown (SDM 3, 6.15, interrupt 8). */
export function splitChain(chain: readonly FaultRecord[]): ShutdownChain {
  const afterDoubleFault = chain.findIndex(({ vector }) => vector === VECTOR.DF) + 1;
  if (afterDoubleFault === 0) return { raised: chain, shutdown: undefined };
  return { raised: chain.slice(0, afterDoubleFault), shutdown: chain[afterDoubleFault] };
}

/** The names of a chain: `#UD → #GP → #DF → shutdown`. */
export function faultChainNames(chain: readonly FaultRecord[]): string {
  return [...splitChain(chain).raised.map(({ vector }) => formatException(vector)), 'shutdown'].join(' → ');
}

/**
 * Why the machine died, at most 12 lines: the chain, one numbered line for each event with the check that failed and its operands,
 * and what would mend it.
 */
export function explainTripleFault(chain: readonly FaultRecord[], surroundings: FaultSurroundings): string {
  const { raised, shutdown } = splitChain(chain);
  const first = chain[0];
  if (first === undefined) return 'shutdown';
  const events = raised.map((fault, index) => {
    const place = index === 0 ? ` at ${faultPlace(fault, surroundings)}` : '';
    return `${formatException(fault.vector, fault.errorCode)}${place}: ${fault.reason}.`;
  });
  if (shutdown !== undefined) events.push(`Shutdown: ${shutdown.reason}.`);
  return [
    `${faultChainNames(chain)}, at instruction ${count(first.instruction)}`,
    ...events.map((event, index) => `${index + 1}. ${event}`),
    mend(first, chain[1], surroundings),
  ].join('\n');
}

/** `0x0008:0x001009fc <die+0x5>`. */
export function faultPlace(fault: FaultRecord, { nameOf }: Pick<FaultSurroundings, 'nameOf'>): string {
  const name = nameOf(fault.ip);
  return `${hex(fault.cs, 4)}:${hex(fault.ip, 8)}${name === undefined ? '' : ` <${name}>`}`;
}

/** The most bytes that the delivery of an exception pushes: five words and an error code. */
const LARGEST_FRAME = 24;

/** True when the delivery of the fault before met no usable stack: #SS, or a page fault just below the top of the stack. */
function lackedStack({ vector, operands: { address, second = vector } }: FaultRecord, stackTop: number): boolean {
  if (second === VECTOR.SS) return true;
  return second === VECTOR.PF && address !== undefined && (stackTop - 1 - address) >>> 0 < LARGEST_FRAME;
}

function mend(
  first: FaultRecord,
  second: FaultRecord | undefined,
  { idtLimit, idtUntouched, stackTop }: FaultSurroundings,
): string {
  const needed = hex(first.vector * 8 + 7, 2);
  const before = `before instruction ${count(first.instruction)}`;
  if (second !== undefined && lackedStack(second, stackTop))
    return `Point SS:ESP at mapped, writable memory ${before}: the handler of ${formatException(first.vector)} needs a stack.`;
  if (idtLimit >= first.vector * 8 + 7)
    return `Make the gate of vector ${first.vector} in the IDT usable, or mend the cause of ${formatException(first.vector)}.`;
  const why = idtUntouched ? `${NOBODY_CATCHES} ` : '';
  return `${why}Load an IDT with a limit of at least ${needed} ${before}, or mend the cause of ${formatException(first.vector)}.`;
}
