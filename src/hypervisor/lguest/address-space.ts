import { LGUEST_SWITCHER } from '../../abi/lguest.ts';
import { PAGE_FAULT } from '../../x86/error-codes.ts';
import { ENTRY } from '../../x86/page-entry.ts';
import { hex } from '../../util/hex.ts';
import type { LguestGuest } from './guest.ts';
import type { Switcher } from './switcher.ts';

const SWITCHER_INDEX = LGUEST_SWITCHER >>> 22;
const FRAME = 0xfffff000;
/** _PAGE_TABLE: what a page directory entry may have. */
const DIRECTORY_BITS = ENTRY.present | ENTRY.writable | ENTRY.user | ENTRY.accessed | ENTRY.dirty;

/**
 * The guest's page tables as the CPU walks them. lguest keeps shadows of both levels; here the shadow is the page directory alone, a page of
 * the host's, and its entries point to the guest's own page tables. That is as exact: guest-physical addresses are physical ones, so that a
 * guest's entry needs no translation; the CPU sets accessed and dirty bits in the guest's page tables and not in its directory, which is
 * what demand_page does; and entry 1023 can be the switcher's without the guest seeing it. What the guest adds to its tables without a
 * hypercall, as the entry code of 2.6.24 does, is taken over at the fault that it causes, as there. And a debugger finds all that is
 * mapped, not what was touched.
 *
 * One thing is lost: a page table entry for memory that the guest does not have kills it under lguest at the first touch. Here the host
 * sees such an entry in SET_PTE and after a fault.
 */
export class AddressSpace {
  /** Physical address of the guest's page directory. */
  directory: number;
  /** The guest of 4.4 has not asked for page tables yet: linear addresses are physical. */
  linear: boolean;
  private readonly guest: LguestGuest;
  private readonly switcher: Switcher;
  private readonly shadow: number;

  constructor(guest: LguestGuest, switcher: Switcher) {
    this.guest = guest;
    this.switcher = switcher;
    this.shadow = guest.hostAddress('shadowDirectory');
    this.directory = guest.host.cpu.state.control(3);
    this.linear = this.directory >= guest.limit;
  }

  /** Gives the CPU the shadow of the guest's directory; everything is read anew. */
  load(): void {
    const { guest } = this;
    const { memory } = guest.host;
    for (let index = 0; index < SWITCHER_INDEX; index++) {
      // The commonest: nothing there before and now.
      const at = this.directory + index * 4;
      if (memory.read32(at) === 0 && memory.read32(this.shadow + index * 4) === 0) continue;
      guest.writeHost32(this.shadow + index * 4, this.shadowOf(this.guestEntry(index)));
    }
    guest.writeHost32(this.shadow + SWITCHER_INDEX * 4, this.switcher.directoryEntry);
    guest.host.cpu.state.setControl(3, this.shadow);
    guest.host.cpu.flushTranslations();
  }

  /** LHCALL_NEW_PGTABLE. */
  change(directory: number): void {
    if (!this.guest.covers(directory, 4096)) {
      this.guest.kill(`bad read address ${hex(directory)} len 4`);
      return;
    }
    this.directory = (directory & FRAME) >>> 0;
    this.linear = false;
    this.load();
  }

  /** LHCALL_SET_PMD of the first releases, LHCALL_SET_PGD of later ones. */
  setDirectoryEntry(directory: number, index: number): void {
    if (index >= SWITCHER_INDEX || directory !== this.directory || this.linear) return;
    this.guest.writeHost32(this.shadow + index * 4, this.shadowOf(this.guestEntry(index)));
    this.guest.host.cpu.flushTranslations();
  }

  /** LHCALL_SET_PTE: the guest has written the entry already. */
  setPageEntry(linear: number, entry: number): void {
    if ((entry & (ENTRY.accessed | ENTRY.dirty)) !== 0) this.checkPage(entry);
    this.guest.host.cpu.invalidatePage(linear);
  }

  /** demand_page: true when the page is there by now, so that the instruction is to be tried again. */
  demand(linear: number, errorCode: number): boolean {
    const { guest } = this;
    const index = linear >>> 22;
    if (this.linear) {
      if (linear < guest.limit) return false;
      guest.kill('bad page table entry');
      return true;
    }
    const entry = this.guestEntry(index);
    if ((entry & ENTRY.present) === 0) return false;
    if (index >= SWITCHER_INDEX) {
      if (guest.interface.startsLinear) return false;
      guest.kill('attempt to access switcher pages');
      return true;
    }
    if (!this.isDirectoryEntry(entry)) {
      guest.kill('bad page directory entry');
      return true;
    }
    const page = guest.read32(((entry & FRAME) >>> 0) + ((linear >>> 12) & 0x3ff) * 4);
    if ((page & ENTRY.present) === 0) return false;
    // The level above counts too: the CPU would refuse for ever what it forbids.
    const rights = entry & page;
    if ((errorCode & PAGE_FAULT.write) !== 0 && (rights & ENTRY.writable) === 0) return false;
    if ((errorCode & PAGE_FAULT.user) !== 0 && (rights & ENTRY.user) === 0) return false;
    if (!this.checkPage(page)) return true;
    guest.writeHost32(this.shadow + index * 4, this.shadowOf(entry));
    guest.host.cpu.flushTranslations();
    return true;
  }

  /** The guest's tables let its kernel write there: what pin_page wants of a stack. */
  isWritable(linear: number): boolean {
    if (this.linear) return linear < this.guest.limit;
    const entry = this.guestEntry(linear >>> 22);
    if ((entry & ENTRY.present) === 0) return false;
    const page = this.guest.read32(((entry & FRAME) >>> 0) + ((linear >>> 12) & 0x3ff) * 4);
    return (page & ENTRY.present) !== 0 && (page & ENTRY.writable) !== 0;
  }

  /** guest_pa: the physical address, or undefined after the guest was killed for having none. */
  physical(linear: number): number | undefined {
    const { guest } = this;
    if (this.linear) return linear;
    const entry = this.guestEntry(linear >>> 22);
    const page =
      (entry & ENTRY.present) === 0 ? 0 : guest.read32(((entry & FRAME) >>> 0) + ((linear >>> 12) & 0x3ff) * 4);
    if ((page & ENTRY.present) !== 0) return ((page & FRAME) >>> 0) + (linear & 0xfff);
    guest.kill(`Bad address ${hex(linear)}`);
    return undefined;
  }

  /** An entry of the guest's page directory; in linear mode it is the host's, above the guest's memory. */
  private guestEntry(index: number): number {
    const address = this.directory + index * 4;
    return this.linear ? this.guest.host.memory.read32(address) : this.guest.read32(address);
  }

  private shadowOf(entry: number): number {
    return this.linear || this.isDirectoryEntry(entry) ? entry : 0;
  }

  /** check_gpgd */
  private isDirectoryEntry(entry: number): boolean {
    const bits = entry & ~FRAME;
    const inside = (entry & FRAME) >>> 0 < this.guest.limit;
    return (bits & ENTRY.present) !== 0 && (bits & ~DIRECTORY_BITS) === 0 && inside;
  }

  /** check_gpte */
  private checkPage(entry: number): boolean {
    if ((entry & ENTRY.largePage) === 0 && (entry & FRAME) >>> 0 < this.guest.limit) return true;
    this.guest.kill('bad page table entry');
    return false;
  }
}
