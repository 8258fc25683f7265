import { DOMID, GUEST_DOMAIN } from '../../abi/xen/hypercalls.ts';
import { PAGE_SIZE } from '../../abi/xen/layout.ts';
import { hex } from '../../util/hex.ts';
import type { DescriptorTables } from './descriptor-tables.ts';
import type { Domain } from './domain.ts';
import type { Frames, FrameType } from './frames.ts';
import { PTE, type PageTables } from './page-tables.ts';
import { XenError } from './xen-error.ts';

/** Requests that one hypercall answers before it lets the guest's time go on. */
export const BATCH = 4096;
/** Bit of a count: the call goes on after it was interrupted. */
const PREEMPTED = 0x80000000;

/** How a call with many requests ended: with a result, or to be made again for the rest. */
export interface BatchResult {
  readonly result: number;
  /** First request and number of those that are left. */
  readonly rest?: { readonly requests: number; readonly count: number };
}

/** HYPERVISOR_mmu_update, update_va_mapping and mmuext_op. */
export class MemoryHypercalls {
  private readonly domain: Domain;
  private readonly frames: Frames;
  private readonly tables: PageTables;
  private readonly descriptors: DescriptorTables;

  constructor(domain: Domain, frames: Frames, tables: PageTables, descriptors: DescriptorTables) {
    this.domain = domain;
    this.frames = frames;
    this.tables = tables;
    this.descriptors = descriptors;
  }

  mmuUpdate(requests: number, count: number, done: number, domid: number): BatchResult {
    requireSelf(domid);
    return this.batch(requests, count, done, 16, (at) => this.update(at));
  }

  extended(operations: number, count: number, done: number, domid: number): BatchResult {
    requireSelf(domid);
    return this.batch(operations, count, done, 12, (at) => this.operation(at));
  }

  /** HYPERVISOR_update_va_mapping. */
  updateMapping(linear: number, low: number, high: number): number {
    const at = linear < this.tables.layout.hole ? this.tables.leafAddress(linear) : undefined;
    if (at === undefined) throw new XenError('EINVAL', `no L1 page table is there for linear ${hex(linear, 8)}`);
    this.tables.update(at, { low, high: this.tables.layout.pae ? high : 0 });
    return 0;
  }

  /** {u64 ptr, u64 val}: the low two bits of ptr say what is to be written. */
  private update(at: number): void {
    const { guest } = this.domain;
    const [pointer, value] = [guest.read64(at), guest.read64(at + 8)];
    const command = Number(pointer & 3n);
    const machine = pointer >> 36n === 0n ? Number(pointer & ~3n) : Infinity;
    const [low, high] = [Number(value & 0xffffffffn), Number(value >> 32n)];
    if (command === 0 || command === 2) return this.updateEntry(machine, low, high, command === 2);
    if (command !== 1) throw new XenError('ENOSYS', `Xen 4.2 has no mmu_update command ${command}`);
    const frame = machine / PAGE_SIZE;
    this.frames.requireOwned(Math.floor(frame));
    this.frames.setPseudoPhysical(Math.floor(frame), low);
  }

  /** An entry of a page table, or a word of a page that is none. */
  private updateEntry(machine: number, low: number, high: number, keepsAccessed: boolean): void {
    const frame = Math.floor(machine / PAGE_SIZE);
    this.frames.requireOwned(frame);
    const size = this.tables.layout.entrySize;
    if (machine % size !== 0)
      throw new XenError('EINVAL', `machine address ${hex(machine)} is not that of a page table entry`);
    const type = this.frames.typeOf(frame);
    if (type === 'l1' || type === 'l2' || type === 'l2-xen' || type === 'l3') {
      const kept = keepsAccessed ? this.tables.entryAt(machine).low & PTE.used : 0;
      this.tables.update(machine, { low: (low | kept) >>> 0, high: this.tables.layout.pae ? high : 0 });
      return;
    }
    this.frames.take(frame, 'writable');
    this.tables.putEntry(machine, { low, high });
    this.frames.drop(frame);
  }

  /** {u32 cmd, arg1: frame or linear address, arg2}. */
  private operation(at: number): void {
    const { guest, host } = this.domain;
    const [command, first, second] = [guest.read32(at), guest.read32(at + 4), guest.read32(at + 8)];
    switch (command) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.pin(command, first);
      case 4:
        this.frames.requireOwned(first);
        if (!this.frames.isPinned(first))
          throw new XenError('EINVAL', `${this.frames.describe(first)}, but not pinned`);
        this.frames.setPinned(first, false);
        return this.frames.drop(first);
      case 5:
        return this.tables.load(first);
      case 6:
      case 8:
      case 10:
        return host.cpu.flushTranslations();
      case 7:
      case 9:
      case 11:
        return host.cpu.invalidatePage(first);
      case 12:
      case 18:
        throw new XenError('EINVAL', 'a domain without devices may not flush the caches');
      case 13:
        return this.descriptors.setLdt(first, second);
      case 16:
      case 17:
        return this.fill(first, command === 17 ? second : undefined);
      default:
        throw new XenError('ENOSYS', `a 32-bit guest has no mmuext_op ${command}`);
    }
  }

  private pin(command: number, frame: number): void {
    const types: readonly (FrameType | undefined)[] = this.tables.layout.pae
      ? ['l1', 'l2', 'l3', undefined]
      : ['l1', 'l2-xen', undefined, undefined];
    const type = types[command];
    if (type === undefined) throw new XenError('EINVAL', `there are no L${command + 1} page tables`);
    if (this.frames.isPinned(frame)) throw new XenError('EINVAL', `${this.frames.describe(frame)} and pinned already`);
    this.frames.take(frame, type);
    this.frames.setPinned(frame, true);
  }

  /** MMUEXT_CLEAR_PAGE and MMUEXT_COPY_PAGE. */
  private fill(frame: number, source: number | undefined): void {
    if (source !== undefined) this.frames.requireOwned(source);
    this.frames.take(frame, 'writable');
    const { memory } = this.domain.host.cpu;
    for (let at = 0; at < PAGE_SIZE; at += 4) {
      const value = source === undefined ? 0 : memory.readPhysical(source * PAGE_SIZE + at, 32);
      memory.writePhysical(frame * PAGE_SIZE + at, 32, value);
    }
    this.frames.drop(frame);
  }

  /** Does requests one after the other up to the first that is refused, and tells how many were done. */
  private batch(requests: number, given: number, done: number, size: number, each: (at: number) => void): BatchResult {
    const { guest } = this.domain;
    const preempted = (given & PREEMPTED) !== 0;
    const count = given & ~PREEMPTED;
    let total = preempted && done !== 0 ? guest.read32(done) : 0;
    let result = 0;
    let n = 0;
    try {
      for (; n < Math.min(count, BATCH); n++) each(requests + n * size);
    } catch (error) {
      if (!(error instanceof XenError)) throw error;
      result = error.result;
      this.domain.host.reportGap(`Xen refuses request ${n} of ${count}: ${error.reason}`);
    }
    total += n;
    if (done !== 0) guest.write32(done, total);
    if (result !== 0 || n >= count) return { result };
    return { result, rest: { requests: requests + n * size, count: ((count - n) | PREEMPTED) >>> 0 } };
  }
}

function requireSelf(domid: number): void {
  const low = domid & 0x7fff;
  if (low !== DOMID.self && low !== GUEST_DOMAIN && low !== DOMID.io)
    throw new XenError('EPERM', `an unprivileged domain has no rights over domain ${hex(low)}`);
}
