import type { ElfFile, ElfSection } from '../image/elf.ts';

/** What the symbol readers need of an ELF file. */
export type SymbolImage = Pick<ElfFile, 'bits' | 'sections'>;

/** The section of that name, the first when there are several. */
export function sectionNamed(image: SymbolImage, name: string): ElfSection | undefined {
  return image.sections.find((section) => section.name === name);
}
