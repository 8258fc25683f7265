import { LOW_END } from '../memory-map.ts';
import { dataArea, DATA_AREA } from './bios-data-area.ts';
import { romTables, type NamedTable } from './rom.ts';

/** What the BIOS has in memory when it starts something: vectors, its ROM, and its two data areas. */
export function biosTables(): readonly NamedTable[] {
  return [
    ...romTables(),
    { name: 'BIOS data area', address: DATA_AREA, bytes: dataArea() },
    // Its size in KiB.
    { name: 'extended BIOS data area', address: LOW_END, bytes: Uint8Array.of(1) },
  ];
}
