import { ACCESS } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { hex } from '../util/hex.ts';
import { LDTR_AT_RESET, POISON, REAL_MODE_VECTORS, TR_AT_RESET } from './flat-state.ts';
import type { EntryPromise, EntryState } from './protocol.ts';

const CR0_ET = 0x10;
/** The boot sector: CS is behind it, so that IP is 0. */
const BOOT_SECTOR_PARAGRAPHS = 0x20;
const REAL_MODE_DATA = ACCESS.accessed | ACCESS.readWrite | ACCESS.codeOrData | ACCESS.present;

/** A segment as real mode loads it (SDM 3, 20.1.1), after a reset had set its limit. */
function segment(selector: number, access = REAL_MODE_DATA): SegmentCache {
  return { selector, base: selector * 16, limit: 0xffff, access };
}

/** Real mode at the setup code that lies at physical `base`; `stack` is an offset from there. */
export function realModeState(base: number, stack: number, poison: boolean): EntryState {
  const rest = poison ? POISON : 0;
  const data = segment(base / 16);
  const unknown = { eax: rest, ecx: rest, edx: rest, ebx: rest, ebp: rest, esi: rest, edi: rest };
  return {
    registers: { ...unknown, esp: stack },
    eip: 0,
    eflags: poison ? EFLAGS.fixed | EFLAGS.DF : EFLAGS.fixed,
    segments: {
      ...{ es: data, ss: data, ds: data, fs: data, gs: data },
      cs: segment(base / 16 + BOOT_SECTOR_PARAGRAPHS),
      ldtr: LDTR_AT_RESET,
      tr: TR_AT_RESET,
    },
    gdtr: { base: 0, limit: 0 },
    idtr: REAL_MODE_VECTORS,
    cr0: CR0_ET,
    cr3: 0,
    cr4: 0,
    cpl: 0,
  };
}

/** What boot.rst says of each item, in "Running the Kernel"; undefined where it promises nothing. */
export function linux16Promises(base: number, stack: number): readonly EntryPromise[] {
  const start = `${hex(base / 16, 4)}: the segment of the setup code`;
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['CS', `${hex(base / 16 + BOOT_SECTOR_PARAGRAPHS, 4)}: that segment + 0x20`],
    ['EIP', '0'],
    ['DS', start],
    ['ES', start],
    ['SS', start],
    ['FS', `${start} (recommended)`],
    ['GS', `${start} (recommended)`],
    ['ESP', `end of the heap, ${hex(stack, 4)}`],
    ['EFLAGS.IF', '0'],
    ['CR0.PE', '0'],
    ['IDTR', 'interrupt vectors of the BIOS at 0'],
    ['EFLAGS.DF', undefined],
    ['GDTR', undefined],
    ['EAX', undefined],
    ['EBX', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
    ['EBP', undefined],
    ['ESI', undefined],
    ['EDI', undefined],
  ];
  return table.map(([item, promise]) => ({ item, promise, source: 'Linux boot.rst, Running the Kernel' }));
}
