import { ElfFile } from '../image/elf.ts';
import { ByteReader } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';

/** A kernel file, opened once and asked by every entry protocol. */
export interface KernelImage {
  /** File name without its folder, as messages show it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly reader: ByteReader;
  /** The file as ELF, or why it is none. */
  readonly elf: ElfFile | StartOfDayError;
}

/** Never throws: a file that is no ELF may still be entered by a protocol that needs none. */
export function openKernelImage(name: string, bytes: Uint8Array): KernelImage {
  return { name, bytes, reader: new ByteReader(name, bytes), elf: openElf(name, bytes) };
}

/** The ELF file. Throws why there is none. */
export function elfOf(image: KernelImage): ElfFile {
  if (image.elf instanceof StartOfDayError) throw image.elf;
  return image.elf;
}

function openElf(name: string, bytes: Uint8Array): ElfFile | StartOfDayError {
  try {
    return new ElfFile(name, bytes);
  } catch (error) {
    if (error instanceof StartOfDayError) return error;
    throw error;
  }
}
