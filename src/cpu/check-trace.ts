import type { WalkStep } from '../x86/page-walk.ts';
import { hex } from '../util/hex.ts';

/** What a check is about. */
export type CheckSubject = 'fetch' | 'segment' | 'paging' | 'privilege' | 'descriptor' | 'operand' | 'port';

/** One thing the CPU looked at while it ran an instruction. */
export interface CheckStep {
  readonly subject: CheckSubject;
  readonly passed: boolean;
  /** A clause without a full stop: "DS 0x0018: read of 4 bytes at 0x8ffc is inside 0x0 … 0xffffffff → lin:0x00008ffc". */
  readonly text: string;
}

/** Collects the checks of one instruction in the order the CPU makes them. */
export class CheckTrace {
  readonly steps: CheckStep[] = [];

  passed(subject: CheckSubject, text: string): void {
    this.add(subject, true, text);
  }
  failed(subject: CheckSubject, text: string): void {
    this.add(subject, false, text);
  }

  /**
   * The entries that a page walk read, and where it led: a physical address, or the reason why nowhere. A walk that was told before
   * (a store is probed first) is not told again.
   */
  walk(
    access: string,
    linear: number,
    steps: readonly WalkStep[],
    end: { physical: number } | { reason: string },
  ): void {
    const subject = access === 'fetch' ? 'fetch' : 'paging';
    // PAE entries have eight bytes; every PAE walk begins with a PDPTE.
    const wide = steps[0]?.entry === 'PDPTE';
    const off = steps.length === 0 ? ', paging is off' : '';
    const result = 'physical' in end ? `phys:${hex(end.physical, 8)}` : 'nowhere';
    const summary = `${access} of lin:${hex(linear >>> 0, 8)} → ${result}${off}`;
    if (this.steps.some(({ text }) => text === summary)) return;
    for (const { entry, index, address, value, high, ok, why } of steps)
      this.add(
        subject,
        ok,
        `${entry}[${index}] at phys:${hex(address, 8)} = ${wide ? hex(high, 8) : '0x'}${hex(value, 8).slice(2)}: ${ok ? entryBits(value, high) : why}`,
      );
    if ('physical' in end) this.add(subject, true, summary);
  }

  private add(subject: CheckSubject, passed: boolean, text: string): void {
    this.steps.push({ subject, passed, text });
  }
}

/** The bits of a page-table entry that a walk looks at (SDM 3, 4.3 and 4.4), by name. */
function entryBits(value: number, high: number): string {
  const names = ['present', 'writable', 'user', undefined, undefined, 'accessed', 'dirty', 'page size', 'global'];
  const set = names.filter((name, bit) => name !== undefined && ((value >>> bit) & 1) !== 0);
  return [...set, ...(high >>> 31 === 1 ? ['no execute'] : [])].join(', ');
}
