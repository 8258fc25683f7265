import { hex } from '../util/hex.ts';
import { CR0, CR4 } from './control-registers.ts';
import type { CpuModel } from './cpu-model.ts';
import { PAGE_FAULT } from './error-codes.ts';
import {
  ENTRY,
  entryText,
  reservedInLargePae,
  reservedInLargePage,
  reservedInPae,
  reservedInTable,
  type RawEntry,
} from './page-entry.ts';

/** The registers that decide about paging, and the CPU they belong to. */
export interface PagingState {
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  /** EFER.NXE. */
  readonly noExecute: boolean;
  /** The four page-directory-pointer entries that the CPU keeps (SDM 3, 4.4.1); used with PAE alone. */
  readonly directoryPointers: readonly RawEntry[];
  readonly model: CpuModel;
}

/** What asks for the translation. */
export interface PageAccess extends PagingState {
  /** Level the access is made at: 0 for the CPU's own reads of descriptor tables and of the TSS, whatever the current one. */
  readonly cpl: number;
  readonly access: 'read' | 'write' | 'fetch';
}

/** One table entry that the walk used. */
export interface WalkStep {
  readonly entry: 'PDPTE' | 'PDE' | 'PTE';
  /** Entry number in its table. */
  readonly index: number;
  /** Physical address of the entry; of a PDPTE, where the CPU loaded it from if CR3 is unchanged. */
  readonly address: number;
  /** Bits 0..31. */
  readonly value: number;
  /** Bits 32..63 of an 8-byte entry, else 0. */
  readonly high: number;
  readonly ok: boolean;
  /** Why the walk ended here; empty while `ok`. */
  readonly why: string;
}

/** A finished walk. */
export interface PageTranslation {
  readonly steps: readonly WalkStep[];
  readonly fault?: undefined;
  /** Physical address of the byte asked for, up to 36 bits. */
  readonly physical: number;
  /** Bytes: 4096, 2 MiB or 4 MiB; 4096 while paging is off. */
  readonly pageSize: number;
  /** A write at the same level and CR0 would be allowed. */
  readonly writable: boolean;
  /** U/S is 1 at every level: CPL 3 may access the page. */
  readonly user: boolean;
  /** No entry forbids instruction fetches. */
  readonly executable: boolean;
  /** The D bit is set, before or by this access: later writes need no walk. */
  readonly dirty: boolean;
  /** Entries whose A or D bit this access sets, with the low words to store. The walk itself writes nothing. */
  readonly updates: readonly { readonly address: number; readonly value: number }[];
}

/** A walk that ends in #PF. */
export interface PageWalkFault {
  readonly steps: readonly WalkStep[];
  readonly fault: {
    /** As pushed (SDM 3, 4.7). */
    readonly errorCode: number;
    /** `page is read-only and CR0.WP is 1 (PTE 5 at phys:0x00005014 is 0x00002001 P)`. */
    readonly reason: string;
  };
}

/** Reads 32 bits at a physical address, without side effects. */
export type ReadPhysical32 = (physical: number) => number;

type Entry = Pick<WalkStep, 'entry' | 'index' | 'address' | 'value' | 'high'>;

const FOUR_GIB = 0x1_0000_0000;

/** Translates a linear address as 32-bit or PAE paging does (SDM 3, 4.3, 4.4 and 4.6). */
export function walkPages(
  linear: number,
  context: PageAccess,
  readPhysical32: ReadPhysical32,
): PageTranslation | PageWalkFault {
  if ((context.cr0 & CR0.PG) === 0) {
    const physical = linear >>> 0;
    const all = { writable: true, user: true, executable: true, dirty: true };
    return { steps: [], physical, pageSize: 4096, ...all, updates: [] };
  }
  const walk = new Walk(context);
  return (context.cr4 & CR4.PAE) === 0
    ? walkTwoLevels(walk, linear, context, readPhysical32)
    : walkPae(walk, linear, context, readPhysical32);
}

/** 4-byte entries, 4 KiB pages and with CR4.PSE 4 MiB pages (SDM 3, 4.3). */
function walkTwoLevels(
  walk: Walk,
  linear: number,
  { cr3, cr4, model }: PageAccess,
  read: ReadPhysical32,
): PageTranslation | PageWalkFault {
  const entryAt = (entry: 'PDE' | 'PTE', base: number, index: number): Entry => {
    const address = ((base & 0xfffff000) + index * 4) >>> 0;
    return { entry, index, address, value: read(address) >>> 0, high: 0 };
  };
  const pde = entryAt('PDE', cr3, linear >>> 22);
  if ((pde.value & ENTRY.present) === 0) return walk.notPresent(pde);
  if ((pde.value & ENTRY.largePage) !== 0 && (cr4 & CR4.PSE) !== 0) {
    const reserved = reservedInLargePage(pde.value, model);
    if (reserved !== '') return walk.reserved(pde, reserved);
    // PSE-36: bits 13 and up are bits 32 and up of the address (SDM 3, table 4-4).
    const above = ((pde.value >>> 13) & 0xf) * (model.features.has('PSE36') ? FOUR_GIB : 0);
    return walk.finish(pde, 0x400000, (((pde.value & 0xffc00000) | (linear & 0x003fffff)) >>> 0) + above);
  }
  walk.pass(pde);
  const pte = entryAt('PTE', pde.value, (linear >>> 12) & 0x3ff);
  if ((pte.value & ENTRY.present) === 0) return walk.notPresent(pte);
  const reserved = reservedInTable(pte.value, model);
  if (reserved !== '') return walk.reserved(pte, reserved);
  return walk.finish(pte, 4096, ((pte.value & 0xfffff000) | (linear & 0xfff)) >>> 0);
}

/** 8-byte entries, 4 KiB and 2 MiB pages; the top level is in the CPU (SDM 3, 4.4). */
function walkPae(
  walk: Walk,
  linear: number,
  context: PageAccess,
  read: ReadPhysical32,
): PageTranslation | PageWalkFault {
  const { model, noExecute } = context;
  const entryAt = (entry: 'PDE' | 'PTE', above: RawEntry, index: number): Entry => {
    const address = baseOf(above) + index * 8;
    return { entry, index, address, value: read(address) >>> 0, high: read(address + 4) >>> 0 };
  };
  const directory = linear >>> 30;
  const pointer: Entry = {
    entry: 'PDPTE',
    index: directory,
    address: ((context.cr3 & 0xffffffe0) + directory * 8) >>> 0,
    ...(context.directoryPointers[directory] ?? { value: 0, high: 0 }),
  };
  if ((pointer.value & ENTRY.present) === 0) return walk.notPresent(pointer);
  walk.passPointer(pointer);
  const pde = entryAt('PDE', pointer, (linear >>> 21) & 0x1ff);
  if ((pde.value & ENTRY.present) === 0) return walk.notPresent(pde);
  const large = (pde.value & ENTRY.largePage) !== 0;
  const inPde = large ? reservedInLargePae(pde, model, noExecute) : reservedInPae(pde, model, noExecute);
  if (inPde !== '') return walk.reserved(pde, inPde);
  if (large) return walk.finish(pde, 0x200000, baseOf(pde, 0xffe00000) + (linear & 0x1fffff));
  walk.pass(pde);
  const pte = entryAt('PTE', pde, (linear >>> 12) & 0x1ff);
  if ((pte.value & ENTRY.present) === 0) return walk.notPresent(pte);
  const inPte = reservedInPae(pte, model, noExecute, 'PTE');
  if (inPte !== '') return walk.reserved(pte, inPte);
  return walk.finish(pte, 4096, baseOf(pte) + (linear & 0xfff));
}

/** The address an 8-byte entry holds. Bits above MAXPHYADDR were refused before, XD aside. */
function baseOf({ value, high }: RawEntry, mask = 0xfffff000): number {
  return ((value & mask) >>> 0) + (high & 0xf) * FOUR_GIB;
}

/** The entries passed on the way, and the rights that all of them grant. */
class Walk {
  private readonly context: PageAccess;
  private readonly passed: WalkStep[] = [];
  /** The AND of R/W and U/S, and the OR of XD. */
  private rights: number = ENTRY.writable | ENTRY.user;
  private executable = true;

  constructor(context: PageAccess) {
    this.context = context;
  }

  pass(entry: Entry): void {
    this.rights &= entry.value;
    if (this.context.noExecute && (entry.high & ENTRY.noExecuteHigh) !== 0) this.executable = false;
    this.passPointer(entry);
  }
  /** A PDPTE grants everything (SDM 3, table 4-8). */
  passPointer(entry: Entry): void {
    this.passed.push({ ...entry, ok: true, why: '' });
  }

  notPresent(at: Entry): PageWalkFault {
    const table = { PDPTE: 'page directory pointer entry', PDE: 'page directory entry', PTE: 'page table entry' };
    return this.refuse(at, `${table[at.entry]} not present`, 0);
  }
  reserved(at: Entry, what: string): PageWalkFault {
    // A reserved bit is only seen in a present entry, so it implies P.
    return this.refuse(at, `reserved ${what} set`, PAGE_FAULT.reservedBit | PAGE_FAULT.protection);
  }

  /** The rights checks of SDM 3, 4.6.1. */
  finish(leaf: Entry, pageSize: number, physical: number): PageTranslation | PageWalkFault {
    this.pass(leaf);
    const { cpl, cr0, access } = this.context;
    const userMode = cpl === 3;
    const user = (this.rights & ENTRY.user) !== 0;
    const writable = (this.rights & ENTRY.writable) !== 0 || (!userMode && (cr0 & CR0.WP) === 0);
    const why =
      userMode && !user
        ? 'supervisor page, access at CPL 3'
        : access === 'write' && !writable
          ? userMode
            ? 'page is read-only, write at CPL 3'
            : 'page is read-only and CR0.WP is 1'
          : access === 'fetch' && !this.executable
            ? 'page is no-execute'
            : '';
    if (why !== '') {
      this.passed.pop();
      return this.refuse(leaf, why, PAGE_FAULT.protection);
    }
    const { executable, passed: steps } = this;
    const dirty = access === 'write' || (leaf.value & ENTRY.dirty) !== 0;
    return { steps, physical, pageSize, writable, user, executable, dirty, updates: this.updates(leaf) };
  }

  /** A in every entry in memory, D in the leaf of a write. */
  private updates(leaf: Entry): { address: number; value: number }[] {
    const updates: { address: number; value: number }[] = [];
    for (const { entry, address, value } of this.passed) {
      if (entry === 'PDPTE') continue;
      const dirty = this.context.access === 'write' && entry === leaf.entry ? ENTRY.dirty : 0;
      const after = (value | ENTRY.accessed | dirty) >>> 0;
      if (after !== value) updates.push({ address, value: after });
    }
    return updates;
  }

  private refuse(at: Entry, why: string, cause: number): PageWalkFault {
    const { access, cpl, cr4, noExecute } = this.context;
    // I/D says "fetch" only where fetches have rights of their own (SDM 3, 4.7).
    const fetch = access === 'fetch' && noExecute && (cr4 & CR4.PAE) !== 0 ? PAGE_FAULT.fetch : 0;
    const write = access === 'write' ? PAGE_FAULT.write : 0;
    const errorCode = cause | write | (cpl === 3 ? PAGE_FAULT.user : 0) | fetch;
    const wide = (cr4 & CR4.PAE) !== 0;
    const reason = `${why} (${at.entry} ${at.index} at phys:${hex(at.address, 8)} is ${entryText(at, wide)})`;
    return { steps: [...this.passed, { ...at, ok: false, why }], fault: { errorCode, reason } };
  }
}
