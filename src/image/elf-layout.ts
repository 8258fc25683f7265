import type { Layout } from '../util/bytes.ts';

/**
 * The structures of an ELF file (System V ABI, chapters 4 and 5; AMD64 supplement 4.1), offsets in bytes.
 * The two classes have the same names: a reader written for one reads the other.
 */
export const ELF_LAYOUTS = {
  32: {
    header: {
      e_type: [0x10, 'u16'],
      e_machine: [0x12, 'u16'],
      e_version: [0x14, 'u32'],
      e_entry: [0x18, 'u32'],
      e_phoff: [0x1c, 'u32'],
      e_shoff: [0x20, 'u32'],
      e_flags: [0x24, 'u32'],
      e_ehsize: [0x28, 'u16'],
      e_phentsize: [0x2a, 'u16'],
      e_phnum: [0x2c, 'u16'],
      e_shentsize: [0x2e, 'u16'],
      e_shnum: [0x30, 'u16'],
      e_shstrndx: [0x32, 'u16'],
    },
    segment: {
      p_type: [0x00, 'u32'],
      p_offset: [0x04, 'u32'],
      p_vaddr: [0x08, 'u32'],
      p_paddr: [0x0c, 'u32'],
      p_filesz: [0x10, 'u32'],
      p_memsz: [0x14, 'u32'],
      p_flags: [0x18, 'u32'],
      p_align: [0x1c, 'u32'],
    },
    section: {
      sh_name: [0x00, 'u32'],
      sh_type: [0x04, 'u32'],
      sh_flags: [0x08, 'u32'],
      sh_addr: [0x0c, 'u32'],
      sh_offset: [0x10, 'u32'],
      sh_size: [0x14, 'u32'],
      sh_link: [0x18, 'u32'],
      sh_info: [0x1c, 'u32'],
      sh_addralign: [0x20, 'u32'],
      sh_entsize: [0x24, 'u32'],
    },
  },
  64: {
    header: {
      e_type: [0x10, 'u16'],
      e_machine: [0x12, 'u16'],
      e_version: [0x14, 'u32'],
      e_entry: [0x18, 'u64'],
      e_phoff: [0x20, 'u64'],
      e_shoff: [0x28, 'u64'],
      e_flags: [0x30, 'u32'],
      e_ehsize: [0x34, 'u16'],
      e_phentsize: [0x36, 'u16'],
      e_phnum: [0x38, 'u16'],
      e_shentsize: [0x3a, 'u16'],
      e_shnum: [0x3c, 'u16'],
      e_shstrndx: [0x3e, 'u16'],
    },
    segment: {
      p_type: [0x00, 'u32'],
      p_flags: [0x04, 'u32'],
      p_offset: [0x08, 'u64'],
      p_vaddr: [0x10, 'u64'],
      p_paddr: [0x18, 'u64'],
      p_filesz: [0x20, 'u64'],
      p_memsz: [0x28, 'u64'],
      p_align: [0x30, 'u64'],
    },
    section: {
      sh_name: [0x00, 'u32'],
      sh_type: [0x04, 'u32'],
      sh_flags: [0x08, 'u64'],
      sh_addr: [0x10, 'u64'],
      sh_offset: [0x18, 'u64'],
      sh_size: [0x20, 'u64'],
      sh_link: [0x28, 'u32'],
      sh_info: [0x2c, 'u32'],
      sh_addralign: [0x30, 'u64'],
      sh_entsize: [0x38, 'u64'],
    },
  },
} as const satisfies Record<32 | 64, Record<'header' | 'segment' | 'section', Layout>>;

/** p_type values. */
export const SEGMENT_TYPE = { load: 1, note: 4 } as const;

/** sh_type values. */
export const SECTION_TYPE = { null: 0, note: 7, nobits: 8 } as const;

/** sh_flags bits. */
export const SECTION_FLAG = { alloc: 2 } as const;

/** e_machine values of the x86. */
export const MACHINE = { i386: 3, x86_64: 62 } as const;

/** Names for what is refused (System V ABI, e_machine). */
export const MACHINE_NAMES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'Intel 80386',
  4: 'Motorola 68000',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64-bit',
  22: 'IBM S/390',
  40: 'ARM',
  50: 'Itanium',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  258: 'LoongArch',
};
