import type { CpuFeature, CpuModel } from './cpu-model.ts';
import { setFieldNames, type BitField } from './bit-field.ts';

/** CR0 masks (SDM 3, 2.5). PG is the sign bit: compare with `!== 0`. */
export const CR0 = {
  PE: 1 << 0,
  MP: 1 << 1,
  EM: 1 << 2,
  TS: 1 << 3,
  ET: 1 << 4,
  NE: 1 << 5,
  WP: 1 << 16,
  AM: 1 << 18,
  NW: 1 << 29,
  CD: 1 << 30,
  PG: 0x80000000,
} as const;

/** CR4 masks (SDM 3, 2.5). */
export const CR4 = {
  VME: 1 << 0,
  PVI: 1 << 1,
  TSD: 1 << 2,
  DE: 1 << 3,
  PSE: 1 << 4,
  PAE: 1 << 5,
  MCE: 1 << 6,
  PGE: 1 << 7,
  PCE: 1 << 8,
  OSFXSR: 1 << 9,
  OSXMMEXCPT: 1 << 10,
  UMIP: 1 << 11,
  LA57: 1 << 12,
  VMXE: 1 << 13,
  SMXE: 1 << 14,
  FSGSBASE: 1 << 16,
  PCIDE: 1 << 17,
  OSXSAVE: 1 << 18,
  SMEP: 1 << 20,
  SMAP: 1 << 21,
  PKE: 1 << 22,
  CET: 1 << 23,
} as const;

/** CR0 from high to low. */
export const CR0_FIELDS: readonly BitField[] = [
  { name: 'PG', bit: 31, width: 1, meaning: ['paging off', 'paging on'] },
  { name: 'CD', bit: 30, width: 1, meaning: ['caches on', 'caches off'] },
  { name: 'NW', bit: 29, width: 1, meaning: 'not write-through' },
  { name: 'AM', bit: 18, width: 1, meaning: ['EFLAGS.AC has no effect', 'EFLAGS.AC checks alignment'] },
  {
    name: 'WP',
    bit: 16,
    width: 1,
    meaning: ['CPL 0-2 may write read-only pages', 'read-only pages hold at every CPL'],
  },
  { name: 'NE', bit: 5, width: 1, meaning: ['x87 errors through IRQ 13', 'x87 errors raise #MF'] },
  { name: 'ET', bit: 4, width: 1, meaning: 'always 1' },
  { name: 'TS', bit: 3, width: 1, meaning: ['task not switched', 'x87 instructions raise #NM'] },
  { name: 'EM', bit: 2, width: 1, meaning: ['x87 not emulated', 'x87 instructions raise #NM'] },
  { name: 'MP', bit: 1, width: 1, meaning: ['WAIT ignores TS', 'WAIT obeys TS'] },
  { name: 'PE', bit: 0, width: 1, meaning: ['real mode', 'protected mode'] },
];

/** CR4 from high to low. */
export const CR4_FIELDS: readonly BitField[] = [
  { name: 'CET', bit: 23, width: 1, meaning: 'control-flow enforcement' },
  { name: 'PKE', bit: 22, width: 1, meaning: 'protection keys' },
  { name: 'SMAP', bit: 21, width: 1, meaning: 'CPL 0-2 may not touch user pages' },
  { name: 'SMEP', bit: 20, width: 1, meaning: 'CPL 0-2 may not run user pages' },
  { name: 'OSXSAVE', bit: 18, width: 1, meaning: 'XSAVE' },
  { name: 'PCIDE', bit: 17, width: 1, meaning: 'process-context identifiers' },
  { name: 'FSGSBASE', bit: 16, width: 1, meaning: 'RDFSBASE and its kin' },
  { name: 'SMXE', bit: 14, width: 1, meaning: 'safer mode extensions' },
  { name: 'VMXE', bit: 13, width: 1, meaning: 'virtual machine extensions' },
  { name: 'LA57', bit: 12, width: 1, meaning: '5-level paging' },
  { name: 'UMIP', bit: 11, width: 1, meaning: 'SGDT, SIDT, SLDT, SMSW, STR at CPL 0 only' },
  { name: 'OSXMMEXCPT', bit: 10, width: 1, meaning: 'SSE errors raise #XM' },
  { name: 'OSFXSR', bit: 9, width: 1, meaning: 'FXSAVE and SSE' },
  { name: 'PCE', bit: 8, width: 1, meaning: 'RDPMC at every CPL' },
  { name: 'PGE', bit: 7, width: 1, meaning: 'global pages' },
  { name: 'MCE', bit: 6, width: 1, meaning: 'machine checks' },
  { name: 'PAE', bit: 5, width: 1, meaning: ['32-bit page table entries', '64-bit page table entries'] },
  { name: 'PSE', bit: 4, width: 1, meaning: ['4 KiB pages', '4 KiB and 4 MiB pages'] },
  { name: 'DE', bit: 3, width: 1, meaning: 'debugging extensions' },
  { name: 'TSD', bit: 2, width: 1, meaning: ['RDTSC at every CPL', 'RDTSC at CPL 0 only'] },
  { name: 'PVI', bit: 1, width: 1, meaning: 'protected-mode virtual interrupts' },
  { name: 'VME', bit: 0, width: 1, meaning: 'virtual-8086 extensions' },
];

/** `PE ET · paging off, WP=0`: the set bits from low to high, then what decides about memory. */
export function describeCr0(cr0: number): string {
  const set = setFieldNames(CR0_FIELDS, cr0).reverse().join(' ');
  const memory = `paging ${(cr0 & CR0.PG) !== 0 ? 'on' : 'off'}, WP=${(cr0 & CR0.WP) !== 0 ? 1 : 0}`;
  return set === '' ? memory : `${set} · ${memory}`;
}

/** What follows the value of CR3, separator included: `→ page directory`, `· unused while PG=0`. */
export function describeCr3(cr0: number, cr4: number): string {
  if ((cr0 & CR0.PG) === 0) return '· unused while PG=0';
  return (cr4 & CR4.PAE) !== 0 ? '→ page directory pointers' : '→ page directory';
}

/** The set bits of CR4 from low to high, `PSE PGE`; empty when none is. */
export function describeCr4(cr4: number): string {
  return setFieldNames(CR4_FIELDS, cr4).reverse().join(' ');
}

/** The features that bring bits of CR4. */
const CR4_FEATURES: readonly (readonly [CpuFeature, number])[] = [
  ['VME', CR4.VME | CR4.PVI],
  ['TSC', CR4.TSD],
  ['DE', CR4.DE],
  ['PSE', CR4.PSE],
  ['PAE', CR4.PAE],
  ['MCE', CR4.MCE],
  ['PGE', CR4.PGE],
  ['RDPMC', CR4.PCE],
  ['FXSR', CR4.OSFXSR],
  ['SSE', CR4.OSXMMEXCPT],
];

/** The bits of CR4 that a model has; writing another raises #GP. */
export function writableCr4({ features }: CpuModel): number {
  return CR4_FEATURES.reduce((mask, [feature, bits]) => (features.has(feature) ? mask | bits : mask), 0);
}
