import type { Layout } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';

/** The words that every Multiboot 2 header begins with (Multiboot 2.0, 3.1.1), offsets in bytes from its start. */
export const HEADER_LAYOUT = {
  magic: [0, 'u32'],
  architecture: [4, 'u32'],
  header_length: [8, 'u32'],
  checksum: [12, 'u32'],
} as const;
export const HEADER_SIZE = layoutSize(HEADER_LAYOUT);

export const HEADER_MAGIC = 0xe85250d6;
/** The header lies wholly in this many bytes from the start of the file. */
export const SEARCH_LENGTH = 32768;
/** Header and tags begin at multiples of it. */
export const ALIGNMENT = 8;
/** 32-bit protected mode of i386 (3.1.2). */
export const ARCHITECTURE_I386 = 0;

/** What every tag of a Multiboot 2 header begins with (Multiboot 2.0, 3.1.3). */
export const TAG_LAYOUT = { type: [0, 'u16'], flags: [2, 'u16'], size: [4, 'u32'] } as const;
export const TAG_SIZE = layoutSize(TAG_LAYOUT);
/** Bit of a tag's flags: a loader may ignore the tag. */
export const OPTIONAL = 1 << 0;

/** Types of header tags (3.1.4 to 3.1.13). */
export const HEADER_TAG = {
  end: 0,
  informationRequest: 1,
  address: 2,
  entryAddress: 3,
  consoleFlags: 4,
  framebuffer: 5,
  moduleAlignment: 6,
  efiBootServices: 7,
  efi32Entry: 8,
  efi64Entry: 9,
  relocatable: 10,
} as const;

export const ADDRESS_TAG = {
  header_addr: [8, 'u32'],
  load_addr: [12, 'u32'],
  load_end_addr: [16, 'u32'],
  bss_end_addr: [20, 'u32'],
} as const;
export const ENTRY_TAG = { entry_addr: [8, 'u32'] } as const;
export const CONSOLE_TAG = { console_flags: [8, 'u32'] } as const;
export const RELOCATABLE_TAG = {
  min_addr: [8, 'u32'],
  max_addr: [12, 'u32'],
  align: [16, 'u32'],
  preference: [20, 'u32'],
} as const;
const FRAMEBUFFER_TAG = { width: [8, 'u32'], height: [12, 'u32'], depth: [16, 'u32'] } as const;

export interface TagDescription {
  /** "entry address". */
  readonly name: string;
  /** Fields behind the head of the tag; an information request has a list instead. */
  readonly fields: Layout;
}

/** The tags that the specification defines, by type. */
export const TAG_DESCRIPTIONS: ReadonlyMap<number, TagDescription> = new Map<number, TagDescription>([
  [HEADER_TAG.end, { name: 'end', fields: {} }],
  [HEADER_TAG.informationRequest, { name: 'information request', fields: {} }],
  [HEADER_TAG.address, { name: 'address', fields: ADDRESS_TAG }],
  [HEADER_TAG.entryAddress, { name: 'entry address', fields: ENTRY_TAG }],
  [HEADER_TAG.consoleFlags, { name: 'console flags', fields: CONSOLE_TAG }],
  [HEADER_TAG.framebuffer, { name: 'framebuffer', fields: FRAMEBUFFER_TAG }],
  [HEADER_TAG.moduleAlignment, { name: 'module alignment', fields: {} }],
  [HEADER_TAG.efiBootServices, { name: 'EFI boot services', fields: {} }],
  [HEADER_TAG.efi32Entry, { name: 'EFI i386 entry address', fields: ENTRY_TAG }],
  [HEADER_TAG.efi64Entry, { name: 'EFI amd64 entry address', fields: ENTRY_TAG }],
  [HEADER_TAG.relocatable, { name: 'relocatable', fields: RELOCATABLE_TAG }],
]);
