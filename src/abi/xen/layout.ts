/** What depends on how a 32-bit guest's page tables are built (xen/include/public/arch-x86/xen-x86_32.h). */
export interface XenPagingLayout {
  readonly pae: boolean;
  /** Bytes of a page table entry. */
  readonly entrySize: 4 | 8;
  /** Entries of a page table page. */
  readonly entries: 512 | 1024;
  /** Linear bytes that an L1 page maps. */
  readonly l1Span: number;
  /** First linear address of the machine-to-physical table, where Xen's part of the address space starts. */
  readonly hole: number;
  /** First linear address behind the machine-to-physical table. */
  readonly m2pEnd: number;
}

export const PAE_LAYOUT: XenPagingLayout = {
  pae: true,
  entrySize: 8,
  entries: 512,
  l1Span: 0x200000,
  hole: 0xf5800000,
  m2pEnd: 0xf6800000,
};
export const NON_PAE_LAYOUT: XenPagingLayout = {
  pae: false,
  entrySize: 4,
  entries: 1024,
  l1Span: 0x400000,
  hole: 0xfc000000,
  m2pEnd: 0xfc400000,
};

/** Flat segments in Xen's part of every GDT. */
export const XEN_SELECTOR = { ring1Code: 0xe019, ring1Data: 0xe021, ring3Code: 0xe02b, ring3Data: 0xe033 } as const;
/** Xen's part of the GDT is its page 14 (FIRST_RESERVED_GDT_PAGE). */
export const RESERVED_GDT_PAGE = 14;
/** Entries of the GDT before Xen's part. */
export const GUEST_GDT_ENTRIES = RESERVED_GDT_PAGE * 512;

/** Limit of every flat segment in pages: the last that a guest may reach is the last of the machine-to-physical table. */
export function segmentLimitPages({ m2pEnd }: XenPagingLayout): number {
  return (m2pEnd - 1) >>> 12;
}

/** Where our Xen has what is its own, in the machine memory below the guest's. Machine addresses. */
export const XEN_MACHINE = {
  sharedInfo: 0x100000,
  /** The GDT page with {@link XEN_SELECTOR}. */
  gdt: 0x101000,
  /** Mapped where the guest has given no GDT page. */
  zeroPage: 0x102000,
  /** The L1 page that maps the GDT. */
  perDomainTable: 0x103000,
  /** Grant table frames. */
  grantTable: 0x104000,
  grantFrames: 4,
  /** Status frame of a grant table of version 2. */
  grantStatus: 0x108000,
  machineToPhysical: 0x400000,
  machineToPhysicalSize: 0x400000,
  /** First machine address of the guest. */
  guest: 0x800000,
} as const;

export const PAGE_SIZE = 0x1000;
/** Entry of the machine-to-physical table for a frame that is no guest's. */
export const INVALID_M2P_ENTRY = 0xffffffff;

/** Ports of the event channels that the domain builder makes. */
export const STORE_PORT = 1;
export const CONSOLE_PORT = 2;
