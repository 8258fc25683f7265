import { segmentLimitPages, XEN_SELECTOR } from './layout.ts';
import type { XenPagingLayout } from './layout.ts';

/** Where in its GDT page our Xen keeps the task state segment. */
export const TASK_STATE_OFFSET = 0x800;
const TASK_STATE_SELECTOR = 0xe040;
const IO_MAP_BASE = 0x66;

/** Access bytes of flat code and data, DPL 1 and 3, accessed (Xen 4.2, arch/x86/boot/x86_32.S, GUEST_DESC). */
const FLAT: readonly (readonly [selector: number, access: number])[] = [
  [XEN_SELECTOR.ring1Code, 0xbb],
  [XEN_SELECTOR.ring1Data, 0xb3],
  [XEN_SELECTOR.ring3Code, 0xfb],
  [XEN_SELECTOR.ring3Data, 0xf3],
];

/** Xen's page of the GDT, with the four flat segments and its task state segment, which has no I/O permission map. */
export function reservedGdtPage(layout: XenPagingLayout): Uint8Array {
  const page = new Uint8Array(0x1000);
  const view = new DataView(page.buffer);
  const limit = segmentLimitPages(layout);
  for (const [selector, access] of FLAT) {
    const at = selector & 0xff8;
    view.setUint16(at, limit & 0xffff, true);
    view.setUint32(at + 4, 0x00c00000 | (limit & 0xf0000) | (access << 8), true);
  }
  const base = layout.m2pEnd + 14 * 0x1000 + TASK_STATE_OFFSET;
  const at = TASK_STATE_SELECTOR & 0xfff;
  view.setUint32(at, ((base << 16) | 0x67) >>> 0, true);
  view.setUint32(at + 4, ((base & 0xff000000) | 0x8b00 | ((base >>> 16) & 0xff)) >>> 0, true);
  view.setUint16(TASK_STATE_OFFSET + IO_MAP_BASE, 0xffff, true);
  return page;
}
