import { CR0, CR4 } from './control-registers.ts';
import { PAGE_FAULT } from './error-codes.ts';

/** What asks for the translation. */
export interface PageAccess {
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  /** Level the access is made at: 0 for the CPU's own reads of descriptor tables and of the TSS, whatever the current one. */
  readonly cpl: number;
  readonly access: 'read' | 'write' | 'fetch';
}

/** One table entry that the walk read. */
export interface WalkStep {
  readonly entry: 'PDE' | 'PTE';
  /** Entry number in its table, 0..1023. */
  readonly index: number;
  /** Physical address of the entry. */
  readonly address: number;
  /** Raw 32-bit value. */
  readonly value: number;
  readonly ok: boolean;
  /** Why the walk ended here; empty while `ok`. */
  readonly why: string;
}

/** A finished walk. */
export interface PageTranslation {
  readonly steps: readonly WalkStep[];
  readonly fault?: undefined;
  /** Physical address of the byte asked for. */
  readonly physical: number;
  /** Bytes: 4096 or 4194304; 4096 while paging is off. */
  readonly pageSize: number;
  /** A write at the same level and CR0 would be allowed. */
  readonly writable: boolean;
  /** U/S is 1 at every level: CPL 3 may access the page. */
  readonly user: boolean;
  /** The D bit is set, before or by this access: later writes need no walk. */
  readonly dirty: boolean;
  /** Entries whose A or D bit this access sets, with the values to store. The walk itself writes nothing. */
  readonly updates: readonly { readonly address: number; readonly value: number }[];
}

/** A walk that ends in #PF. */
export interface PageWalkFault {
  readonly steps: readonly WalkStep[];
  readonly fault: {
    /** As pushed (SDM 3, 4.7). */
    readonly errorCode: number;
    /** `page table entry not present`, `page is read-only and CR0.WP is 1`. */
    readonly reason: string;
  };
}

const ENTRY = { present: 1, writable: 2, user: 4, accessed: 32, dirty: 64, largePage: 128 } as const;
/** A 4 MiB page's PDE: PAT and PSE-36 address bits, which this CPU does not have (SDM 3, 4.3). */
const LARGE_PAGE_RESERVED = 0x003ff000;
/** A PTE's PAT bit, reserved for the same reason. */
const PTE_RESERVED = 0x80;

/**
 * The two-level translation of 32-bit paging (SDM 3, 4.3 and 4.6), 4 MiB pages included when CR4.PSE is 1.
 * `readPhysical32` reads an entry at a physical address and must have no side effect.
 */
export function walkPages(
  linear: number,
  context: PageAccess,
  readPhysical32: (physical: number) => number,
): PageTranslation | PageWalkFault {
  if ((context.cr0 & CR0.PG) === 0) {
    return { steps: [], physical: linear >>> 0, pageSize: 4096, writable: true, user: true, dirty: true, updates: [] };
  }
  const directoryIndex = linear >>> 22;
  const directoryAddress = ((context.cr3 & 0xfffff000) + directoryIndex * 4) >>> 0;
  const pde = readPhysical32(directoryAddress) >>> 0;
  const directory = { entry: 'PDE', index: directoryIndex, address: directoryAddress, value: pde } as const;
  if ((pde & ENTRY.present) === 0) return refuse([], directory, 'page directory entry not present', 0, context);

  if ((pde & ENTRY.largePage) !== 0 && (context.cr4 & CR4.PSE) !== 0) {
    if ((pde & LARGE_PAGE_RESERVED) !== 0)
      return refuse(
        [],
        directory,
        'page directory entry of a 4 MiB page has reserved bits 12-21 set',
        PAGE_FAULT.reservedBit,
        context,
      );
    const physical = ((pde & 0xffc00000) | (linear & 0x003fffff)) >>> 0;
    return finish([], directory, pde, 0x400000, physical, context);
  }

  const tableIndex = (linear >>> 12) & 0x3ff;
  const tableAddress = ((pde & 0xfffff000) + tableIndex * 4) >>> 0;
  const pte = readPhysical32(tableAddress) >>> 0;
  const table = { entry: 'PTE', index: tableIndex, address: tableAddress, value: pte } as const;
  const above = [{ ...directory, ok: true, why: '' }];
  if ((pte & ENTRY.present) === 0) return refuse(above, table, 'page table entry not present', 0, context);
  if ((pte & PTE_RESERVED) !== 0)
    return refuse(above, table, 'page table entry has reserved bit 7 set', PAGE_FAULT.reservedBit, context);
  const physical = ((pte & 0xfffff000) | (linear & 0xfff)) >>> 0;
  return finish(above, table, pde & pte, 4096, physical, context);
}

type Entry = Pick<WalkStep, 'entry' | 'index' | 'address' | 'value'>;

/** The rights checks of SDM 3, 4.6.1, on the rights that every level grants (`rights` is the AND of the entries). */
function finish(
  above: readonly WalkStep[],
  leaf: Entry,
  rights: number,
  pageSize: number,
  physical: number,
  context: PageAccess,
): PageTranslation | PageWalkFault {
  const userMode = context.cpl === 3;
  const user = (rights & ENTRY.user) !== 0;
  const writeProtect = (context.cr0 & CR0.WP) !== 0;
  const writable = (rights & ENTRY.writable) !== 0 || (!userMode && !writeProtect);
  if (userMode && !user) return refuse(above, leaf, 'supervisor page, access at CPL 3', PAGE_FAULT.protection, context);
  const write = context.access === 'write';
  if (write && !writable) {
    const reason = userMode ? 'page is read-only, write at CPL 3' : 'page is read-only and CR0.WP is 1';
    return refuse(above, leaf, reason, PAGE_FAULT.protection, context);
  }
  const steps = [...above, { ...leaf, ok: true, why: '' }];
  const updates = steps
    .map(({ entry, address, value }) => {
      const dirty = write && entry === leaf.entry ? ENTRY.dirty : 0;
      return { address, value: (value | ENTRY.accessed | dirty) >>> 0 };
    })
    .filter((update, level) => update.value !== steps[level]?.value);
  const dirty = write || (leaf.value & ENTRY.dirty) !== 0;
  return { steps, physical, pageSize, writable, user, dirty, updates };
}

/** `cause` is the P and RSVD part of the error code; a reserved bit is only seen in a present entry, so it implies P. */
function refuse(
  above: readonly WalkStep[],
  at: Entry,
  reason: string,
  cause: number,
  context: PageAccess,
): PageWalkFault {
  const errorCode =
    cause |
    ((cause & PAGE_FAULT.reservedBit) !== 0 ? PAGE_FAULT.protection : 0) |
    (context.access === 'write' ? PAGE_FAULT.write : 0) |
    (context.cpl === 3 ? PAGE_FAULT.user : 0);
  return { steps: [...above, { ...at, ok: false, why: reason }], fault: { errorCode, reason } };
}
