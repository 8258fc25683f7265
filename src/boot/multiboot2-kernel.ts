import { ByteReader } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { placeByAddressFields } from './multiboot-address-fields.ts';
import type { AddressField } from './multiboot-address-fields.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { physicalBias, placeElf } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { checksumFor, checksumSum } from './multiboot2-header.ts';
import type { HeaderSearch, Multiboot2Header, NearHeader } from './multiboot2-header.ts';
import {
  ADDRESS_TAG,
  ALIGNMENT,
  CONSOLE_TAG,
  ENTRY_TAG,
  HEADER_MAGIC,
  HEADER_TAG,
  SEARCH_LENGTH,
  TAG_SIZE,
} from './multiboot2-layout.ts';
import { INFORMATION_TAGS } from './multiboot2-structure.ts';
import { requestedTypes } from './multiboot2-tags.ts';
import type { HeaderTag } from './multiboot2-tags.ts';

const HEADER_FIRST = 'Put the header section first in SECTIONS and wrap it in KEEP().';
const CONSOLE_REQUIRED = 1 << 0;
const EGA_TEXT_SUPPORTED = 1 << 1;
/** load_addr of an image that is loaded from the first byte of its file (3.1.5). */
const FROM_FILE_START = 0xffffffff;

/** The header of an image that a loader must accept. Throws why it must not. */
export function acceptedHeader(image: KernelImage, { header, near }: HeaderSearch): Multiboot2Header {
  if (header === undefined) throw noHeader(image, near);
  const { problem } = header;
  if (problem !== undefined) throw refuse('multiboot2-tags', problem.title, problem);
  for (const tag of header.tags) checkRequest(tag);
  checkConsole(header);
  return header;
}

/** The last tag of a type: of two, loaders keep the later one. */
export function findTag({ tags }: Multiboot2Header, type: number): HeaderTag | undefined {
  return tags.findLast((tag) => tag.type === type);
}

/** Where the kernel was linked to go and where it is entered, before it is relocated. Throws what in the image says that it cannot be loaded. */
export function placeKernel(image: KernelImage, header: Multiboot2Header): KernelPlacement {
  const address = findTag(header, HEADER_TAG.address);
  const entryTag = findTag(header, HEADER_TAG.entryAddress);
  const entry = entryTag === undefined ? undefined : field(entryTag, ENTRY_TAG.entry_addr[0]);
  if (address !== undefined) return placeByTag(image, header, address, entry);
  if (image.elf instanceof StartOfDayError && image.elf.code === 'not-elf')
    throw refuse('multiboot2-no-addresses', `${image.name} is not an ELF file, and its header says no addresses`, {
      detail: `The Multiboot 2 header at file offset ${hex(header.offset)} has no address tag (type 2)`,
      mend: 'Add an address tag and an entry address tag (type 3), or give the ELF file that the linker wrote.',
    });
  const elf = elfOf(image);
  if (elf.bits === 64)
    throw refuse('multiboot2-elf64', `${image.name} is a 64-bit ELF file, and this machine has no long mode`, {
      detail:
        'e_ident[EI_CLASS] at file offset 0x4 is 2; needed: 1 (32-bit), or an address tag in the Multiboot 2 header',
      mend: 'Convert it with objcopy -O elf32-i386 to see how far its 32-bit code comes, or add an address and an entry address tag.',
    });
  const placement = placeElf(elf);
  if (entry === undefined) return placement;
  const bias = physicalBias(elf, entry.value);
  if (bias === undefined)
    throw refuse('multiboot2-entry', `The entry of ${image.name} lies in no segment`, {
      detail: `entry_addr at file offset ${hex(entry.offset)} is ${hex(entry.value, 8)}, and no PT_LOAD segment has that physical address`,
      mend: 'Give the physical address of the entry symbol, or remove the tag: e_entry is taken then.',
    });
  return { ...placement, entry: entry.value, bias, source: 'ELF program headers and entry address tag' };
}

function placeByTag(
  image: KernelImage,
  header: Multiboot2Header,
  tag: HeaderTag,
  entry: AddressField | undefined,
): KernelPlacement {
  if (entry === undefined)
    throw refuse(
      'multiboot2-no-entry',
      `The Multiboot 2 header of ${image.name} has an address tag and no entry address tag`,
      {
        detail: `The address tag is at file offset ${hex(tag.offset)}; with it the ELF header is not asked for the entry`,
        mend: 'Add a tag of type 3 and size 12 with the physical address of the entry.',
      },
    );
  const [header_addr, load_addr] = [field(tag, ADDRESS_TAG.header_addr[0]), field(tag, ADDRESS_TAG.load_addr[0])];
  const fromStart = load_addr.value === FROM_FILE_START && header_addr.value >= header.offset;
  return placeByAddressFields(image, header.offset, {
    header_addr,
    load_addr: fromStart ? { ...load_addr, value: header_addr.value - header.offset } : load_addr,
    load_end_addr: field(tag, ADDRESS_TAG.load_end_addr[0]),
    bss_end_addr: field(tag, ADDRESS_TAG.bss_end_addr[0]),
    entry_addr: entry,
  });
}

/** A 32-bit field of a tag, with its file offset. */
export function field(tag: HeaderTag, at: number): AddressField {
  return { value: new ByteReader('the tag', tag.bytes).u32(at, 'a field'), offset: tag.offset + at };
}

/** "If the bootloader does not understand the meaning of the requested tag it must fail with an error" (3.1.4). */
function checkRequest(tag: HeaderTag): void {
  const unknown = requestedTypes(tag).findIndex((type) => !INFORMATION_TAGS.has(type));
  if (unknown < 0 || tag.optional) return;
  const type = requestedTypes(tag)[unknown] ?? 0;
  throw refuse('multiboot2-request', `The Multiboot 2 header requests information ${type}, which is not defined`, {
    detail: `mbi_tag_types[${unknown}] at file offset ${hex(tag.offset + TAG_SIZE + unknown * 4)} is ${type} and bit 0 (optional) of flags at ${hex(tag.offset + 2)} is 0; Multiboot 2.0 defines 0 to ${INFORMATION_TAGS.size - 1}`,
    mend: 'Remove it from the request, or set bit 0 of the flags of the tag.',
  });
}

/** The machine's one console is EGA text; a framebuffer tag alone is a wish (3.1.10). */
function checkConsole(header: Multiboot2Header): void {
  const tag = findTag(header, HEADER_TAG.consoleFlags);
  if (tag === undefined) return;
  const { value, offset } = field(tag, CONSOLE_TAG.console_flags[0]);
  if ((value & CONSOLE_REQUIRED) === 0 || (value & EGA_TEXT_SUPPORTED) !== 0) return;
  throw refuse('multiboot2-console', 'The Multiboot 2 header requires a console that the machine does not have', {
    detail: `console_flags at file offset ${hex(offset)} is ${hex(value)}: bit 0 requires a console and bit 1 (EGA text) is 0; the machine has EGA text, 80 by 25`,
    mend: 'Set bit 1 and support EGA text, or clear bit 0.',
  });
}

function noHeader(image: KernelImage, near: NearHeader | undefined): StartOfDayError {
  const missing = `${image.name} has no Multiboot 2 header in its first ${SEARCH_LENGTH} bytes`;
  if (near === undefined)
    return refuse('multiboot2-no-header', missing, {
      detail: `No magic number ${hex(HEADER_MAGIC)} stands at a multiple of ${ALIGNMENT} below file offset ${hex(SEARCH_LENGTH)}`,
      mend: HEADER_FIRST,
    });
  const at = hex(near.offset);
  const { architecture, header_length, checksum } = near;
  switch (near.problem) {
    case 'too far':
      return refuse('multiboot2-header-too-far', missing, {
        detail: `A header with the right checksum is at file offset ${at}, too far in: it must end at or below ${hex(SEARCH_LENGTH)}`,
        mend: HEADER_FIRST,
      });
    case 'unaligned':
      return refuse('multiboot2-header-unaligned', `The Multiboot 2 header at ${at} is not aligned`, {
        detail: `A header with the right checksum is at file offset ${at}; it must be at a multiple of ${ALIGNMENT}`,
        mend: 'Write .balign 8 before the header, and align the section that holds it.',
      });
    case 'other architecture':
      return refuse('multiboot2-architecture', `The Multiboot 2 header at ${at} is for another architecture`, {
        detail: `architecture at file offset ${hex(near.offset + 4)} is ${architecture}; 0 is 32-bit protected mode of i386, 4 is MIPS32`,
        mend: `For the x86: architecture 0, checksum ${hex(checksumFor(0, header_length), 8)}.`,
      });
    case 'wrong checksum':
      return refuse('multiboot2-checksum', `The Multiboot 2 header at ${at} has a wrong checksum`, {
        detail: `magic ${hex(HEADER_MAGIC)} + architecture ${architecture} + header_length ${header_length} + checksum ${hex(checksum, 8)} = ${hex(checksumSum(near), 8)}, must be 0`,
        mend: `For these words the checksum is ${hex(checksumFor(architecture, header_length), 8)} (at file offset ${hex(near.offset + 12)}).`,
      });
  }
}

function refuse(code: string, title: string, parts: { detail: string; mend: string }): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, detail: parts.detail, mend: parts.mend });
}
