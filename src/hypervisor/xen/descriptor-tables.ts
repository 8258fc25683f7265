import { GUEST_GDT_ENTRIES, PAGE_SIZE, RESERVED_GDT_PAGE, XEN_MACHINE } from '../../abi/xen/layout.ts';
import type { XenPagingLayout } from '../../abi/xen/layout.ts';
import { SEGMENT } from '../../cpu/state.ts';
import type { DeviceState } from '../../machine/device.ts';
import { hex } from '../../util/hex.ts';
import type { Domain } from './domain.ts';
import type { Frames } from './frames.ts';
import { LDT_PAGE } from './page-tables.ts';
import type { PageTables } from './page-tables.ts';
import { XenError } from './xen-error.ts';

const ENTRIES_IN_PAGE = 512;
const MOST_LDT_ENTRIES = 8192;
const LDT_SELECTOR = 0xe050;
const LDT_ACCESS = 0x8200;

/** Bits of the upper word of a descriptor. */
const PRESENT = 1 << 15;
const CODE_OR_DATA = 1 << 12;
const GRANULARITY = 1 << 23;
const DPL_SHIFT = 13;
const TYPE_MASK = 0x1f00;
const CALL_GATE = 0x0c00;

/** The GDT and the LDT of the guest: pages of its own, checked, in front of and behind Xen's page of the GDT. */
export class DescriptorTables {
  private readonly domain: Domain;
  private readonly frames: Frames;
  private readonly tables: PageTables;
  private gdt: number[] = [];
  private ldt: (number | undefined)[] = [];

  constructor(domain: Domain, frames: Frames, tables: PageTables) {
    this.domain = domain;
    this.frames = frames;
    this.tables = tables;
    this.mapXenPages();
  }

  /** HYPERVISOR_set_gdt: `list` is the linear address of frame numbers. */
  setGdt(list: number, entries: number): number {
    if (entries > GUEST_GDT_ENTRIES)
      throw new XenError(
        'EINVAL',
        `a GDT of ${entries} entries reaches into Xen's part, which begins at entry ${GUEST_GDT_ENTRIES}`,
      );
    const pages = Math.ceil(entries / ENTRIES_IN_PAGE);
    const frames = Array.from({ length: pages }, (_, n) => this.domain.guest.read32(list + n * 4));
    const taken: number[] = [];
    try {
      for (const frame of frames) {
        this.frames.take(frame, 'descriptors');
        taken.push(frame);
      }
    } catch (error) {
      for (const frame of taken) this.frames.drop(frame);
      throw error;
    }
    for (const frame of this.gdt) this.frames.drop(frame);
    this.gdt = frames;
    for (let page = 0; page < RESERVED_GDT_PAGE; page++) this.tables.mapForXen(page, frames[page]);
    return 0;
  }

  /** MMUEXT_SET_LDT: `entries` descriptors from a linear address on. Pages that hold anything else stay out of it, as when Xen faults. */
  setLdt(linear: number, entries: number): void {
    if (linear % PAGE_SIZE !== 0 || entries > MOST_LDT_ENTRIES)
      throw new XenError(
        'EINVAL',
        `an LDT of ${entries} entries at linear ${hex(linear, 8)}: it must begin on a page and have at most 8192`,
      );
    for (const frame of this.ldt) if (frame !== undefined) this.frames.drop(frame);
    const pages = Math.ceil(entries / ENTRIES_IN_PAGE);
    this.ldt = Array.from({ length: pages }, (_, n) => this.takeLdtPage(linear + n * PAGE_SIZE));
    for (let page = 0; page < pages; page++) this.tables.mapForXen(LDT_PAGE + page, this.ldt[page]);
    this.domain.host.cpu.state.setSegment(
      SEGMENT.ldtr,
      entries === 0
        ? { selector: 0, base: 0, limit: 0, access: 0 }
        : { selector: LDT_SELECTOR, base: this.tables.xenLinear(LDT_PAGE), limit: entries * 8 - 1, access: LDT_ACCESS },
    );
  }

  /** HYPERVISOR_update_descriptor, by machine address. */
  update(machine: number, low: number, high: number): number {
    const frame = Math.floor(machine / PAGE_SIZE);
    this.frames.requireOwned(frame);
    if (machine % 8 !== 0) throw new XenError('EINVAL', `machine address ${hex(machine)} is not that of a descriptor`);
    const checked = checkDescriptor(this.tables.layout, low, high);
    const type = this.frames.typeOf(frame);
    const wanted = type === 'descriptors' ? 'descriptors' : 'writable';
    this.frames.take(frame, wanted);
    const { memory } = this.domain.host.cpu;
    memory.writePhysical(machine, 32, checked.low);
    memory.writePhysical(machine + 4, 32, checked.high);
    this.frames.drop(frame);
    return 0;
  }

  /** Checks the descriptors of a page that becomes part of a table, and makes them what a guest may have. */
  checkPage(frame: number): void {
    checkDescriptorPage(this.domain, this.tables.layout, frame);
  }

  save(): DeviceState {
    return { gdt: this.gdt, ldt: this.ldt.map((frame) => frame ?? null) };
  }
  restore(state: DeviceState): void {
    const { gdt, ldt } = state as { gdt: number[]; ldt: (number | null)[] };
    this.gdt = [...gdt];
    this.ldt = ldt.map((frame) => frame ?? undefined);
  }

  private mapXenPages(): void {
    for (let page = 0; page < RESERVED_GDT_PAGE; page++) this.tables.mapForXen(page, undefined);
    this.tables.mapForXen(RESERVED_GDT_PAGE, XEN_MACHINE.gdt / PAGE_SIZE);
  }

  private takeLdtPage(linear: number): number | undefined {
    try {
      const frame = this.tables.frameAt(linear);
      this.frames.take(frame, 'descriptors');
      return frame;
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      this.domain.host.reportGap(`Xen: a page of the LDT at linear ${hex(linear, 8)} cannot be used: ${error.reason}`);
      return undefined;
    }
  }
}

/** Checks every descriptor of a frame, and writes back those that had to be changed. Throws -EINVAL. */
export function checkDescriptorPage({ host }: Domain, layout: XenPagingLayout, frame: number): void {
  const { memory } = host.cpu;
  for (let at = frame * PAGE_SIZE; at < (frame + 1) * PAGE_SIZE; at += 8) {
    const [low, high] = [memory.readPhysical(at, 32) >>> 0, memory.readPhysical(at + 4, 32) >>> 0];
    const checked = checkDescriptor(layout, low, high);
    if (checked.low !== low) memory.writePhysical(at, 32, checked.low);
    if (checked.high !== high) memory.writePhysical(at + 4, 32, checked.high);
  }
}

/**
 * A descriptor that a guest may have (Xen 4.2, arch/x86/mm.c, check_descriptor): absent ones, code and data with DPL 1 or more and nothing
 * of Xen's part, and call gates to them.
 */
function checkDescriptor(
  layout: XenPagingLayout,
  low: number,
  high: number,
): { readonly low: number; readonly high: number } {
  if ((high & PRESENT) === 0) return { low, high };
  if (((high >>> DPL_SHIFT) & 3) === 0) high = (high | (1 << DPL_SHIFT)) >>> 0;
  if ((high & CODE_OR_DATA) !== 0) return trimmed(layout, low, high);
  if ((high & TYPE_MASK) === CALL_GATE) {
    const selector = low >>> 16;
    if ((selector & 3) === 0) low = (low | 0x10000) >>> 0;
    return { low, high };
  }
  if ((low | high) === 0) return { low, high };
  throw new XenError(
    'EINVAL',
    `descriptor ${hex(high, 8)}:${hex(low, 8)} is a system segment or gate, which is Xen's alone`,
  );
}

/** With a limit that ends before Xen's part. */
function trimmed(
  { m2pEnd }: XenPagingLayout,
  low: number,
  high: number,
): { readonly low: number; readonly high: number } {
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0;
  if ((high & GRANULARITY) === 0) {
    const end = base + (((high & 0xf0000) | (low & 0xffff)) >>> 0);
    if (end < m2pEnd) return { low, high };
    throw new XenError(
      'EINVAL',
      `descriptor ${hex(high, 8)}:${hex(low, 8)} reaches linear ${hex(end, 8)}, into Xen's part of the address space`,
    );
  }
  if (base >= m2pEnd)
    throw new XenError('EINVAL', `descriptor ${hex(high, 8)}:${hex(low, 8)} begins in Xen's part of the address space`);
  const limit = Math.min((high & 0xf0000) | (low & 0xffff), Math.floor((m2pEnd - 1 - base) / PAGE_SIZE));
  return { low: ((low & 0xffff0000) | (limit & 0xffff)) >>> 0, high: ((high & ~0xf0000) | (limit & 0xf0000)) >>> 0 };
}
