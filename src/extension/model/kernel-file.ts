import { SEARCH_LENGTH, findMultibootHeader } from '../../boot/multiboot-header.ts';
import { ELF_LAYOUTS, MACHINE } from '../../image/elf-layout.ts';
import { hasElfMagic } from '../../image/elf-header.ts';
import { ByteReader, layoutSize } from '../../util/bytes.ts';
import { hex } from '../../util/hex.ts';

/** Bytes from the start of a file that tell what it is. */
export const HEAD_LENGTH = SEARCH_LENGTH;

/** A file that this machine could boot. */
export interface KernelFile {
  /** "32-bit x86 ELF, Multiboot header at 0x1000". */
  readonly description: string;
  readonly hasMultibootHeader: boolean;
}

/** e_type of an object file, which no one can boot. */
const RELOCATABLE = 1;

/** True for a name that a kernel may have: an extension of linked images, or none. */
export function isKernelName(name: string): boolean {
  return /^[^.]+$|^(vmlinu|xen)|\.(bin|elf|exec|kernel|sys)$/i.test(name);
}

/** What the first {@link HEAD_LENGTH} bytes of a file say about it; undefined when it is no kernel for this machine. */
export function kernelFileOf(head: Uint8Array): KernelFile | undefined {
  const reader = new ByteReader('', head);
  const { header } = findMultibootHeader(reader);
  const elf = elfDescription(reader);
  if (header === undefined && elf === undefined) return undefined;
  const multiboot = header === undefined ? 'no Multiboot header' : `Multiboot header at ${hex(header.offset)}`;
  return { description: `${elf ?? 'Raw image'}, ${multiboot}`, hasMultibootHeader: header !== undefined };
}

function elfDescription(reader: ByteReader): string | undefined {
  // e_type and e_machine stand at the same place in both classes.
  const layout = ELF_LAYOUTS[32].header;
  if (!hasElfMagic(reader.bytes) || !reader.has(0, layoutSize(layout))) return undefined;
  const { e_type: type, e_machine: machine } = reader.fields(layout, 0, 'the ELF header');
  if (type === RELOCATABLE) return undefined;
  if (machine === MACHINE.i386) return '32-bit x86 ELF';
  return machine === MACHINE.x86_64 ? '64-bit x86 ELF' : undefined;
}
