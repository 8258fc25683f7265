/** One section of a linked image, as the symbol readers need it. */
export interface SymbolSection {
  readonly name: string;
  /** Linear address at run time; 0 when it is not loaded. */
  readonly address: bigint;
  /** Bytes in memory. */
  readonly size: number;
  /** Position in the file in bytes. */
  readonly offset: number;
  /** Contents in the file; empty for NOBITS. */
  readonly bytes: Uint8Array;
}

/** What the symbol readers need of an image: its sections in the order of the section header table, whose entry 0 is empty. */
export interface SymbolImage {
  /** ELF class. */
  readonly bits: 32 | 64;
  readonly sections: readonly SymbolSection[];
}

/** The section of that name, the first when there are several. */
export function sectionNamed(image: SymbolImage, name: string): SymbolSection | undefined {
  return image.sections.find((section) => section.name === name);
}
