import type { SegmentCache, TableRegister } from '../cpu/state.ts';
import { hex } from '../util/hex.ts';
import { flatState } from './flat-state.ts';
import type { EntryPromise, EntryState } from './protocol.ts';

const BOOT_CS = 0x10;
const BOOT_DS = 0x18;

/** The machine state of boot.rst, "32-bit Boot Protocol". `bootParams` is a physical address; `gdt` has __BOOT_CS and __BOOT_DS. */
export function linux32State(eip: number, bootParams: number, gdt: TableRegister, poison: boolean): EntryState {
  const registers = { esi: bootParams, ebx: 0, ebp: 0, edi: 0 };
  const flat = flatState({ eip, registers, gdt: poison ? undefined : gdt.base });
  const data: SegmentCache = { ...flat.segments.ds, selector: BOOT_DS };
  return {
    ...flat,
    gdtr: gdt,
    segments: {
      ...flat.segments,
      cs: { ...flat.segments.cs, selector: BOOT_CS },
      ...{ ds: data, es: data, ss: data, fs: data, gs: data },
    },
  };
}

/** What boot.rst says of each item, in "32-bit Boot Protocol"; undefined where it promises nothing. */
export function linux32Promises(entry: number, bzImage: boolean): readonly EntryPromise[] {
  const data = '__BOOT_DS, 0x18: flat 4 GiB read/write data';
  const start = bzImage ? 'start of the protected-mode code' : 'entry of the vmlinux, at its physical address';
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EIP', `${start}, ${hex(entry, 8)}`],
    ['ESI', 'physical address of boot_params'],
    ['EBX', '0'],
    ['EBP', '0'],
    ['EDI', '0'],
    ['CS', '__BOOT_CS, 0x10: flat 4 GiB execute/read code'],
    ['DS', data],
    ['ES', data],
    ['SS', data],
    ['GDTR', 'a table with __BOOT_CS and __BOOT_DS'],
    ['CR0.PE', '1'],
    ['CR0.PG', '0'],
    ['EFLAGS.IF', '0'],
    ['FS', undefined],
    ['GS', undefined],
    ['EFLAGS.DF', undefined],
    ['ESP', undefined],
    ['IDTR', undefined],
    ['EAX', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
  ];
  return table.map(([item, promise]) => ({ item, promise, source: 'Linux boot.rst, 32-bit Boot Protocol' }));
}
