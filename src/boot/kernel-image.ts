import { ElfFile } from '../image/elf.ts';
import { findPayload } from '../image/payload.ts';
import { findSetupHeader, SetupHeader } from '../image/setup-header.ts';
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
  /** The header of a Linux bzImage, or what is missing for one. */
  readonly setup: SetupHeader | string;
  /**
   * The vmlinux inside a bzImage, or why it cannot be had; undefined for other files. Unpacking it takes seconds and is done once, when
   * somebody asks.
   */
  inside(): InnerKernel | StartOfDayError | undefined;
}

/** The kernel that a bzImage unpacks. */
export interface InnerKernel {
  /** "xz payload at file offset 0x5094". */
  readonly where: string;
  readonly image: KernelImage;
}

/** Never throws: a file that is no ELF may still be entered by a protocol that needs none. */
export function openKernelImage(name: string, bytes: Uint8Array): KernelImage {
  const reader = new ByteReader(name, bytes);
  const setup = findSetupHeader(reader);
  let inner: InnerKernel | StartOfDayError | undefined;
  return {
    name,
    bytes,
    reader,
    elf: orError(() => new ElfFile(name, bytes)),
    setup,
    inside: () => {
      if (setup instanceof SetupHeader) inner ??= orError(() => openInside(reader, setup));
      return inner;
    },
  };
}

/** The ELF file. Throws why there is none. */
export function elfOf(image: KernelImage): ElfFile {
  if (image.elf instanceof StartOfDayError) throw image.elf;
  return image.elf;
}

function openInside(reader: ByteReader, setup: SetupHeader): InnerKernel {
  const payload = findPayload(reader, setup);
  return { where: payload.description, image: openKernelImage(`vmlinux in ${reader.name}`, payload.unpack()) };
}

function orError<T>(open: () => T): T | StartOfDayError {
  try {
    return open();
  } catch (error) {
    if (error instanceof StartOfDayError) return error;
    throw error;
  }
}
