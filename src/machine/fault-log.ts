import type { CpuFaultEvent } from '../cpu/cpu.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import { Emitter } from '../util/emitter.ts';
import { formatException, VECTOR } from '../x86/exceptions.ts';

/** Exceptions kept, the latest ones. */
const KEPT = 256;

/** What the CPU's exceptions leave behind for views and stops. */
export class FaultLog {
  readonly onFault = new Emitter<FaultRecord>();
  private recent: FaultRecord[] = [];
  private readonly instructionBytes: () => Iterable<number>;

  /** `instructionBytes`: of the instruction that runs. */
  constructor(instructionBytes: () => Iterable<number>) {
    this.instructionBytes = instructionBytes;
  }

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
    const record = this.named(recordOf(event));
    this.recent.push(record);
    if (this.recent.length > KEPT) this.recent.shift();
    this.onFault.fire(record);
  }

  /** What is no instruction, or none that this CPU has, is told with its bytes. */
  private named(record: FaultRecord): FaultRecord {
    if (record.vector !== VECTOR.UD || record.during !== undefined) return record;
    return { ...record, reason: `${record.reason}, bytes ${hexBytes(this.instructionBytes())}` };
  }
}

/** `0f 0b`. */
function hexBytes(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function recordOf({ fault, during, cs, ip, instruction }: CpuFaultEvent): FaultRecord {
  const { vector, errorCode, reason, operands } = fault;
  const record = { vector, errorCode, reason, operands, cs, ip, instruction };
  return during ? { ...record, during: `delivering ${formatException(during.vector, during.errorCode)}` } : record;
}
