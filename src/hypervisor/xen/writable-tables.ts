import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import { CpuFault } from '../../cpu/fault.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { PAGE_FAULT } from '../../x86/error-codes.ts';
import type { Domain } from './domain.ts';
import type { Frames } from './frames.ts';
import { frameOf, PTE, type PageTables } from './page-tables.ts';
import { XenError } from './xen-error.ts';

/**
 * Writes of the guest to its L1 page tables, which it has mapped read-only (VMASST_TYPE_writable_pagetables): the instruction is run with
 * the page writable, and then every entry that has changed must be one that the guest may have.
 */
export class WritableTables {
  enabled = false;
  private readonly domain: Domain;
  private readonly frames: Frames;
  private readonly tables: PageTables;

  constructor(domain: Domain, frames: Frames, tables: PageTables) {
    this.domain = domain;
    this.frames = frames;
    this.tables = tables;
  }

  /** #PF: true when it was such a write, and it was made. */
  emulate(fault: CpuFault): boolean {
    const { address } = fault.operands;
    const { cpu } = this.domain.host;
    const refused = PAGE_FAULT.write | PAGE_FAULT.protection;
    const write = ((fault.errorCode ?? 0) & (refused | PAGE_FAULT.reservedBit)) === refused;
    if (!this.enabled || fault.vector !== VECTOR.PF || address === undefined || !write || cpu.state.cpl === 3)
      return false;
    if (address >= this.tables.layout.hole) return false;
    const leaf = this.tables.leafAddress(address);
    if (leaf === undefined) return false;
    const mapping = this.tables.entryAt(leaf);
    const frame = frameOf(mapping);
    if ((mapping.low & PTE.writable) !== 0 || !this.frames.owned(frame) || this.frames.typeOf(frame) !== 'l1')
      return false;
    return this.runOn(leaf, frame);
  }

  private runOn(leaf: number, frame: number): boolean {
    const { cpu, memory } = this.domain.host;
    const mapping = this.tables.entryAt(leaf);
    const opened = { ...mapping, low: (mapping.low | PTE.writable) >>> 0 };
    const page = memory.read(frame * PAGE_SIZE, PAGE_SIZE);
    this.tables.putEntry(leaf, opened);
    cpu.flushTranslations();
    const close = (): Uint8Array => {
      // The page may hold the entry that maps it.
      const still = this.tables.entryAt(leaf);
      if ((still.low & ~PTE.used) === (opened.low & ~PTE.used) && still.high === opened.high)
        this.tables.putEntry(leaf, mapping);
      const written = memory.read(frame * PAGE_SIZE, PAGE_SIZE);
      this.write(frame, page);
      this.tables.putEntry(leaf, mapping);
      cpu.flushTranslations();
      return written;
    };
    try {
      return cpu.emulate(() => this.accept(frame, page, close()));
    } catch (error) {
      close();
      if (error instanceof CpuFault) return false;
      throw error;
    }
  }

  /** False when an entry is refused; the page is then as it was before. */
  private accept(frame: number, page: Uint8Array, written: Uint8Array): boolean {
    try {
      this.apply(frame, page, written);
      return true;
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      this.domain.host.reportGap(`Xen refuses a write to a page table: ${error.reason}`);
      return false;
    }
  }

  /** Puts back what the page held, where it differs. */
  private write(frame: number, page: Uint8Array): void {
    const { cpu, memory } = this.domain.host;
    const view = new DataView(page.buffer, page.byteOffset);
    for (let at = 0; at < PAGE_SIZE; at += 4) {
      const value = view.getUint32(at, true);
      if (memory.read32(frame * PAGE_SIZE + at) !== value) cpu.memory.writePhysical(frame * PAGE_SIZE + at, 32, value);
    }
  }

  private apply(frame: number, before: Uint8Array, after: Uint8Array): void {
    const { entrySize } = this.tables.layout;
    const view = new DataView(after.buffer, after.byteOffset);
    for (let at = 0; at < PAGE_SIZE; at += entrySize) {
      if (before.subarray(at, at + entrySize).every((byte, n) => byte === after[at + n])) continue;
      const high = entrySize === 8 ? view.getUint32(at + 4, true) : 0;
      this.tables.update(frame * PAGE_SIZE + at, { low: view.getUint32(at, true), high });
    }
  }
}
