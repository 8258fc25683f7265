import { LGUEST_KERNEL_CS, LGUEST_KERNEL_DS } from '../abi/lguest.ts';
import { hex } from '../util/hex.ts';
import type { LguestEvidence } from './lguest-evidence.ts';
import type { EntryPromise } from './protocol.ts';

/** What the CPU maps at the first instruction, by who made the page tables. */
export type LguestMapping = 'PAGE_OFFSET' | 'identity' | 'identity and PAGE_OFFSET' | 'none yet';

/** What lguest promises at the entry: lguest_arch_setup_regs, setup_guest_gdt and setup_pagetables of the revision. */
export function lguestPromises(
  entry: number,
  { revision, information }: Pick<LguestEvidence, 'revision' | 'information'>,
  mapping: LguestMapping,
): readonly EntryPromise[] {
  const host = `Linux ${revision}, drivers/lguest`;
  const data = `__KERNEL_DS | 1, ${hex(LGUEST_KERNEL_DS)}: flat 4 GiB read/write data, DPL 1`;
  const zero = (...items: readonly string[]): readonly (readonly [string, string])[] =>
    items.map((item) => [item, '0']);
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EIP', `entry point, ${hex(entry, 8)}, at privilege level 1`],
    ['CS', `__KERNEL_CS | 1, ${hex(LGUEST_KERNEL_CS)}: flat 4 GiB execute/read code, DPL 1`],
    ['DS', data],
    ['ES', data],
    ['SS', data],
    ['FS', 'null'],
    ['GS', 'null'],
    ['EFLAGS.IF', '1, always: the guest has its own in lguest_data.irq_enabled'],
    ['ESI', `0: physical address of ${information}`],
    ...zero('EAX', 'EBX', 'ECX', 'EDX', 'EDI', 'EBP', 'ESP'),
    ['CR0.PE', '1'],
    ['CR0.PG', mapping === 'none yet' ? '1: linear addresses are physical until NEW_PGTABLE' : `1: ${mapping}`],
    ['GDTR', undefined],
    ['IDTR', undefined],
    ['CR3', undefined],
  ];
  return table.map(([item, promise]) => ({ item, promise, source: host }));
}
