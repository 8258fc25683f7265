/** EAX at the entry (Multiboot 0.6.96, 3.2). */
export const MULTIBOOT_BOOTLOADER_MAGIC = 0x2badb002;

/** What a field of the information structure holds: decides how a view says it. */
export type InformationKind =
  | 'flags'
  | 'kibibytes'
  | 'boot device'
  | 'string'
  | 'count'
  | 'modules'
  | 'symbols'
  | 'bytes'
  | 'memory map'
  | 'pointer'
  | 'number'
  | 'framebuffer type';

export interface InformationField {
  readonly name: string;
  /** Bytes from the start of the structure. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** The field is there when one of these flags bits is set; without any it always is. */
  readonly flags: readonly number[];
  readonly kind: InformationKind;
}

/** Names of the bits of `flags` (Multiboot 0.6.96, 3.3), by bit number. */
export const INFORMATION_FLAGS = [
  'MEMORY',
  'BOOTDEV',
  'CMDLINE',
  'MODS',
  'AOUT_SYMS',
  'ELF_SHDR',
  'MMAP',
  'DRIVE_INFO',
  'CONFIG_TABLE',
  'LOADER_NAME',
  'APM_TABLE',
  'VBE_INFO',
  'FRAMEBUFFER_INFO',
] as const;

export type InformationFlag = (typeof INFORMATION_FLAGS)[number];

/** A value of `flags` with these bits set. */
export function informationFlags(...names: readonly InformationFlag[]): number {
  return names.reduce((flags, name) => flags | (1 << INFORMATION_FLAGS.indexOf(name)), 0);
}

/** multiboot_info (Multiboot 0.6.96, 3.3): the one description that writes it and reads it. */
export const INFORMATION_FIELDS = [
  { name: 'flags', offset: 0, size: 4, flags: [], kind: 'flags' },
  { name: 'mem_lower', offset: 4, size: 4, flags: [0], kind: 'kibibytes' },
  { name: 'mem_upper', offset: 8, size: 4, flags: [0], kind: 'kibibytes' },
  { name: 'boot_device', offset: 12, size: 4, flags: [1], kind: 'boot device' },
  { name: 'cmdline', offset: 16, size: 4, flags: [2], kind: 'string' },
  { name: 'mods_count', offset: 20, size: 4, flags: [3], kind: 'count' },
  { name: 'mods_addr', offset: 24, size: 4, flags: [3], kind: 'modules' },
  { name: 'syms', offset: 28, size: 16, flags: [4, 5], kind: 'symbols' },
  { name: 'mmap_length', offset: 44, size: 4, flags: [6], kind: 'bytes' },
  { name: 'mmap_addr', offset: 48, size: 4, flags: [6], kind: 'memory map' },
  { name: 'drives_length', offset: 52, size: 4, flags: [7], kind: 'bytes' },
  { name: 'drives_addr', offset: 56, size: 4, flags: [7], kind: 'pointer' },
  { name: 'config_table', offset: 60, size: 4, flags: [8], kind: 'pointer' },
  { name: 'boot_loader_name', offset: 64, size: 4, flags: [9], kind: 'string' },
  { name: 'apm_table', offset: 68, size: 4, flags: [10], kind: 'pointer' },
  { name: 'vbe_control_info', offset: 72, size: 4, flags: [11], kind: 'pointer' },
  { name: 'vbe_mode_info', offset: 76, size: 4, flags: [11], kind: 'pointer' },
  { name: 'vbe_mode', offset: 80, size: 2, flags: [11], kind: 'number' },
  { name: 'vbe_interface_seg', offset: 82, size: 2, flags: [11], kind: 'number' },
  { name: 'vbe_interface_off', offset: 84, size: 2, flags: [11], kind: 'number' },
  { name: 'vbe_interface_len', offset: 86, size: 2, flags: [11], kind: 'number' },
  { name: 'framebuffer_addr', offset: 88, size: 8, flags: [12], kind: 'pointer' },
  { name: 'framebuffer_pitch', offset: 96, size: 4, flags: [12], kind: 'bytes' },
  { name: 'framebuffer_width', offset: 100, size: 4, flags: [12], kind: 'count' },
  { name: 'framebuffer_height', offset: 104, size: 4, flags: [12], kind: 'count' },
  { name: 'framebuffer_bpp', offset: 108, size: 1, flags: [12], kind: 'count' },
  { name: 'framebuffer_type', offset: 109, size: 1, flags: [12], kind: 'framebuffer type' },
] as const satisfies readonly InformationField[];

/** Bytes kept for the structure: the color_info of C headers ends here, that of the text at 116. */
export const INFORMATION_SIZE = 120;

/** The words of `syms` with flags bit 5 (3.3, "ELF section headers"); offsets in multiboot_info. */
export const ELF_SYMBOL_FIELDS = { num: 28, size: 32, addr: 36, shndx: 40 } as const;
/** The words of `syms` with flags bit 4 (a.out). */
export const AOUT_SYMBOL_FIELDS = { tabsize: 28, strsize: 32, addr: 36, reserved: 40 } as const;

export interface ElfSymbolTable {
  /** Section headers. */
  readonly num: number;
  /** Bytes of one. */
  readonly size: number;
  /** Physical address of the first. */
  readonly addr: number;
  /** Index of the section that holds the names. */
  readonly shndx: number;
}

type FieldName = Exclude<(typeof INFORMATION_FIELDS)[number]['name'], 'syms'>;
export type InformationValues = Partial<Record<FieldName, number>> & { readonly syms?: ElfSymbolTable };

/** The bytes of multiboot_info. What is not given is 0; the caller sets `flags` to say what is. */
export function encodeInformation({ syms, ...values }: InformationValues): Uint8Array {
  const bytes = new Uint8Array(INFORMATION_SIZE);
  const view = new DataView(bytes.buffer);
  for (const { name, offset, size } of INFORMATION_FIELDS) {
    if (name === 'syms') continue;
    let rest = values[name] ?? 0;
    for (let at = 0; at < size; at++, rest = Math.floor(rest / 256)) view.setUint8(offset + at, rest % 256);
  }
  if (syms !== undefined)
    for (const [name, offset] of Object.entries(ELF_SYMBOL_FIELDS) as [keyof ElfSymbolTable, number][])
      view.setUint32(offset, syms[name], true);
  return bytes;
}

/** A memory map entry (3.3): its `size` does not count itself. */
export const MMAP_ENTRY = { size: [0, 'u32'], base_addr: [4, 'u64'], length: [12, 'u64'], type: [20, 'u32'] } as const;
export const MMAP_ENTRY_SIZE = 24;

/** A module's entry (3.3). */
export const MODULE_ENTRY = {
  mod_start: [0, 'u32'],
  mod_end: [4, 'u32'],
  string: [8, 'u32'],
  reserved: [12, 'u32'],
} as const;
export const MODULE_ENTRY_SIZE = 16;

/** Memory map types, by number (3.3; 4 and 5 as ACPI and GRUB use them). */
export const MMAP_TYPES: Readonly<Record<number, string>> = {
  1: 'available',
  2: 'reserved',
  3: 'ACPI reclaimable',
  4: 'ACPI non-volatile',
  5: 'defective',
};

export function encodeMemoryMap(map: readonly { address: number; size: number; type: number }[]): Uint8Array {
  const bytes = new Uint8Array(map.length * MMAP_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  map.forEach(({ address, size, type }, index) => {
    const at = index * MMAP_ENTRY_SIZE;
    view.setUint32(at + MMAP_ENTRY.size[0], MMAP_ENTRY_SIZE - 4, true);
    view.setBigUint64(at + MMAP_ENTRY.base_addr[0], BigInt(address), true);
    view.setBigUint64(at + MMAP_ENTRY.length[0], BigInt(size), true);
    view.setUint32(at + MMAP_ENTRY.type[0], type, true);
  });
  return bytes;
}

/** `start` and `end` are physical, `end` behind the last byte; `string` is the physical address of the command line. */
export function encodeModules(modules: readonly { start: number; end: number; string: number }[]): Uint8Array {
  const bytes = new Uint8Array(modules.length * MODULE_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  modules.forEach(({ start, end, string }, index) => {
    const at = index * MODULE_ENTRY_SIZE;
    view.setUint32(at + MODULE_ENTRY.mod_start[0], start, true);
    view.setUint32(at + MODULE_ENTRY.mod_end[0], end, true);
    view.setUint32(at + MODULE_ENTRY.string[0], string, true);
  });
  return bytes;
}
