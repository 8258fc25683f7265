import { PAGE_SIZE, XEN_MACHINE } from '../../abi/xen/layout.ts';
import type { XenPagingLayout } from '../../abi/xen/layout.ts';
import type { Cpu } from '../../cpu/cpu.ts';
import { setPageDirectory } from '../../cpu/system/control-register-access.ts';
import { hex } from '../../util/hex.ts';
import { topType, type Frames, type FrameType, type FrameValidator } from './frames.ts';
import { XenError } from './xen-error.ts';

/** A page table entry; `high` is 0 without PAE. */
export interface Entry {
  readonly low: number;
  readonly high: number;
}

/** `used`: A and D, which the CPU sets. */
export const PTE = { present: 1, writable: 2, large: 0x80, used: 0x60 } as const;
/** Bits that an unprivileged guest may not set: caching (PWT, PCD), PAT or PS (Xen 4.2, arch/x86/mm.c, L1_DISALLOW_MASK). */
const FORBIDDEN_L1 = 0x98;
const FORBIDDEN_L2 = 0x18;
/** What PAE hardware takes in a page-directory pointer: P and the bits for software. */
const POINTER_BITS = 0xfffffe01;
/** Bits 52..62 of a PAE entry, which hardware reserves. */
const FORBIDDEN_HIGH = 0x7ff00000;
/** P, RW, A, D: what Xen maps for itself. */
const XEN_PAGE = 0x63;
/** P, A, PS: large and read-only. */
const XEN_READ_ONLY = 0xa1;
const EMPTY: Entry = { low: 0, high: 0 };

/** Pages of the guest's linear address space that Xen keeps for its descriptor tables: the GDT, and behind it the LDT. */
export const LDT_PAGE = 16;

/** The page tables of a domain: every entry is checked before it counts, as Xen's direct paging does (arch/x86/mm.c). */
export class PageTables implements FrameValidator {
  readonly layout: XenPagingLayout;
  private readonly cpu: Cpu;
  private readonly frames: Frames;
  /** Frames that are Xen's and that the guest may map: shared_info and grant table. */
  private readonly shared: ReadonlySet<number>;
  /** Checks a page of descriptors. */
  private readonly checkDescriptors: (frame: number) => void;
  /** L2 entries that map an L2 page read-only, as if it were an L1 page. */
  private linear = new Set<number>();

  constructor(
    cpu: Cpu,
    layout: XenPagingLayout,
    frames: Frames,
    shared: ReadonlySet<number>,
    checkDescriptors: (frame: number) => void,
  ) {
    this.cpu = cpu;
    this.layout = layout;
    this.frames = frames;
    this.shared = shared;
    this.checkDescriptors = checkDescriptors;
  }

  /** Machine frame of the top level table. */
  get top(): number {
    return this.cpu.state.control(3) >>> 12;
  }

  entryAt(machine: number): Entry {
    const { memory } = this.cpu;
    return {
      low: memory.readPhysical(machine, 32) >>> 0,
      high: this.layout.pae ? memory.readPhysical(machine + 4, 32) >>> 0 : 0,
    };
  }
  putEntry(machine: number, { low, high }: Entry): void {
    const { memory } = this.cpu;
    memory.writePhysical(machine, 32, low);
    if (this.layout.pae) memory.writePhysical(machine + 4, 32, high);
  }

  /** Machine address of the L1 entry that maps a linear address, or undefined. */
  leafAddress(linear: number): number | undefined {
    const { pae, entrySize } = this.layout;
    let table = this.top;
    const indexes = pae
      ? [linear >>> 30, (linear >>> 21) & 0x1ff, (linear >>> 12) & 0x1ff]
      : [linear >>> 22, (linear >>> 12) & 0x3ff];
    for (const [level, index] of indexes.entries()) {
      const at = table * PAGE_SIZE + index * entrySize;
      if (level === indexes.length - 1) return at;
      const entry = this.entryAt(at);
      if ((entry.low & PTE.present) === 0 || (level > 0 || !pae ? entry.low & PTE.large : 0) !== 0) return undefined;
      table = frameOf(entry);
    }
    return undefined;
  }

  /** Machine frame that a linear address of the guest is mapped to. Throws -EINVAL where there is none. */
  frameAt(linear: number): number {
    const at = this.leafAddress(linear);
    const entry = at === undefined ? EMPTY : this.entryAt(at);
    if ((entry.low & PTE.present) === 0) throw new XenError('EINVAL', `nothing is mapped at linear ${hex(linear, 8)}`);
    return frameOf(entry);
  }

  /** Gives an entry of a page table a new value. Throws -EINVAL, and then nothing has changed. */
  update(machine: number, entry: Entry): void {
    const frame = Math.floor(machine / PAGE_SIZE);
    const type = this.frames.typeOf(frame);
    const index = (machine % PAGE_SIZE) / this.layout.entrySize;
    if (!this.isTable(type)) throw new XenError('EINVAL', `${this.frames.describe(frame)}; it is no page table`);
    if (!this.isGuests(type, index))
      throw new XenError('EINVAL', `entry ${index} of machine frame ${hex(frame)} belongs to Xen`);
    const before = this.entryAt(machine);
    const wasLinear = this.linear.delete(machine);
    try {
      this.putEntry(machine, this.admit(type, index, machine, entry));
    } catch (error) {
      if (wasLinear) this.linear.add(machine);
      throw error;
    }
    this.forget(type, before, wasLinear);
    if (type === 'l3' && frame === this.top) setPageDirectory(this.cpu, this.cpu.state.control(3));
    this.cpu.flushTranslations();
  }

  /** Makes another table the one that is used. Throws -EINVAL. */
  load(frame: number): void {
    const before = this.top;
    this.frames.take(frame, topType(this.layout));
    setPageDirectory(this.cpu, frame * PAGE_SIZE);
    if (this.frames.typeOf(before) === topType(this.layout)) this.frames.drop(before);
  }

  /** The tables that the domain builder left become the ones in use, and pinned. */
  adopt(frame: number): void {
    this.frames.take(frame, topType(this.layout));
    this.frames.setPinned(frame, true);
    this.frames.take(frame, topType(this.layout));
    setPageDirectory(this.cpu, frame * PAGE_SIZE);
  }

  /** Maps a machine frame into Xen's own part: page 0 to 13 the guest's GDT, 14 Xen's, from {@link LDT_PAGE} on the LDT. */
  mapForXen(page: number, frame: number | undefined): void {
    const at = XEN_MACHINE.perDomainTable + page * this.layout.entrySize;
    const where = (frame ?? XEN_MACHINE.zeroPage / PAGE_SIZE) * PAGE_SIZE;
    this.putEntry(at, { low: (where | XEN_PAGE) >>> 0, high: 0 });
    this.cpu.flushTranslations();
  }
  /** Linear address of such a page. */
  xenLinear(page: number): number {
    return this.layout.m2pEnd + page * PAGE_SIZE;
  }

  validate(frame: number, type: FrameType): void {
    if (type === 'descriptors') return this.checkDescriptors(frame);
    if (!this.isTable(type)) return;
    const done: number[] = [];
    try {
      for (const index of this.guestIndexes(type)) {
        const at = frame * PAGE_SIZE + index * this.layout.entrySize;
        const before = this.entryAt(at);
        if ((before.low & PTE.present) === 0) continue;
        const after = this.admit(type, index, at, before);
        if (after.low !== before.low || after.high !== before.high) this.putEntry(at, after);
        done.push(at);
      }
      if (type === 'l3' && (this.entryAt(frame * PAGE_SIZE + 24).low & PTE.present) === 0)
        throw new XenError(
          'EINVAL',
          `L3 page table ${hex(frame)} has no entry 3, where Xen's part of the address space is`,
        );
    } catch (error) {
      for (const at of done) this.forget(type, this.entryAt(at), this.linear.delete(at));
      throw error;
    }
    if (type === 'l2-xen') this.writeXenPart(frame);
  }

  release(frame: number, type: FrameType): void {
    if (!this.isTable(type)) return;
    for (const index of this.guestIndexes(type)) {
      const at = frame * PAGE_SIZE + index * this.layout.entrySize;
      this.forget(type, this.entryAt(at), this.linear.delete(at));
    }
  }

  save(): number[] {
    return [...this.linear];
  }
  restore(linear: readonly number[]): void {
    this.linear = new Set(linear);
  }

  private isTable(type: FrameType): boolean {
    return type === 'l1' || type === 'l2' || type === 'l2-xen' || type === 'l3';
  }

  /** False for the entries of Xen's part, which the guest may not change. */
  private isGuests(type: FrameType, index: number): boolean {
    if (type === 'l3') return index < 4;
    return type !== 'l2-xen' || index < this.firstXenIndex;
  }
  private get firstXenIndex(): number {
    const { pae, hole } = this.layout;
    return pae ? (hole >>> 21) & 0x1ff : hole >>> 22;
  }
  private guestIndexes(type: FrameType): number[] {
    return Array.from({ length: type === 'l3' ? 4 : this.layout.entries }, (_, index) => index).filter((index) =>
      this.isGuests(type, index),
    );
  }

  /** Takes what a new entry refers to; the entry as it is to be stored. Throws -EINVAL. */
  private admit(type: FrameType, index: number, at: number, entry: Entry): Entry {
    const { low } = entry;
    if ((low & PTE.present) === 0) {
      if (type === 'l3' && index === 3)
        throw new XenError(
          'EINVAL',
          `L3 entry 3 at machine address ${hex(at)} would be empty: Xen's part of the address space is there`,
        );
      return entry;
    }
    const frame = frameOf(entry);
    if (type === 'l1') {
      this.forbid(entry, FORBIDDEN_L1, 'L1');
      this.admitPage(frame, (low & PTE.writable) !== 0);
      return entry;
    }
    if (type === 'l3') {
      this.frames.take(frame, index === 3 ? 'l2-xen' : 'l2');
      return { low: (low & POINTER_BITS) >>> 0, high: entry.high };
    }
    this.forbid(entry, FORBIDDEN_L2 | PTE.large, 'L2');
    const target = this.frames.typeOf(frame);
    if (target === 'l2' || target === 'l2-xen') {
      if ((low & PTE.writable) !== 0)
        throw new XenError('EINVAL', `L2 entry ${hex(low)} maps ${this.frames.describe(frame)} writable`);
      this.linear.add(at);
      return entry;
    }
    this.frames.take(frame, 'l1');
    return entry;
  }

  private admitPage(frame: number, writable: boolean): void {
    if (this.shared.has(frame)) return;
    if (writable) this.frames.take(frame, 'writable');
    else this.frames.requireOwned(frame);
  }

  private forbid({ low, high }: Entry, mask: number, level: string): void {
    if ((low & mask) !== 0)
      throw new XenError(
        'EINVAL',
        `${level} entry ${hex(low)} sets bits ${hex(low & mask)}, which a guest may not set`,
      );
    if ((high & FORBIDDEN_HIGH) !== 0)
      throw new XenError('EINVAL', `${level} entry ${hex(high)}:${hex(low, 8)} sets reserved bits among 52..62`);
  }

  /** Gives back what an entry referred to. */
  private forget(type: FrameType, entry: Entry, linear: boolean): void {
    if ((entry.low & PTE.present) === 0) return;
    const frame = frameOf(entry);
    if (type === 'l1') {
      if ((entry.low & PTE.writable) !== 0 && !this.shared.has(frame)) this.frames.drop(frame);
    } else if (!linear) this.frames.drop(frame);
  }

  /** The machine-to-physical table, read-only, and Xen's descriptor tables. */
  private writeXenPart(frame: number): void {
    const { pae, entrySize, entries, l1Span } = this.layout;
    const base = frame * PAGE_SIZE;
    for (let index = this.firstXenIndex; index < entries; index++) this.putEntry(base + index * entrySize, EMPTY);
    for (let size = 0; size < XEN_MACHINE.machineToPhysicalSize; size += l1Span) {
      const at = base + (this.firstXenIndex + size / l1Span) * entrySize;
      this.putEntry(at, { low: (XEN_MACHINE.machineToPhysical + size) | XEN_READ_ONLY, high: 0 });
    }
    const tables = pae ? (this.layout.m2pEnd >>> 21) & 0x1ff : this.layout.m2pEnd >>> 22;
    this.putEntry(base + tables * entrySize, { low: XEN_MACHINE.perDomainTable | XEN_PAGE, high: 0 });
  }
}

/** Machine frame that an entry refers to. */
export function frameOf({ low, high }: Entry): number {
  return (low >>> 12) + (high & 0xfffff) * 0x100000;
}
