import type { CpuFaultEvent } from '../cpu/cpu.ts';
import type { CpuFault, FaultRecord } from '../cpu/fault.ts';
import { Emitter } from '../util/emitter.ts';
import { formatException } from '../x86/exceptions.ts';

/** Exceptions kept, the latest ones. */
const KEPT = 256;

/** What the CPU's exceptions leave behind for views and stops. */
export class FaultLog {
  readonly onFault = new Emitter<FaultRecord>();
  private readonly recent: FaultRecord[] = [];

  /** Oldest first. */
  list(): readonly FaultRecord[] {
    return this.recent;
  }

  add(event: CpuFaultEvent): void {
    const record = recordOf(event.fault, event);
    this.recent.push(record);
    if (this.recent.length > KEPT) this.recent.shift();
    this.onFault.fire(record);
  }
}

/** The chain to a triple fault as records; all of it happened at one instruction. */
export function chainRecords(
  chain: readonly CpuFault[],
  where: Pick<FaultRecord, 'cs' | 'ip' | 'instruction'>,
): readonly FaultRecord[] {
  return chain.map((fault, index) => {
    const before = chain[index - 1];
    const record = recordOf(fault, where);
    return before ? { ...record, during: `delivering ${formatException(before.vector, before.errorCode)}` } : record;
  });
}

function recordOf(fault: CpuFault, where: Pick<FaultRecord, 'cs' | 'ip' | 'instruction'>): FaultRecord {
  return {
    vector: fault.vector,
    errorCode: fault.errorCode,
    reason: fault.reason,
    operands: fault.operands,
    cs: where.cs,
    ip: where.ip,
    instruction: where.instruction,
  };
}
