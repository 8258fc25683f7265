import { NON_PAE_LAYOUT, PAE_LAYOUT, PAGE_SIZE } from '../abi/xen/layout.ts';
import type { XenPagingLayout } from '../abi/xen/layout.ts';

/** Page table entry bits as the domain builder sets them (Xen 4.17, tools/libs/guest/xg_dom_x86.c). */
const PRESENT = 1;
const LEAF = 0x21;
const LEAF_WRITABLE = 0x23;
const TABLE = 0x67;

const GIB = 0x4000_0000;

/** Which linear addresses are to be mapped, and by how many pages of tables. */
export interface BootTables {
  readonly layout: XenPagingLayout;
  /** First linear address mapped. */
  readonly from: number;
  /** First linear address behind the mapped ones: a multiple of 4 MiB. */
  readonly to: number;
  /** Pages: the top level first, then L2, then L1. */
  readonly frames: number;
}

export function pagingLayout(pae: boolean): XenPagingLayout {
  return pae ? PAE_LAYOUT : NON_PAE_LAYOUT;
}

/**
 * The tables that map `from` to `to`. With PAE, a guest that ends below 3 GiB gets one L2 page more, for the fourth GiB, where Xen's part is
 * (Xen 4.2, tools/libxc/xc_dom_x86.c, count_pgtables; mini-os counts on it).
 */
export function bootTables(layout: XenPagingLayout, from: number, to: number): BootTables {
  const leaves = Math.ceil(to / layout.l1Span) - Math.floor(from / layout.l1Span);
  return { layout, from, to, frames: layout.pae ? 1 + directories(from, to) + leaves : 1 + leaves };
}

/** L2 pages with PAE. */
function directories(from: number, to: number): number {
  return mapped(from, to) + (to <= 3 * GIB ? 1 : 0);
}
function mapped(from: number, to: number): number {
  return Math.ceil(to / GIB) - Math.floor(from / GIB);
}

/**
 * Their contents. `tables` is the machine address of the first, `physical` that of pseudo-physical address 0, which is mapped at
 * `from`; all of the guest's memory is contiguous. The pages of the tables themselves are mapped read-only.
 */
export function encodeBootTables(boot: BootTables, tables: number, physical: number): Uint8Array {
  const { layout, from, to, frames } = boot;
  const bytes = new Uint8Array(frames * PAGE_SIZE);
  const view = new DataView(bytes.buffer);
  const put = (page: number, index: number, value: number): void =>
    view.setUint32(page * PAGE_SIZE + index * layout.entrySize, value, true);
  const firstDirectory = Math.floor(from / GIB);
  const directoryPages = layout.pae ? directories(from, to) : 0;
  for (let n = 0; n < directoryPages; n++)
    put(0, n < mapped(from, to) ? firstDirectory + n : 3, (tables + (1 + n) * PAGE_SIZE) | PRESENT);
  const firstLeaf = Math.floor(from / layout.l1Span);
  for (let leaf = 1 + directoryPages; leaf < frames; leaf++) {
    const number = firstLeaf + leaf - 1 - directoryPages;
    const directory = layout.pae ? 1 + Math.floor(number / layout.entries) - firstDirectory : 0;
    put(directory, number % layout.entries, (tables + leaf * PAGE_SIZE) | TABLE);
    for (let entry = 0; entry < layout.entries; entry++) {
      const linear = number * layout.l1Span + entry * PAGE_SIZE;
      if (linear < from || linear >= to) continue;
      const machine = physical + linear - from;
      const isTable = machine >= tables && machine < tables + bytes.length;
      put(leaf, entry, machine | (isTable ? LEAF : LEAF_WRITABLE));
    }
  }
  return bytes;
}
