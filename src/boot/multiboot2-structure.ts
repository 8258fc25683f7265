import type { Layout } from '../util/bytes.ts';
import { alignUp, encodeCString, layoutSize } from '../util/bytes.ts';
import type { SectionHeaders } from './elf-section-table.ts';
import type { MemoryRange } from './memory-layout.ts';

/** EAX at the entry (Multiboot 2.0, 3.3). */
export const MULTIBOOT2_BOOTLOADER_MAGIC = 0x36d76289;

/** The fixed part of the information structure (3.6.2). */
export const INFORMATION_HEAD = { total_size: [0, 'u32'], reserved: [4, 'u32'] } as const;
/** What every tag of it begins with. */
export const INFORMATION_TAG = { type: [0, 'u32'], size: [4, 'u32'] } as const;
export const INFORMATION_TAG_SIZE = layoutSize(INFORMATION_TAG);
/** The structure and its tags begin at multiples of it. */
export const INFORMATION_ALIGNMENT = 8;

/** Types of information tags (3.6.3 to 3.6.20). */
export const INFORMATION_TYPE = {
  end: 0,
  commandLine: 1,
  bootLoaderName: 2,
  module: 3,
  memory: 4,
  bootDevice: 5,
  memoryMap: 6,
  vbe: 7,
  framebuffer: 8,
  elfSections: 9,
  apm: 10,
  efi32: 11,
  efi64: 12,
  smbios: 13,
  oldAcpi: 14,
  newAcpi: 15,
  network: 16,
  efiMemoryMap: 17,
  efiBootServices: 18,
  efi32Handle: 19,
  efi64Handle: 20,
  loadBase: 21,
} as const;

export const MODULE_TAG = { mod_start: [8, 'u32'], mod_end: [12, 'u32'] } as const;
export const MEMORY_TAG = { mem_lower: [8, 'u32'], mem_upper: [12, 'u32'] } as const;
export const MEMORY_MAP_TAG = { entry_size: [8, 'u32'], entry_version: [12, 'u32'] } as const;
export const MEMORY_MAP_ENTRY = {
  base_addr: [0, 'u64'],
  length: [8, 'u64'],
  type: [16, 'u32'],
  reserved: [20, 'u32'],
} as const;
/** `reserved` has 16 bits, as in GRUB's multiboot2.h: the text of the specification says 8, and the colours begin at 32 in both. */
export const FRAMEBUFFER_TAG = {
  framebuffer_addr: [8, 'u64'],
  framebuffer_pitch: [16, 'u32'],
  framebuffer_width: [20, 'u32'],
  framebuffer_height: [24, 'u32'],
  framebuffer_bpp: [28, 'u8'],
  framebuffer_type: [29, 'u8'],
  reserved: [30, 'u16'],
} as const;
/** Words, as GRUB writes them: the text of the specification draws half-words. */
export const ELF_SECTIONS_TAG = { num: [8, 'u32'], entsize: [12, 'u32'], shndx: [16, 'u32'] } as const;
export const LOAD_BASE_TAG = { load_base_addr: [8, 'u32'] } as const;
const BOOT_DEVICE_TAG = { biosdev: [8, 'u32'], partition: [12, 'u32'], sub_partition: [16, 'u32'] } as const;
const VBE_TAG = {
  vbe_mode: [8, 'u16'],
  vbe_interface_seg: [10, 'u16'],
  vbe_interface_off: [12, 'u16'],
  vbe_interface_len: [14, 'u16'],
} as const;
const APM_TAG = {
  version: [8, 'u16'],
  cseg: [10, 'u16'],
  offset: [12, 'u32'],
  cseg_16: [16, 'u16'],
  dseg: [18, 'u16'],
  flags: [20, 'u16'],
  cseg_len: [22, 'u16'],
  cseg_16_len: [24, 'u16'],
  dseg_len: [26, 'u16'],
} as const;

export interface InformationTagDescription {
  readonly name: string;
  /** Fields behind type and size; a text, entries or a copied table may follow them. */
  readonly fields: Layout;
  /** Why this loader never gives the tag; undefined when it gives it, to every kernel or to those it is for. */
  readonly absent?: string;
}

const NO_EFI = 'there is no EFI';

/** The tags that the specification defines, by type. */
export const INFORMATION_TAGS: ReadonlyMap<number, InformationTagDescription> = new Map<
  number,
  InformationTagDescription
>([
  [INFORMATION_TYPE.end, { name: 'end', fields: {} }],
  [INFORMATION_TYPE.commandLine, { name: 'command line', fields: {} }],
  [INFORMATION_TYPE.bootLoaderName, { name: 'boot loader name', fields: {} }],
  [INFORMATION_TYPE.module, { name: 'module', fields: MODULE_TAG }],
  [INFORMATION_TYPE.memory, { name: 'basic memory information', fields: MEMORY_TAG }],
  [
    INFORMATION_TYPE.bootDevice,
    { name: 'BIOS boot device', fields: BOOT_DEVICE_TAG, absent: 'nothing is read from a BIOS disk' },
  ],
  [INFORMATION_TYPE.memoryMap, { name: 'memory map', fields: MEMORY_MAP_TAG }],
  [INFORMATION_TYPE.vbe, { name: 'VBE information', fields: VBE_TAG, absent: 'the video adapter has no VBE' }],
  [INFORMATION_TYPE.framebuffer, { name: 'framebuffer', fields: FRAMEBUFFER_TAG }],
  [INFORMATION_TYPE.elfSections, { name: 'ELF sections', fields: ELF_SECTIONS_TAG }],
  [INFORMATION_TYPE.apm, { name: 'APM table', fields: APM_TAG, absent: 'there is no APM' }],
  [INFORMATION_TYPE.efi32, { name: 'EFI 32-bit system table', fields: { pointer: [8, 'u32'] }, absent: NO_EFI }],
  [INFORMATION_TYPE.efi64, { name: 'EFI 64-bit system table', fields: { pointer: [8, 'u64'] }, absent: NO_EFI }],
  [
    INFORMATION_TYPE.smbios,
    { name: 'SMBIOS tables', fields: { major: [8, 'u8'], minor: [9, 'u8'] }, absent: 'there are no SMBIOS tables' },
  ],
  [INFORMATION_TYPE.oldAcpi, { name: 'ACPI 1.0 RSDP', fields: {} }],
  [INFORMATION_TYPE.newAcpi, { name: 'ACPI 2.0 RSDP', fields: {} }],
  [
    INFORMATION_TYPE.network,
    { name: 'networking information', fields: {}, absent: 'nothing is loaded from a network' },
  ],
  [
    INFORMATION_TYPE.efiMemoryMap,
    {
      name: 'EFI memory map',
      fields: { descriptor_size: [8, 'u32'], descriptor_version: [12, 'u32'] },
      absent: NO_EFI,
    },
  ],
  [INFORMATION_TYPE.efiBootServices, { name: 'EFI boot services not terminated', fields: {}, absent: NO_EFI }],
  [INFORMATION_TYPE.efi32Handle, { name: 'EFI 32-bit image handle', fields: { pointer: [8, 'u32'] }, absent: NO_EFI }],
  [INFORMATION_TYPE.efi64Handle, { name: 'EFI 64-bit image handle', fields: { pointer: [8, 'u64'] }, absent: NO_EFI }],
  [INFORMATION_TYPE.loadBase, { name: 'image load base', fields: LOAD_BASE_TAG }],
]);

/** "tag 6 (memory map)", "tag 77". */
export function informationTagName(type: number): string {
  const description = INFORMATION_TAGS.get(type);
  return description === undefined ? `tag ${type}` : `tag ${type} (${description.name})`;
}

/** A tag to write: its type and the bytes behind `size`. */
export interface InformationTag {
  readonly type: number;
  readonly content: Uint8Array;
}

export function textTag(type: number, text: string): InformationTag {
  return { type, content: encodeCString(text) };
}

/** A tag of little-endian words. */
export function wordsTag(type: number, ...words: readonly number[]): InformationTag {
  return { type, content: littleWords(words) };
}

/** `start` and `end` are physical, `end` behind the last byte. */
export function moduleTag(start: number, end: number, cmdline: string): InformationTag {
  return { type: INFORMATION_TYPE.module, content: joined(littleWords([start, end]), encodeCString(cmdline)) };
}

export function memoryMapTag(map: readonly MemoryRange[]): InformationTag {
  const entries = map.flatMap(({ address, size, type }) => [address, 0, size, 0, type, 0]);
  return wordsTag(INFORMATION_TYPE.memoryMap, layoutSize(MEMORY_MAP_ENTRY), 0, ...entries);
}

/** The machine's text mode: 80 by 25 characters of two bytes at the colour text memory (3.6.12, framebuffer_type 2). */
export function textFramebufferTag(): InformationTag {
  return wordsTag(INFORMATION_TYPE.framebuffer, 0xb8000, 0, 160, 80, 25, 16 | (2 << 8));
}

export function elfSectionsTag({ num, size, shndx, bytes }: SectionHeaders): InformationTag {
  return { type: INFORMATION_TYPE.elfSections, content: joined(littleWords([num, size, shndx]), bytes) };
}

/** The whole structure, with the end tag. */
export function encodeMultiboot2Information(tags: readonly InformationTag[]): Uint8Array {
  const all = [...tags, { type: INFORMATION_TYPE.end, content: new Uint8Array() }];
  const offsets: number[] = [];
  let total = layoutSize(INFORMATION_HEAD);
  for (const { content } of all) {
    offsets.push(total);
    total = alignUp(total + INFORMATION_TAG_SIZE + content.length, INFORMATION_ALIGNMENT);
  }
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  view.setUint32(INFORMATION_HEAD.total_size[0], total, true);
  all.forEach(({ type, content }, index) => {
    const at = offsets[index] ?? 0;
    view.setUint32(at + INFORMATION_TAG.type[0], type, true);
    view.setUint32(at + INFORMATION_TAG.size[0], INFORMATION_TAG_SIZE + content.length, true);
    bytes.set(content, at + INFORMATION_TAG_SIZE);
  });
  return bytes;
}

function littleWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, index) => view.setUint32(index * 4, word, true));
  return bytes;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
