import { LGUEST_GDT_ENTRIES, LGUEST_GDT_ENTRY, LGUEST_PRIVILEGE, LGUEST_SWITCHER } from '../../abi/lguest.ts';
import { SEGMENT, type SegmentCache } from '../../cpu/state.ts';
import { decodeDescriptor } from '../../x86/descriptor.ts';
import type { LguestGuest } from './guest.ts';

const PAGE = 4096;
/** The pages of `struct lguest_pages`: code of the switcher, registers, and what the guest may only read. */
const STATE_PAGE = 2;
/** Where IDT, GDT and TSS are in the page of `struct lguest_ro_state`. */
const IDT = 0;
const GDT = 0x800;
const TSS = 0x900;
const TSS_SIZE = 104;
/** Offsets in a 32-bit TSS (SDM 3, figure 7-2). */
const TSS_FIELD = { ss0: 8, esp1: 12, ss1: 16, map: 102 } as const;
/** Page table bits: present, writable, accessed, dirty. */
const READ_ONLY = 0x21;
const WRITABLE = 0x63;
/** FULL_EXEC_SEGMENT and FULL_SEGMENT: flat, DPL 0. */
const FULL_CODE = 0x00cf9b00;
const FULL_DATA = 0x00cf9300;
const DPL_SHIFT = 13;
const DPL = 3 << DPL_SHIFT;
const ACCESSED = 1 << 8;

/** An IDT entry as the guest gave it, checked: two words, zero where there is none. */
export interface LguestGate {
  readonly low: number;
  readonly high: number;
}

/**
 * The top 4 MiB of linear memory, which belong to the host: descriptor tables and TSS that the CPU uses while the guest runs. The guest can
 * read them there and cannot write them. They are kept in memory alone, where a debugger sees them.
 */
export class Switcher {
  private readonly guest: LguestGuest;
  private readonly state: number;

  constructor(guest: LguestGuest) {
    this.guest = guest;
    this.state = guest.hostAddress('switcherPages') + STATE_PAGE * PAGE;
  }

  /** The page table entry of the page directory at {@link LGUEST_SWITCHER}. */
  get directoryEntry(): number {
    return this.guest.hostAddress('switcherTable') + WRITABLE;
  }

  /** setup_default_gdt_entries, setup_guest_gdt; and the registers of the CPU that point there. */
  prepare(): void {
    const { guest } = this;
    const table = guest.hostAddress('switcherTable');
    const pages = guest.hostAddress('switcherPages');
    for (const [n, rights] of [READ_ONLY, WRITABLE, READ_ONLY].entries())
      guest.writeHost32(table + n * 4, pages + n * PAGE + rights);
    const { kernelCode, kernelData, lguestCode, lguestData, tss } = LGUEST_GDT_ENTRY;
    const guestLevel = LGUEST_PRIVILEGE << DPL_SHIFT;
    this.writeEntry(lguestCode, 0x0000ffff, FULL_CODE);
    this.writeEntry(lguestData, 0x0000ffff, FULL_DATA);
    this.writeEntry(kernelCode, 0x0000ffff, FULL_CODE | guestLevel);
    this.writeEntry(kernelData, 0x0000ffff, FULL_DATA | guestLevel);
    const linear = LGUEST_SWITCHER + STATE_PAGE * PAGE;
    const at = linear + TSS;
    this.writeEntry(tss, (TSS_SIZE - 1) | (at << 16), (at & 0xff000000) | ((at >>> 16) & 0xff) | 0x8b00);
    guest.writeHost32(this.state + TSS + TSS_FIELD.ss0, lguestData * 8);
    guest.writeHost32(this.state + TSS + TSS_FIELD.map - 2, TSS_SIZE << 16);
    const { cpu } = guest.host;
    cpu.state.gdtr = { base: linear + GDT, limit: LGUEST_GDT_ENTRIES * 8 - 1 };
    cpu.state.idtr = { base: linear + IDT, limit: 256 * 8 - 1 };
    cpu.state.setSegment(SEGMENT.tr, { selector: tss * 8, base: at, limit: TSS_SIZE - 1, access: 0x8b00 });
  }

  /** A GDT entry as the guest gives it: fixed up, or ignored where it is the host's (segments.c). */
  setSegment(index: number, low: number, high: number): void {
    const { lguestCode, lguestData, tss, doubleFault } = LGUEST_GDT_ENTRY;
    if (index === lguestCode || index === lguestData || index === tss || index === doubleFault) return;
    const level = (high & DPL) === 0 ? LGUEST_PRIVILEGE << DPL_SHIFT : 0;
    this.writeEntry(index, low, high | level | ACCESSED);
  }

  /** What loading a selector gives; undefined where the GDT has no such entry. */
  segment(selector: number): SegmentCache | undefined {
    const index = selector >>> 3;
    if ((selector & 4) !== 0 || index >= LGUEST_GDT_ENTRIES) return undefined;
    const { memory } = this.guest.host;
    const [low, high] = [memory.read32(this.state + GDT + index * 8), memory.read32(this.state + GDT + index * 8 + 4)];
    const { base, limit } = decodeDescriptor(low, high);
    return { selector, base, limit, access: high & 0x00f0ff00 };
  }

  gate(vector: number): LguestGate {
    const { memory } = this.guest.host;
    return {
      low: memory.read32(this.state + IDT + vector * 8),
      high: memory.read32(this.state + IDT + vector * 8 + 4),
    };
  }
  setGate(vector: number, { low, high }: LguestGate): void {
    this.guest.writeHost32(this.state + IDT + vector * 8, low);
    this.guest.writeHost32(this.state + IDT + vector * 8 + 4, high);
  }

  /** The stack of the guest's kernel: `ss1` and `esp1` of the TSS. */
  get stack(): { readonly ss: number; readonly esp: number } {
    const { memory } = this.guest.host;
    const at = this.state + TSS;
    return { ss: memory.read32(at + TSS_FIELD.ss1), esp: memory.read32(at + TSS_FIELD.esp1) };
  }
  setStack(ss: number, esp: number): void {
    this.guest.writeHost32(this.state + TSS + TSS_FIELD.ss1, ss);
    this.guest.writeHost32(this.state + TSS + TSS_FIELD.esp1, esp);
  }

  private writeEntry(index: number, low: number, high: number): void {
    this.guest.writeHost32(this.state + GDT + index * 8, low);
    this.guest.writeHost32(this.state + GDT + index * 8 + 4, high);
  }
}
