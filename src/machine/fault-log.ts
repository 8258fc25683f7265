import type { CpuFaultEvent } from '../cpu/cpu.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import { Emitter } from '../util/emitter.ts';
import { formatException } from '../x86/exceptions.ts';

/** Exceptions kept, the latest ones. */
const KEPT = 256;

/** What the CPU's exceptions leave behind for views and stops. */
export class FaultLog {
  readonly onFault = new Emitter<FaultRecord>();
  private recent: FaultRecord[] = [];

  /** Oldest first. */
  list(): readonly FaultRecord[] {
    return this.recent;
  }

  /** The latest `count`, oldest first. */
  latest(count: number): readonly FaultRecord[] {
    return this.recent.slice(-count);
  }

  /** Takes back what {@link list} gave; tells nobody. */
  restore(records: readonly FaultRecord[]): void {
    this.recent = [...records];
  }

  add(event: CpuFaultEvent): void {
    const record = recordOf(event);
    this.recent.push(record);
    if (this.recent.length > KEPT) this.recent.shift();
    this.onFault.fire(record);
  }
}

function recordOf({ fault, during, cs, ip, instruction }: CpuFaultEvent): FaultRecord {
  const { vector, errorCode, reason, operands } = fault;
  const record = { vector, errorCode, reason, operands, cs, ip, instruction };
  return during ? { ...record, during: `delivering ${formatException(during.vector, during.errorCode)}` } : record;
}
