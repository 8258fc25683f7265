import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeElf } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { checksumFor, checksumSum, HEADER_MAGIC, SEARCH_LENGTH, unknownRequirement } from './multiboot-header.ts';
import type { HeaderSearch, MultibootHeader, NearHeader } from './multiboot-header.ts';

const HEADER_FIRST = 'Put the header section first in SECTIONS and wrap it in KEEP().';

/** The header of an image that a loader must accept. Throws why it must not. */
export function acceptedHeader(image: KernelImage, { header, near }: HeaderSearch): MultibootHeader {
  if (header === undefined) throw noHeader(image, near);
  const bit = unknownRequirement(header.flags);
  if (bit === undefined) return header;
  const mended = (header.flags & ~(1 << bit)) >>> 0;
  throw refuse('multiboot-requirement', `${image.name} requires Multiboot feature ${bit}, which is not defined`, {
    detail: `flags at file offset ${hex(header.offset + 4)} is ${hex(header.flags, 8)}; a loader must refuse a bit from 0 to 15 that it does not know, and Multiboot 0.6.96 defines 0, 1 and 2`,
    mend: `Clear bit ${bit}: flags ${hex(mended, 8)}, checksum ${hex(checksumFor(mended), 8)}.`,
  });
}

/** Where the kernel goes and where it is entered. Throws what in the image says that it cannot be loaded. */
export function placeKernel(image: KernelImage, header: MultibootHeader): KernelPlacement {
  if (header.addresses !== undefined) return placeByHeader(image, header, header.addresses);
  const elf = elfOf(image);
  if (elf.bits === 64)
    throw refuse(
      'multiboot-elf64',
      `${image.name} is a 64-bit ELF file, and a Multiboot 1 kernel is entered in 32-bit mode`,
      {
        detail:
          'e_ident[EI_CLASS] at file offset 0x4 is 2; needed: 1 (32-bit), or flags bit 16 with addresses in the header',
        mend: 'Convert it with objcopy -O elf32-i386, or set flags bit 16 and the address fields.',
      },
    );
  return placeElf(elf);
}

/** The address fields override the program headers (3.1.3). */
function placeByHeader(
  image: KernelImage,
  { offset }: MultibootHeader,
  addresses: NonNullable<MultibootHeader['addresses']>,
): KernelPlacement {
  const { header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr } = addresses;
  const field = (name: string, at: number, value: number, needed: string): StartOfDayError =>
    refuse('multiboot-address', `${name} in the Multiboot header of ${image.name} does not fit the file`, {
      detail: `${name} at file offset ${hex(offset + at)} is ${hex(value, 8)}; needed: ${needed}`,
      mend: 'Take the address fields from symbols of the linker script.',
    });
  if (load_addr > header_addr) throw field('load_addr', 16, load_addr, `at most header_addr, ${hex(header_addr, 8)}`);
  const start = offset - (header_addr - load_addr);
  if (start < 0)
    throw field(
      'header_addr',
      12,
      header_addr,
      `at most ${hex(load_addr + offset, 8)}: only ${hex(offset)} bytes stand before the header`,
    );
  const available = image.bytes.length - start;
  const length = load_end_addr === 0 ? available : load_end_addr - load_addr;
  if (length < 0 || length > available)
    throw field(
      'load_end_addr',
      20,
      load_end_addr,
      `${hex(load_addr, 8)} … ${hex(load_addr + available, 8)}: the file has ${count(available)} bytes from load_addr on`,
    );
  const size = bss_end_addr === 0 ? length : bss_end_addr - load_addr;
  if (size < length)
    throw field('bss_end_addr', 24, bss_end_addr, `0, or at least ${hex(load_addr + length, 8)}, where the data ends`);
  if (entry_addr < load_addr || entry_addr >= load_addr + size)
    throw field(
      'entry_addr',
      28,
      entry_addr,
      `an address in what is loaded, ${hex(load_addr, 8)} … ${hex(load_addr + size - 1, 8)}`,
    );
  return {
    regions: [{ name: 'kernel image', address: load_addr, bytes: image.bytes.subarray(start, start + length), size }],
    entry: entry_addr,
    bias: (linkedAddress(image, start + entry_addr - load_addr, entry_addr) - entry_addr) >>> 0,
    source: 'address fields of the header',
  };
}

/** The address that the ELF headers, when there are any, give a byte of the file; else its physical address. */
function linkedAddress(image: KernelImage, fileOffset: number, physical: number): number {
  if (image.elf instanceof StartOfDayError || image.elf.bits === 64) return physical;
  const segment = image.elf.loads.find((load) => fileOffset >= load.offset && fileOffset < load.offset + load.fileSize);
  return segment === undefined ? physical : Number(segment.address) + fileOffset - segment.offset;
}

function noHeader(image: KernelImage, near: NearHeader | undefined): StartOfDayError {
  const missing = `${image.name} has no Multiboot header in its first ${SEARCH_LENGTH} bytes`;
  if (near === undefined)
    return refuse('multiboot-no-header', missing, {
      detail: `No magic number ${hex(HEADER_MAGIC)} stands at a multiple of 4 below file offset ${hex(SEARCH_LENGTH)}`,
      mend: HEADER_FIRST,
    });
  const at = hex(near.offset);
  switch (near.problem) {
    case 'too far':
      return refuse('multiboot-header-too-far', missing, {
        detail: `A header with the right checksum is at file offset ${at}, too far in: it must end below ${hex(SEARCH_LENGTH)}`,
        mend: HEADER_FIRST,
      });
    case 'unaligned':
      return refuse('multiboot-header-unaligned', `The Multiboot header at ${at} is not aligned`, {
        detail: `A header with the right checksum is at file offset ${at}; it must be at a multiple of 4`,
        mend: 'Write .balign 4 before the header.',
      });
    case 'cut':
      return refuse('multiboot-header-cut', `The Multiboot header at ${at} is cut short`, {
        detail: `flags ${hex(near.flags, 8)} at file offset ${hex(near.offset + 4)} ask for fields that reach past ${image.bytes.length < SEARCH_LENGTH ? `the end of the file, ${hex(image.bytes.length)}` : hex(SEARCH_LENGTH)}`,
        mend: HEADER_FIRST,
      });
    case 'wrong checksum':
      return wrongChecksum(near, at);
  }
}

function wrongChecksum(near: NearHeader, at: string): StartOfDayError {
  const rightFor = -(HEADER_MAGIC + near.checksum) >>> 0;
  const once =
    unknownRequirement(rightFor) === undefined && rightFor < 0x20000 ? `. It was right for flags ${hex(rightFor)}` : '';
  return refuse('multiboot-checksum', `The Multiboot header at ${at} has a wrong checksum`, {
    detail: `magic ${hex(HEADER_MAGIC, 8)} + flags ${hex(near.flags, 8)} + checksum ${hex(near.checksum, 8)} = ${hex(checksumSum(near), 8)}, must be 0${once}`,
    mend: `For these flags the checksum is ${hex(checksumFor(near.flags), 8)} (at file offset ${hex(near.offset + 8)}).`,
  });
}

function refuse(code: string, title: string, parts: { detail: string; mend: string }): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, ...parts });
}
