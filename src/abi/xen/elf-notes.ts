/** Note types of the owner "Xen" (xen/include/public/elfnote.h). */
export const XEN_NOTE = {
  entry: 1,
  hypercallPage: 2,
  virtualBase: 3,
  physicalOffset: 4,
  xenVersion: 5,
  guestOs: 6,
  guestVersion: 7,
  loader: 8,
  paeMode: 9,
  features: 10,
  bsdSymbols: 11,
  hypervisorStart: 12,
  suspendCancel: 14,
  initialP2m: 15,
  moduleStartFrame: 16,
  supportedFeatures: 17,
  physicalEntry: 18,
  physicalRelocation: 19,
} as const;
export type XenNoteType = (typeof XEN_NOTE)[keyof typeof XEN_NOTE];

const NAMES: Readonly<Record<number, string>> = {
  0: 'INFO',
  1: 'ENTRY',
  2: 'HYPERCALL_PAGE',
  3: 'VIRT_BASE',
  4: 'PADDR_OFFSET',
  5: 'XEN_VERSION',
  6: 'GUEST_OS',
  7: 'GUEST_VERSION',
  8: 'LOADER',
  9: 'PAE_MODE',
  10: 'FEATURES',
  11: 'BSD_SYMTAB',
  12: 'HV_START_LOW',
  13: 'L1_MFN_VALID',
  14: 'SUSPEND_CANCEL',
  15: 'INIT_P2M',
  16: 'MOD_START_PFN',
  17: 'SUPPORTED_FEATURES',
  18: 'PHYS32_ENTRY',
  19: 'PHYS32_RELOC',
};

/** `ENTRY`; `note 42` for a type that elfnote.h does not name. */
export function xenNoteName(type: number): string {
  return NAMES[type] ?? `note ${type}`;
}

/** Key of the `__xen_guest` string for what a note says (libelf-dominfo.c, elf_xen_parse_guest_info). */
export const GUEST_STRING_KEYS: Readonly<Record<string, XenNoteType>> = {
  GUEST_OS: XEN_NOTE.guestOs,
  GUEST_VER: XEN_NOTE.guestVersion,
  XEN_VER: XEN_NOTE.xenVersion,
  VIRT_BASE: XEN_NOTE.virtualBase,
  VIRT_ENTRY: XEN_NOTE.entry,
  ELF_PADDR_OFFSET: XEN_NOTE.physicalOffset,
  HYPERCALL_PAGE: XEN_NOTE.hypercallPage,
  PAE: XEN_NOTE.paeMode,
  LOADER: XEN_NOTE.loader,
  FEATURES: XEN_NOTE.features,
  BSD_SYMTAB: XEN_NOTE.bsdSymbols,
};
