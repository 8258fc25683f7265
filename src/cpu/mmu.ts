import { hex } from '../util/hex.ts';
import { walkPages, type PageAccess, type PagingState } from '../x86/page-walk.ts';
import type { AccessWidth, CpuBus, LinearMemory } from './context.ts';
import { CpuFault } from './fault.ts';
import * as L from './layout.ts';
import type { CpuState } from './state.ts';
import { CR4 } from '../x86/control-registers.ts';
import { EFER, MSR } from '../x86/model-specific-registers.ts';
import { VECTOR } from '../x86/exceptions.ts';
import { AccessWatch } from './watchpoints.ts';

const PAGE_MASK = ~0xfff;
const LARGE_PAGE_ENTRIES = 1024;
const LINE_SHIFT = L.CODE_LINE_SHIFT;
/** Pages whose right to be executed is remembered. */
const FETCH_ENTRIES = 256;
const ADDRESS_LINE_20 = 1 << 20;

/** Imports of the generated interpreter: memory accesses that miss the TLB. They never throw; BAIL says "cannot complete". */
export interface SlowMemory {
  /** `access`: bytes, plus 16 when the access is going to write. */
  readonly load32: (linear: number, access: number) => number;
  readonly load64: (linear: number, access: number) => bigint;
  readonly store32: (linear: number, access: number, value: number) => void;
  readonly store64: (linear: number, access: number, value: bigint) => void;
}

/**
 * Linear to physical: walks the page tables, keeps the two software TLBs that generated code reads, and refuses the fast path
 * wherever something else must happen (device memory), or is to be looked at first (lines that hold decoded code).
 */
export class Mmu implements LinearMemory {
  /** Called before guest memory that holds decoded code changes, with the physical page number. */
  onCodeWrite: (page: number) => void = () => undefined;
  /** Makes every access miss, so that tests run the slow paths of the fast engine. */
  alwaysMiss = false;
  /** The TLBs are empty and not zeros, which would be entries. Who looks before anything has run walks. */
  private prepared = false;
  /** What is watched; after a change translations must be flushed. */
  readonly watch = new AccessWatch();

  private readonly state: CpuState;
  private readonly bus: CpuBus;
  private readonly codePages: Uint8Array;
  /** Pages below the end of RAM where a device answers instead. */
  private readonly devicePages: Uint8Array;
  /** Pages of RAM that stand for ROM. */
  private readonly readOnlyPages: Uint8Array;
  /** Writes to lines that held code. */
  private codeChanges = 0;
  /** TLB indexes (in words) filled since the last flush: flushing costs what was filled. */
  private filled: number[] = [];
  /**
   * Where the code of a linear page is, by its lowest bits: the linear page, and the physical one. Apart from the TLBs, because a page
   * that may be read need not be executable.
   */
  private readonly fetchLinear = new Int32Array(FETCH_ENTRIES).fill(-1);
  private readonly fetchPhysical = new Int32Array(FETCH_ENTRIES);

  constructor(state: CpuState, bus: CpuBus) {
    this.state = state;
    this.bus = bus;
    this.codePages = new Uint8Array(state.ramSize >>> 12);
    this.devicePages = new Uint8Array(state.ramSize >>> 12);
    this.readOnlyPages = new Uint8Array(state.ramSize >>> 12);
  }

  /** True when all of an access lies in RAM, with no device in front of it. The access must not cross a page. */
  isRam(physical: number, bytes: number): boolean {
    return physical + bytes <= this.state.ramSize && this.devicePages[physical >>> 12] === 0;
  }

  /**
   * Puts a device in front of RAM, or takes it away: physical addresses `first` to `last` (whole pages) go to the bus.
   * The caller must see to it that code decoded there is dropped ({@link onCodeWrite} is called for it).
   */
  setDevicePages(first: number, last: number, device: boolean): void {
    for (let page = first >>> 12; page <= last >>> 12 && page < this.devicePages.length; page++) {
      if (this.codePages[page] === 1) this.onCodeWrite(page);
      this.devicePages[page] = device ? 1 : 0;
    }
    this.flush();
  }

  /** Makes ROM of RAM: the CPU's writes to physical addresses `first` to `last` (whole pages) go nowhere. Part of what the machine is, not of its state. */
  setReadOnlyPages(first: number, last: number): void {
    this.readOnlyPages.fill(1, first >>> 12, (last >>> 12) + 1);
    this.flush();
  }

  /** Numbers of the pages given to devices by {@link setDevicePages}, ascending. */
  devicePageNumbers(): number[] {
    return [...this.devicePages.keys()].filter((page) => this.devicePages[page] === 1);
  }

  /** Gives these pages, and no others, to devices. Nothing decoded or translated may survive it. */
  setDevicePageNumbers(pages: readonly number[]): void {
    this.devicePages.fill(0);
    for (const page of pages) this.devicePages[page] = 1;
  }

  /** Makes the TLBs empty; to be called once before anything runs. */
  prepare(): void {
    this.state.words.fill(-1, L.TLB_READ >> 2, (L.TLB_WRITE >> 2) + L.TLB_ENTRIES);
    this.prepared = true;
  }

  /** Drops every translation. */
  flush(): void {
    const { words } = this.state;
    for (const index of this.filled) words[index] = -1;
    this.filled = [];
    this.fetchLinear.fill(-1);
  }

  /** Address line 20, which a PC can hold low: then every physical address has bit 20 clear, those of page walks too. */
  setA20(enabled: boolean): void {
    this.state.words[L.A20_OFF >> 2] = enabled ? 0 : 1;
    this.flush();
  }
  private gate(physical: number): number {
    return this.state.words[L.A20_OFF >> 2] === 1 && (physical & ADDRESS_LINE_20) !== 0
      ? physical - ADDRESS_LINE_20
      : physical;
  }

  /**
   * Drops the translation of the page with `linear`. Its size is not known any more when the entry was changed first, so that
   * all of the 4 MiB that a large page may take goes (SDM 3, 4.10.4.1 allows more than asked for).
   */
  invalidate(linear: number): void {
    const first = (linear >>> 22) << 10;
    for (const table of [L.TLB_READ >> 2, L.TLB_WRITE >> 2]) {
      this.state.words.fill(-1, table + first, table + first + LARGE_PAGE_ENTRIES);
    }
    this.fetchLinear.fill(-1);
  }

  /** Marks `length` bytes at `physical` as decoded code: writes to those lines report first. */
  markCode(physical: number, length: number): void {
    for (let line = physical >>> LINE_SHIFT; line <= (physical + length - 1) >>> LINE_SHIFT; line++)
      this.state.codeLines[line] = 1;
    const page = physical >>> 12;
    if (this.codePages[page] === 0) {
      this.codePages[page] = 1;
      this.flush();
    }
  }

  /** Forgets that a physical page holds code. */
  clearCode(page: number): void {
    this.codePages[page] = 0;
    this.state.codeLines.fill(0, page << (12 - LINE_SHIFT), (page + 1) << (12 - LINE_SHIFT));
  }

  /** Physical address for an access at the current privilege (or CPL 0 for a system access); raises #PF. Sets accessed and dirty bits. */
  translate(linear: number, access: PageAccess['access'], system = false): number {
    const { state } = this;
    const cpl = system ? 0 : state.cpl;
    const result = walkPages(linear, { ...pagingState(state), cpl, access }, (at) => this.readPhysical(at, 32));
    state.trace?.walk(access, linear, result.steps, result.fault ?? result);
    if (result.fault !== undefined) {
      throw new CpuFault(
        VECTOR.PF,
        result.fault.errorCode,
        `${access} of lin:${hex(linear >>> 0, 8)}: ${result.fault.reason}`,
        {
          address: linear >>> 0,
          entry: result.steps.at(-1)?.value ?? 0,
        },
      );
    }
    for (const update of result.updates) this.writePhysical(update.address, 32, update.value);
    const physical = this.gate(result.physical);
    if (!system || state.cpl !== 3)
      this.fill(linear, physical, access === 'write' || (result.writable && result.dirty));
    return physical;
  }

  private fill(linear: number, physical: number, writable: boolean): void {
    if (!this.isRam(physical, 1) || this.alwaysMiss || !this.prepared) return;
    const entry = (L.RAM + (physical & PAGE_MASK)) ^ (linear & PAGE_MASK);
    const page = linear >>> 12;
    const { watch } = this;
    const watched = (what: 'read' | 'write'): boolean => watch.active && watch.touches(page * 0x1000, 0x1000, what);
    if (!watched('read')) this.setEntry((L.TLB_READ >> 2) + page, entry);
    // A read-modify-write reads through the write entry.
    if (!writable || watched('write') || watched('read') || this.readOnlyPages[physical >>> 12] === 1) return;
    const beside = this.codePages[physical >>> 12] === 1 ? L.TLB_CODE_PAGE : 0;
    this.setEntry((L.TLB_WRITE >> 2) + page, entry | beside);
  }
  private setEntry(index: number, entry: number): void {
    const { words } = this.state;
    if (words[index] === -1) this.filled.push(index);
    words[index] = entry;
  }

  /** Physical address of the next instruction's first byte; raises #PF. */
  fetchAddress(linear: number): number {
    const page = linear >>> 12;
    const slot = page % FETCH_ENTRIES;
    if (this.fetchLinear[slot] === page) return (this.fetchPhysical[slot] ?? 0) * 0x1000 + (linear & 0xfff);
    const physical = this.translate(linear, 'fetch');
    this.fetchLinear[slot] = page;
    this.fetchPhysical[slot] = Math.floor(physical / 0x1000);
    return physical;
  }

  /**
   * #AC where the current program may only make aligned accesses (SDM 3, 6.15, interrupt 17); `alignment` is a power of 2.
   * The alignment is that of the linear address.
   */
  checkAlignment(linear: number, alignment: number): void {
    if ((linear & (alignment - 1)) === 0 || !this.state.checksAlignment) return;
    const reason = `access at lin:${hex(linear >>> 0, 8)} is not aligned to ${alignment} bytes, and CR0.AM and EFLAGS.AC are 1 at CPL 3`;
    throw new CpuFault(VECTOR.AC, 0, reason, { address: linear >>> 0, alignment });
  }

  /** As {@link translate}, from the TLBs where they know it. */
  private locate(linear: number, access: 'read' | 'write', system: boolean): number {
    // Below CPL 3 the translations are those of a system access.
    if (this.prepared && !this.alwaysMiss && (!system || this.state.cpl !== 3)) {
      const table = access === 'write' ? L.TLB_WRITE : L.TLB_READ;
      const entry = this.state.words[(table >> 2) + (linear >>> 12)] ?? -1;
      if ((entry & 0xfff) === 0) return ((entry ^ (linear & PAGE_MASK)) - L.RAM + (linear & 0xfff)) >>> 0;
    }
    return this.translate(linear, access, system);
  }

  read(linear: number, width: AccessWidth, system = false): number {
    const bytes = width / 8;
    if (!system) this.checkAlignment(linear, bytes);
    const physical = this.locate(linear, 'read', system);
    if (this.watch.active) this.watch.note(linear, bytes, 'read');
    if ((linear & 0xfff) + bytes <= 0x1000) return this.readPhysical(physical, width);
    this.locate(nextPage(linear), 'read', system);
    let value = 0;
    for (let n = bytes - 1; n >= 0; n--) {
      value = value * 256 + this.readPhysical(this.locate(linear + n, 'read', system), 8);
    }
    return value;
  }

  write(linear: number, width: AccessWidth, value: number, system = false): void {
    const bytes = width / 8;
    if (!system) this.checkAlignment(linear, bytes);
    const physical = this.locate(linear, 'write', system);
    if (this.watch.active) this.noteWrite(linear, bytes, value, system);
    if ((linear & 0xfff) + bytes <= 0x1000) return this.writePhysical(physical, width, value);
    this.locate(nextPage(linear), 'write', system);
    for (let n = 0; n < bytes; n++) {
      this.writePhysical(this.locate(linear + n, 'write', system), 8, (value >>> (8 * n)) & 0xff);
    }
  }

  /** Notes a write that is allowed and about to be made. */
  private noteWrite(linear: number, bytes: number, value: number, system: boolean): void {
    if (!this.watch.touches(linear, bytes, 'write')) return;
    let before: number | undefined = 0;
    for (let n = bytes - 1; n >= 0 && before !== undefined; n--) {
      const physical = this.locate((linear + n) >>> 0, 'write', system);
      // A read of a device could change it.
      before = this.isRam(physical, 1) ? before * 256 + this.readPhysical(physical, 8) : undefined;
    }
    const after = bytes === 4 ? value >>> 0 : value & ((1 << (8 * bytes)) - 1);
    this.watch.note(linear, bytes, 'write', before, after);
  }

  probeWrite(linear: number, bytes: number, system = false, alignment = bytes): void {
    if (!system) this.checkAlignment(linear, alignment);
    this.locate(linear, 'write', system);
    if ((linear & 0xfff) + bytes > 0x1000) this.locate(nextPage(linear), 'write', system);
  }

  /** Guest physical memory; beyond RAM the bus answers. */
  readPhysical(address: number, width: AccessWidth): number {
    const { view } = this.state;
    const physical = this.gate(address);
    if (!this.isRam(physical, width / 8)) return this.bus.memoryRead(physical, width) >>> 0;
    const at = L.RAM + physical;
    if (width === 8) return view.getUint8(at);
    return width === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
  }

  writePhysical(address: number, width: AccessWidth, value: number): void {
    const { view } = this.state;
    const bytes = width / 8;
    const physical = this.gate(address);
    if (!this.isRam(physical, bytes)) return this.bus.memoryWrite(physical, width, value);
    if (this.readOnlyPages[physical >>> 12] === 1) return;
    if (this.holdsCode(physical, bytes)) {
      // A flag beside code that is polled with XCHG is written all the time and seldom changed.
      if (this.readPhysical(physical, width) === (width === 32 ? value >>> 0 : value & (2 ** width - 1))) return;
      this.codeChanges++;
      this.onCodeWrite(physical >>> 12);
    }
    const at = L.RAM + physical;
    if (width === 8) view.setUint8(at, value);
    else if (width === 16) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }

  private holdsCode(physical: number, bytes: number): boolean {
    if (this.codePages[physical >>> 12] === 0) return false;
    return (
      this.state.codeLines[physical >>> LINE_SHIFT] === 1 ||
      this.state.codeLines[(physical + bytes - 1) >>> LINE_SHIFT] === 1
    );
  }

  /** What the generated interpreter calls on a TLB miss. A side effect or a fault is left to the evaluator. */
  readonly slow: SlowMemory = {
    load32: (linear, access) => {
      const bytes = access & 15;
      if (!this.completes(linear, bytes, access > 15)) return 0;
      return this.read(linear, (bytes * 8) as AccessWidth) | 0;
    },
    load64: (linear, access) => {
      if (!this.completes(linear, 8, access > 15)) return 0n;
      return BigInt.asIntN(64, (BigInt(this.read(linear + 4, 32)) << 32n) | BigInt(this.read(linear, 32)));
    },
    store32: (linear, access, value) => {
      const bytes = access & 15;
      if (this.completes(linear, bytes, true)) this.write(linear, (bytes * 8) as AccessWidth, value);
    },
    store64: (linear, _access, value) => {
      if (!this.completes(linear, 8, true)) return;
      this.write(linear, 32, Number(BigInt.asUintN(32, value)));
      this.write(linear + 4, 32, Number(BigInt.asUintN(32, value >> 32n)));
    },
  };

  /** True when the access is plain RAM that may be touched now; else sets BAIL. */
  private completes(linear: number, bytes: number, write: boolean): boolean {
    const { codeChanges } = this;
    // Accessed and dirty bits may be set in a line of code: whoever runs it must leave.
    const ok = this.isPlain(linear, bytes, write) && codeChanges === this.codeChanges;
    this.state.words[L.BAIL >> 2] = ok ? 0 : 1;
    return ok;
  }

  private isPlain(linear: number, bytes: number, write: boolean): boolean {
    // Round the end of the address space: the evaluator knows whether the segment allows it.
    if ((linear >>> 0) + bytes > 2 ** 32) return false;
    try {
      const here = Math.min(bytes, 0x1000 - (linear & 0xfff));
      return (
        this.isPlainPart(linear, here, write) &&
        (here === bytes || this.isPlainPart(nextPage(linear), bytes - here, write))
      );
    } catch (error) {
      if (error instanceof CpuFault) return false;
      throw error;
    }
  }

  /** As {@link isPlain}, for bytes of one page; raises #PF. */
  private isPlainPart(linear: number, bytes: number, write: boolean): boolean {
    const physical = this.translate(linear, write ? 'write' : 'read');
    // A read-modify-write asks for the write alone: it counts as both.
    const { watch } = this;
    if (watch.active && (watch.touches(linear, bytes, 'read') || (write && watch.touches(linear, bytes, 'write'))))
      return false;
    return this.isRam(physical, bytes) && !(write && this.holdsCode(physical, bytes));
  }
}

/** Where an access that straddles goes on: the address a fault on its second page names. */
function nextPage(linear: number): number {
  return ((linear | 0xfff) + 1) >>> 0;
}

/** The paging registers of a CPU; also for walks that are made to look, not to access. */
export function pagingState(state: CpuState): PagingState {
  const cr4 = state.control(4);
  const pae = (cr4 & CR4.PAE) !== 0;
  return {
    cr0: state.control(0),
    cr3: state.control(3),
    cr4,
    noExecute: pae && (Number(state.modelSpecific(MSR.efer)) & EFER.NXE) !== 0,
    directoryPointers: pae ? state.directoryPointers : [],
    model: state.model,
  };
}
