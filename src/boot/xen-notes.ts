import type { ElfNote } from '../image/elf-notes.ts';
import { ByteReader, decodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';

/** Note types of the owner "Xen" (xen/include/public/elfnote.h). */
export const XEN_NOTE = { entry: 1, xenVersion: 5, physicalEntry: 18 } as const;

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

export function xenNoteName(type: number): string {
  return NAMES[type] ?? `note ${type}`;
}

/** The notes that Xen and PVH loaders read, or why there are none. */
export function xenNotes(image: KernelImage): {
  readonly notes: readonly ElfNote[];
  readonly none: string | undefined;
} {
  try {
    if (image.elf instanceof StartOfDayError) return { notes: [], none: reasonOf(image.elf) };
    return { notes: image.elf.notes().filter((note) => note.name === 'Xen'), none: undefined };
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    return { notes: [], none: reasonOf(error) };
  }
}

/** The number in a note's descriptor as hexadecimal, 4 or 8 bytes; undefined at any other size. */
export function noteAddress({ desc, name }: ElfNote): string | undefined {
  const reader = new ByteReader(name, desc);
  if (desc.length === 4) return hex(reader.u32(0, 'desc'), 8);
  if (desc.length === 8) return hex(reader.u64(0, 'desc'), 8);
  return undefined;
}

export function noteText({ desc }: ElfNote): string {
  return `"${decodeCString(desc)}"`;
}

function reasonOf(error: StartOfDayError): string {
  return error.code === 'not-elf' ? 'Not an ELF file, so it has no notes' : (error.detail ?? error.title);
}
