const PAGE = 4096;
const ENTRIES = 1024;
const LARGE_PAGE = 0x400000;
/** Present, writable, user: PAGE_PRESENT of the launcher, 0x7. */
const TABLE_ENTRY = 0x7;
/** Present, writable: what the host makes up for a guest without page tables (find_spte of 4.4). */
const LINEAR_ENTRY = 0x3;
const LARGE = 0x80;

/** Page tables of 32-bit paging, as they lie in memory. */
export interface PageTables {
  /** Physical address of the page directory. */
  readonly directory: number;
  /** Physical address of the first byte, and the bytes up to the end of the directory. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * Tables for `pages` pages from physical 0 on, each present at every one of `bases` (linear, multiples of 4 MiB). As lguest's launcher
 * and host lay them: the directory ends at `end`, the page tables are directly below it (setup_pagetables).
 */
export function linearPageTables(pages: number, bases: readonly number[], end: number): PageTables {
  const tables = Math.ceil(pages / ENTRIES);
  const directory = end - PAGE;
  const address = directory - tables * PAGE;
  const words = new DataView(new ArrayBuffer((tables + 1) * PAGE));
  for (let page = 0; page < pages; page++) words.setUint32(page * 4, page * PAGE + TABLE_ENTRY, true);
  for (const base of bases)
    for (let table = 0; table < tables; table++) {
      const index = base / LARGE_PAGE + table;
      if (index < ENTRIES) words.setUint32(tables * PAGE + index * 4, address + table * PAGE + TABLE_ENTRY, true);
    }
  return { directory, address, bytes: new Uint8Array(words.buffer) };
}

/**
 * A directory in which linear addresses are physical ones up to `limit`, for a guest that has no page tables yet: large pages, and a
 * table behind the directory for what is left.
 */
export function identityDirectory(directory: number, limit: number): PageTables {
  const words = new DataView(new ArrayBuffer(2 * PAGE));
  const large = Math.floor(limit / LARGE_PAGE);
  for (let index = 0; index < large; index++)
    words.setUint32(index * 4, index * LARGE_PAGE + LARGE + LINEAR_ENTRY, true);
  const first = large * LARGE_PAGE;
  if (limit > first) words.setUint32(large * 4, directory + PAGE + LINEAR_ENTRY, true);
  for (let at = first; at < limit; at += PAGE)
    words.setUint32(PAGE + ((at - first) / PAGE) * 4, at + LINEAR_ENTRY, true);
  return { directory, address: directory, bytes: new Uint8Array(words.buffer) };
}
