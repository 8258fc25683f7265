import type { ElfFile } from '../image/elf.ts';
import { ELF_LAYOUTS, SECTION_FLAG } from '../image/elf-layout.ts';
import { alignUp } from '../util/bytes.ts';
import type { MemoryLayout } from './memory-layout.ts';
import type { ElfSymbolTable } from './multiboot-structure.ts';

const PAGE = 4096;

/**
 * Puts the section header table of a 32-bit ELF file into memory from `lowest` on, and with it what is not part of the running
 * kernel: symbols, strings, debug information. Their sh_addr is changed to where they are, as GRUB does (Multiboot 0.6.96, 3.3).
 * Undefined when the file has no sections or memory no room: the kernel then runs without.
 */
export function placeSectionTable(elf: ElfFile, layout: MemoryLayout, lowest: number): ElfSymbolTable | undefined {
  const { count: num, entrySize, nameIndex } = elf.header.sections;
  if (num === 0) return undefined;
  const [addressField] = ELF_LAYOUTS[32].section.sh_addr;
  const extra = elf.sections.filter(({ flags, bytes }) => (flags & SECTION_FLAG.alloc) === 0 && bytes.length > 0);
  // A copy: slice() of a Node Buffer would be the file itself.
  const headers = new Uint8Array(elf.sectionHeaderBytes);
  let size = headers.length;
  const offsets = extra.map((section) => {
    const offset = alignUp(size, Math.min(Math.max(section.align, 1), PAGE));
    size = offset + section.bytes.length;
    return offset;
  });
  const block = layout.place('section headers', headers, PAGE, lowest, size);
  if (block === undefined) return undefined;
  const view = new DataView(headers.buffer);
  extra.forEach((section, index) => {
    const address = block + (offsets[index] ?? 0);
    view.setUint32(section.index * entrySize + addressField, address, true);
    layout.fill(`section ${section.name}`, address, section.bytes);
  });
  return { num, size: entrySize, addr: block, shndx: nameIndex };
}
