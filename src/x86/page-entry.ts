import { hex } from '../util/hex.ts';
import type { CpuModel } from './cpu-model.ts';

/** A page table entry as two words; `high` is 0 for a 4-byte entry. */
export interface RawEntry {
  readonly value: number;
  readonly high: number;
}

/** Bits of a page table entry (SDM 3, tables 4-4 to 4-11); XD is bit 31 of the upper word. */
export const ENTRY = {
  present: 1 << 0,
  writable: 1 << 1,
  user: 1 << 2,
  writeThrough: 1 << 3,
  cacheDisabled: 1 << 4,
  accessed: 1 << 5,
  dirty: 1 << 6,
  /** PS of a directory entry; the PAT bit of a table entry. */
  largePage: 1 << 7,
  global: 1 << 8,
  noExecuteHigh: 0x80000000,
} as const;

const NAMES: readonly (readonly [number, string])[] = [
  [ENTRY.present, 'P'],
  [ENTRY.writable, 'W'],
  [ENTRY.user, 'U'],
  [ENTRY.accessed, 'A'],
  [ENTRY.dirty, 'D'],
  [ENTRY.largePage, 'PS'],
  [ENTRY.global, 'G'],
];

/** `0x00005067 P W U A D`; 16 digits with `wide`. */
export function entryText({ value, high }: RawEntry, wide: boolean): string {
  const names = NAMES.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
  if ((high & ENTRY.noExecuteHigh) !== 0) names.push('XD');
  const digits = wide ? `${hex(high, 8)}${hex(value, 8).slice(2)}` : hex(value, 8);
  return names.length === 0 ? digits : `${digits} ${names.join(' ')}`;
}

/** Reserved bits that are set in the PTE of 32-bit paging, as `bit 7`; empty when none is. On CPUs before PSE nothing is reserved. */
export function reservedInTable(value: number, { features }: CpuModel): string {
  return (value & ENTRY.largePage) !== 0 && !features.has('PAT') && features.has('PSE') ? 'bit 7 (PAT)' : '';
}

/** Reserved bits in the PDE of a 4 MiB page (SDM 3, 4.3 and table 4-4). */
export function reservedInLargePage(value: number, { features, physicalBits }: CpuModel): string {
  // With PSE-36, bits 13 up hold address bits 32 up to MAXPHYADDR.
  const firstReserved = features.has('PSE36') ? 13 + physicalBits - 32 : 13;
  const high = bits(value, firstReserved, 21);
  return high !== '' || features.has('PAT') ? high : bits(value, 12, 12);
}

/** Reserved bits in an 8-byte entry: above MAXPHYADDR, XD while EFER.NXE is 0, and the PAT bit of a PTE without PAT (SDM 3, 4.4.2). */
export function reservedInPae(
  { value, high }: RawEntry,
  { features, physicalBits }: CpuModel,
  noExecute: boolean,
  level: 'PDE' | 'PTE' = 'PDE',
): string {
  const address = bits(high, physicalBits - 32, 30, 32);
  if (address !== '') return address;
  if ((high & ENTRY.noExecuteHigh) !== 0 && !noExecute) return 'bit 63 (XD while EFER.NXE is 0)';
  return level === 'PTE' && (value & ENTRY.largePage) !== 0 && !features.has('PAT') ? 'bit 7 (PAT)' : '';
}

/** Reserved bits in the PDE of a 2 MiB page. */
export function reservedInLargePae(entry: RawEntry, model: CpuModel, noExecute: boolean): string {
  const low = bits(entry.value, 13, 20) || (model.features.has('PAT') ? '' : bits(entry.value, 12, 12));
  return low || reservedInPae(entry, model, noExecute);
}

/** Reserved bits in a present PDPTE, which MOV to CR3 refuses (SDM 3, table 4-8). */
export function reservedInPointer({ value, high }: RawEntry, { physicalBits }: CpuModel): string {
  return bits(value, 1, 2) || bits(value, 5, 8) || bits(high, physicalBits - 32, 31, 32);
}

/** The set bits of `word` from `first` to `last`: `bit 13`, `bits 13 to 15`; `offset` is added to their names. */
function bits(word: number, first: number, last: number, offset = 0): string {
  const set: number[] = [];
  for (let bit = first; bit <= last; bit++) if (((word >>> bit) & 1) !== 0) set.push(bit + offset);
  const [lowest, highest] = [set[0], set.at(-1)];
  if (lowest === undefined || highest === undefined) return '';
  return lowest === highest ? `bit ${lowest}` : `bits among ${lowest} to ${highest}`;
}
