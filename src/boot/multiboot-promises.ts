import { hex } from '../util/hex.ts';
import type { EntryPromise } from './protocol.ts';

const SOURCE = 'Multiboot 0.6.96, 3.2 Machine state';
const DATA_SEGMENT = '32-bit read/write data, base 0, limit 0xffffffff; any selector';

/** What the specification says of each item, in its order; undefined where it says that the item is not promised, or nothing. */
export function multibootPromises(entry: number): readonly EntryPromise[] {
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EAX', '0x2badb002'],
    ['EBX', 'physical address of multiboot_info'],
    ['CS', '32-bit read/execute code, base 0, limit 0xffffffff; any selector'],
    ['DS', DATA_SEGMENT],
    ['ES', DATA_SEGMENT],
    ['FS', DATA_SEGMENT],
    ['GS', DATA_SEGMENT],
    ['SS', DATA_SEGMENT],
    ['A20', 'enabled'],
    ['CR0.PG', '0'],
    ['CR0.PE', '1'],
    ['EFLAGS.VM', '0'],
    ['EFLAGS.IF', '0'],
    ['EFLAGS.DF', undefined],
    ['ESP', undefined],
    ['GDTR', undefined],
    ['IDTR', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
    ['EBP', undefined],
    ['ESI', undefined],
    ['EDI', undefined],
  ];
  return [
    { item: 'EIP', promise: `entry point, ${hex(entry, 8)}`, source: 'Multiboot 0.6.96, 3.1 OS image format' },
    ...table.map(([item, promise]) => ({ item, promise, source: SOURCE })),
  ];
}
