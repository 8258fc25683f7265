import { describeHypercall, type HypercallRecord } from '../machine/hypercall-log.ts';
import { count, hex } from '../util/hex.ts';
import type { Debuggee } from './debuggee.ts';

/** Of the latest hypercalls. */
const SHOWN = 20;

/** The hypercalls of the guest as text: counts by name, then the latest ones. */
export function hypercallList({ machine, inspection }: Debuggee): string {
  const { counts, records } = machine.hypercalls;
  if (counts.size === 0)
    return machine.hypervisor === 'native'
      ? 'The machine is bare hardware: nobody answers hypercalls.'
      : `The guest has made no hypercall to ${machine.hypervisor} yet.`;
  const width = Math.max(...Array.from(counts.keys(), (name) => name.length));
  const totals = Array.from(counts, ([name, times]) => `${name.padEnd(width)}  ×${count(times)}`);
  const latest = records.slice(-SHOWN).map((record) => line(record, inspection.address(BigInt(record.caller))));
  return [...totals, '', ...latest].join('\n');
}

/** `1,234  mmu_update(count=0x1) = 0x0  from 0xc0100020 <xen_set_pte+0x10>`. */
function line(record: HypercallRecord, caller: string): string {
  const result = record.result === undefined ? '' : ` = ${hex(BigInt.asUintN(32, record.result))}`;
  return `${count(record.instruction)}  ${describeHypercall(record)}${result}  from ${caller}`;
}
