import type { ElfFile } from '../image/elf.ts';
import { ELF_LAYOUTS, SECTION_FLAG } from '../image/elf-layout.ts';
import { alignUp } from '../util/bytes.ts';
import type { MemoryLayout } from './memory-layout.ts';
import type { ElfSymbolTable } from './multiboot-structure.ts';

const PAGE = 4096;

/** The section header table as a loader hands it over. */
export interface SectionHeaders {
  /** Section headers. */
  readonly num: number;
  /** Bytes of one. */
  readonly size: number;
  /** Index of the section that holds the names. */
  readonly shndx: number;
  /** The headers, sh_addr of each being where the section is in memory. */
  readonly bytes: Uint8Array;
}

/**
 * Puts the section header table of a 32-bit ELF file into memory from `lowest` on, and with it what is not part of the running
 * kernel: symbols, strings, debug information. Their sh_addr is changed to where they are, as GRUB does (Multiboot 0.6.96, 3.3).
 * Undefined when the file has no sections or memory no room: the kernel then runs without.
 */
export function placeSectionTable(elf: ElfFile, layout: MemoryLayout, lowest: number): ElfSymbolTable | undefined {
  const placed = placeContents(elf, layout, { lowest, withHeaders: true });
  if (placed === undefined) return undefined;
  const { num, size, shndx, bytes, block } = placed;
  layout.fill('section headers', block, bytes);
  return { num, size, addr: block, shndx };
}

/** Puts into memory what is not part of the running kernel, for a structure that holds the headers themselves (Multiboot 2.0, 3.6.7). */
export function placeUnloadedSections(elf: ElfFile, layout: MemoryLayout, lowest: number): SectionHeaders | undefined {
  return placeContents(elf, layout, { lowest, withHeaders: false });
}

/** With `withHeaders` the block begins with room for the headers. */
function placeContents(
  elf: ElfFile,
  layout: MemoryLayout,
  { lowest, withHeaders }: { readonly lowest: number; readonly withHeaders: boolean },
): (SectionHeaders & { readonly block: number }) | undefined {
  const { count: num, entrySize, nameIndex } = elf.header.sections;
  if (num === 0) return undefined;
  const [addressField] = ELF_LAYOUTS[32].section.sh_addr;
  const extra = elf.sections.filter(({ flags, bytes }) => (flags & SECTION_FLAG.alloc) === 0 && bytes.length > 0);
  let size = withHeaders ? elf.sectionHeaderBytes.length : 0;
  const offsets = extra.map((section) => {
    const offset = alignUp(size, Math.min(Math.max(section.align, 1), PAGE));
    size = offset + section.bytes.length;
    return offset;
  });
  const block = layout.place('sections', new Uint8Array(), PAGE, lowest, size);
  if (block === undefined) return undefined;
  // A copy: slice() of a Node Buffer would be the file itself.
  const bytes = new Uint8Array(elf.sectionHeaderBytes);
  const view = new DataView(bytes.buffer);
  extra.forEach((section, index) => {
    const address = block + (offsets[index] ?? 0);
    view.setUint32(section.index * entrySize + addressField, address, true);
    layout.fill(`section ${section.name}`, address, section.bytes);
  });
  return { num, size: entrySize, shndx: nameIndex, bytes, block };
}
