import type { FaultRecord } from '../cpu/fault.ts';
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
}

/** The names of a chain: `#UD → #GP → #DF → shutdown`. */
export function faultChainNames(chain: readonly FaultRecord[]): string {
  return [...chain.map(({ vector }) => formatException(vector)), 'shutdown'].join(' → ');
}

/**
 * Why the machine died, at most 12 lines: the chain, one numbered line for each event with the check that failed and its operands,
 * and what would mend it.
 */
export function explainTripleFault(chain: readonly FaultRecord[], surroundings: FaultSurroundings): string {
  const first = chain[0];
  if (first === undefined) return 'shutdown';
  const lines = [`${faultChainNames(chain)}, at instruction ${count(first.instruction)}`];
  chain.forEach((fault, index) => {
    const place = index === 0 ? ` at ${faultPlace(fault, surroundings)}` : '';
    lines.push(`${index + 1}. ${formatException(fault.vector, fault.errorCode)}${place}: ${fault.reason}.`);
  });
  const shutdown =
    chain.at(-1)?.vector === VECTOR.DF ? 'the double fault cannot be delivered either' : 'it cannot be delivered';
  lines.push(`${chain.length + 1}. Shutdown: ${shutdown}.`);
  lines.push(mend(first, surroundings));
  return lines.join('\n');
}

/** `0x0008:0x001009fc <die+0x5>`. */
export function faultPlace(fault: FaultRecord, { nameOf }: Pick<FaultSurroundings, 'nameOf'>): string {
  const name = nameOf(fault.ip);
  return `${hex(fault.cs, 4)}:${hex(fault.ip, 8)}${name === undefined ? '' : ` <${name}>`}`;
}

function mend(first: FaultRecord, { idtLimit, idtUntouched }: FaultSurroundings): string {
  const needed = hex(first.vector * 8 + 7, 2);
  if (idtLimit >= first.vector * 8 + 7)
    return `Make the gate of vector ${first.vector} in the IDT usable, or mend the cause of ${formatException(first.vector)}.`;
  const before = `before instruction ${count(first.instruction)}`;
  const why = idtUntouched ? 'No LIDT has changed the IDT since entry. ' : '';
  return `${why}Load an IDT with a limit of at least ${needed} ${before}, or mend the cause of ${formatException(first.vector)}.`;
}
