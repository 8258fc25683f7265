import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeElf } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { placeByAddressFields } from './multiboot-address-fields.ts';
import type { AddressField, AddressFieldName } from './multiboot-address-fields.ts';
import {
  ADDRESS_LAYOUT,
  checksumFor,
  checksumSum,
  HEADER_MAGIC,
  SEARCH_LENGTH,
  unknownRequirement,
} from './multiboot-header.ts';
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
  const { addresses, offset } = header;
  if (addresses !== undefined) {
    const field = (name: AddressFieldName): AddressField => ({
      value: addresses[name],
      offset: offset + ADDRESS_LAYOUT[name][0],
    });
    return placeByAddressFields(image, offset, {
      header_addr: field('header_addr'),
      load_addr: field('load_addr'),
      load_end_addr: field('load_end_addr'),
      bss_end_addr: field('bss_end_addr'),
      entry_addr: field('entry_addr'),
    });
  }
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
