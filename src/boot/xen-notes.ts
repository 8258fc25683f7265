import { XEN_NOTE, xenNoteName } from '../abi/xen/elf-notes.ts';
import type { ElfNote } from '../image/elf-notes.ts';
import { ByteReader, decodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';

export { XEN_NOTE, xenNoteName };

/** The notes that Xen and PVH loaders read, or why there are none. */
export function xenNotes(image: KernelImage): {
  readonly notes: readonly ElfNote[];
  readonly none: string | undefined;
} {
  try {
    if (image.elf instanceof StartOfDayError) return { notes: [], none: reasonOf(image.elf) };
    return { notes: image.elf.notes('Xen'), none: undefined };
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    return { notes: [], none: reasonOf(error) };
  }
}

/** The number in a note's descriptor, 4 or 8 bytes; undefined at any other size. */
export function noteNumber({ desc, missing, name }: ElfNote): bigint | undefined {
  const reader = new ByteReader(name, desc);
  if (missing > 0) return undefined;
  if (desc.length === 4) return BigInt(reader.u32(0, 'desc'));
  if (desc.length === 8) return reader.u64(0, 'desc');
  return undefined;
}

/** {@link noteNumber} as hexadecimal. */
export function noteAddress(note: ElfNote): string | undefined {
  const number = noteNumber(note);
  return number === undefined ? undefined : hex(number, 8);
}

export function noteText({ desc }: ElfNote): string {
  return `"${decodeCString(desc)}"`;
}

function reasonOf(error: StartOfDayError): string {
  return error.code === 'not-elf' ? 'Not an ELF file, so it has no notes' : (error.detail ?? error.title);
}
