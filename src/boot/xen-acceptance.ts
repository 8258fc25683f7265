import { XEN_NOTE } from '../abi/xen/elf-notes.ts';
import type { XenNoteType } from '../abi/xen/elf-notes.ts';
import { REFUSED_FEATURES, TEXT_FEATURES } from '../abi/xen/features.ts';
import type { ElfFile } from '../image/elf.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeSegment } from './kernel-segments.ts';
import type { LoadedRegion } from './protocol.ts';
import { fieldOf, isNumeric, textOf } from './xen-guest.ts';
import type { GuestField, XenGuest } from './xen-guest.ts';

/** A kernel that Xen would take, and where it goes. Linear addresses, 32 bits. */
export interface XenKernel {
  readonly guest: XenGuest;
  readonly entry: number;
  /** Where pseudo-physical address 0 is mapped. */
  readonly base: number;
  /** First address of the image, and the first behind it. */
  readonly start: number;
  readonly end: number;
  /** Undefined when the image has none. */
  readonly hypercallPage: number | undefined;
  readonly pae: boolean;
  /** CR3 may point above 4 GiB. */
  readonly extendedCr3: boolean;
  /** mod_start is to be a frame number, and the module need not be mapped. */
  readonly unmappedModule: boolean;
  /** Segments at pseudo-physical addresses. */
  readonly segments: readonly LoadedRegion[];
}

/** A refusal, and the field that is to blame for it. */
export class XenRefusal extends StartOfDayError {
  readonly field: GuestField | undefined;

  constructor(code: string, field: GuestField | undefined, title: string, detail: string, mend: string) {
    super({ code, blame: 'user', title, detail, mend });
    this.field = field;
  }
}

const LONG = 0x1_0000_0000n;

/**
 * The checks of Xen's own loader (libelf-dominfo.c: elf_xen_note_check, elf_xen_addr_calc_check). Throws {@link XenRefusal} that names
 * the field, its offset and what was needed; other errors where the ELF file itself is damaged.
 */
export function acceptXenGuest(image: KernelImage, guest: XenGuest): XenKernel {
  const elf = elfOf(image);
  const { name } = image;
  if (elf.bits === 64)
    throw new XenRefusal(
      'long-mode',
      undefined,
      `${name} is a 64-bit Xen PV kernel, and the machine has no long mode`,
      `The ELF class at file offset 0x4 is 2 (ELFCLASS64): such a kernel runs in 64-bit mode, at CPL 3`,
      'Give a 32-bit kernel.',
    );
  const version = fieldOf(guest, XEN_NOTE.xenVersion);
  if (version?.text === '2.0')
    throw new XenRefusal(
      'xen-version',
      version,
      `${name} was built for Xen 2.0`,
      `${at(version)} is "2.0". Its start_info has another layout and no magic, its selectors are 0x0819 and 0x0821, and its hypercalls have other numbers than since Xen 3.0`,
      'Build it for Xen 3.0 or later, whose interface has not changed since.',
    );
  checkLoader(name, guest);
  if (!textOf(guest, XEN_NOTE.xenVersion).startsWith('xen-3.0'))
    throw new XenRefusal(
      'xen-version',
      version,
      `${name} does not say that it was built for Xen 3.0`,
      `${at(version, guest, XEN_NOTE.xenVersion)} is ${quote(version)}; needed: text that begins with "xen-3.0"`,
      'Say "xen-3.0": every Xen since 3.0 calls its interface so.',
    );
  checkFeatures(name, guest);
  const pae = paeOf(guest);
  return {
    guest,
    ...pae,
    ...placeGuest(name, elf, guest),
    unmappedModule: (number(guest, XEN_NOTE.moduleStartFrame) ?? 0n) !== 0n,
  };
}

function checkLoader(name: string, guest: XenGuest): void {
  if (textOf(guest, XEN_NOTE.loader).startsWith('generic') || textOf(guest, XEN_NOTE.guestOs).startsWith('linux'))
    return;
  const [loader, system] = [fieldOf(guest, XEN_NOTE.loader), fieldOf(guest, XEN_NOTE.guestOs)];
  throw new XenRefusal(
    'xen-loader',
    loader ?? system,
    `${name} is not for Xen's generic loader`,
    `${at(loader, guest, XEN_NOTE.loader)} is ${quote(loader)} and ${at(system, guest, XEN_NOTE.guestOs)} ${quote(system)}; needed: LOADER that begins with "generic", or GUEST_OS that begins with "linux"`,
    'Add LOADER "generic".',
  );
}

/** `!` in front of a name makes it required; what is not known is then refused, and ignored otherwise (elf_xen_parse_features). */
function checkFeatures(name: string, guest: XenGuest): void {
  for (const field of guest.fields.filter(({ note }) => note === XEN_NOTE.features))
    for (const item of field.text.split('|').filter((one) => one.startsWith('!'))) {
      const feature = item.slice(1);
      const known = TEXT_FEATURES.has(feature);
      if (known && !REFUSED_FEATURES.has(feature)) continue;
      throw new XenRefusal(
        'xen-feature',
        field,
        `${name} requires the feature "${feature}"`,
        `${at(field)} is "${field.text}"; ${known ? 'a 32-bit PV guest is not given' : 'no Xen knows'} ${feature}, and "!" makes it required`,
        'Write the feature without "!" when the kernel can do without.',
      );
    }
}

function paeOf(guest: XenGuest): Pick<XenKernel, 'pae' | 'extendedCr3'> {
  const text = textOf(guest, XEN_NOTE.paeMode);
  const bimodal = text.includes('bimodal');
  const extended = guest.source === 'notes' ? text === 'yes' || bimodal : text === 'yes[extended-cr3]';
  return { pae: bimodal || text.startsWith('yes'), extendedCr3: extended || text.includes('[extended-cr3]') };
}

/** The address arithmetic of elf_xen_addr_calc_check: modulo 2^64 there, and all of it must be below 4 GiB here. */
function placeGuest(
  name: string,
  elf: ElfFile,
  guest: XenGuest,
): Pick<XenKernel, 'entry' | 'base' | 'start' | 'end' | 'hypercallPage' | 'segments'> {
  const wrong = guest.fields.find((field) => isNumeric(field.note) && field.number === undefined);
  if (wrong !== undefined) throw notNumber(name, guest, wrong);
  const virtualBase = fieldOf(guest, XEN_NOTE.virtualBase);
  const physicalOffset = fieldOf(guest, XEN_NOTE.physicalOffset);
  if (physicalOffset !== undefined && virtualBase === undefined)
    throw new XenRefusal(
      'xen-virtual-base',
      physicalOffset,
      `${name} gives ${physicalOffset.name} without VIRT_BASE`,
      `${at(physicalOffset)} is ${hex(physicalOffset.number ?? 0n)}; there is no VIRT_BASE that it could be relative to`,
      'Add VIRT_BASE, the linear address of pseudo-physical address 0.',
    );
  const base = virtualBase?.number ?? 0n;
  if (base >= LONG || base % 0x1000n !== 0n)
    throw new XenRefusal(
      'xen-virtual-base',
      virtualBase,
      `VIRT_BASE of ${name} is no page of a 32-bit address space`,
      `${at(virtualBase)} is ${hex(base, 8)}; needed: a multiple of 0x1000 below 0x100000000`,
      'Give the linear address of pseudo-physical address 0.',
    );
  const { loads } = elf;
  if (loads.length === 0)
    throw new XenRefusal(
      'elf-no-load',
      undefined,
      `${name} has no PT_LOAD segment`,
      `e_phnum at file offset 0x2c says ${elf.header.segments.count} program headers; none of them is PT_LOAD with memory`,
      'Link it: an object file cannot be loaded.',
    );
  const offset = physicalOffset?.number ?? (guest.source === 'string' ? base : 0n);
  const [lowest, highest] = loads.reduce<readonly [bigint, bigint]>(
    ([low, high], { physical, size }) => [min(low, physical), max(high, physical + BigInt(size))] as const,
    [LONG, 0n],
  );
  const shift = base - offset;
  const [start, end] = [lowest + shift, highest + shift];
  const entryField = fieldOf(guest, XEN_NOTE.entry);
  const entry = entryField?.number ?? elf.header.entry;
  const rule = `VIRT_BASE ${hex(base, 8)} - PADDR_OFFSET ${hex(offset, 8)} + p_paddr puts the image at linear ${signed(start)} … ${signed(end - 1n)}`;
  if (start < base || end > LONG)
    throw new XenRefusal(
      'xen-address',
      physicalOffset ?? virtualBase,
      start < base ? `${name} would begin below VIRT_BASE` : `${name} would end beyond 4 GiB`,
      `${rule}; needed: from VIRT_BASE on, below 0x100000000. ${placeText(guest, virtualBase, physicalOffset)}`,
      'Set ELF_PADDR_OFFSET (PADDR_OFFSET) to the lowest p_paddr that the linker gave, or to 0 where p_paddr is pseudo-physical.',
    );
  if (entry < start || entry > end)
    throw new XenRefusal(
      'xen-entry',
      entryField,
      `The entry of ${name} lies outside its image`,
      `${entryField === undefined ? 'e_entry at file offset 0x18' : at(entryField)} is ${hex(entry, 8)}; ${rule}`,
      'Give ENTRY (VIRT_ENTRY) the linear address of the first instruction.',
    );
  return {
    entry: Number(entry),
    base: Number(base),
    start: Number(start),
    end: Number(end),
    hypercallPage: hypercallPageOf(name, guest, base, end),
    segments: loads.map((segment) => placeSegment(elf, segment, Number(segment.physical - offset))),
  };
}

/** A note holds the linear address; a string a page number, counted from VIRT_BASE. */
function hypercallPageOf(name: string, guest: XenGuest, base: bigint, end: bigint): number | undefined {
  const field = fieldOf(guest, XEN_NOTE.hypercallPage);
  if (field?.number === undefined) return undefined;
  const address = guest.source === 'string' ? (field.number << 12n) + base : field.number;
  if (address % 0x1000n === 0n && address >= base && address + 0x1000n <= max(end, base) + 0xfffn)
    return Number(address);
  throw new XenRefusal(
    'xen-hypercall-page',
    field,
    `The hypercall page of ${name} lies outside its image`,
    `${at(field)} is ${guest.source === 'string' ? field.text : hex(field.number)}: linear ${hex(address, 8)}; needed: a whole page in ${hex(base, 8)} … ${hex(end - 1n, 8)}`,
    guest.source === 'string'
      ? 'HYPERCALL_PAGE in a string is a page number from VIRT_BASE on.'
      : 'Note 2 holds the linear address of the page.',
  );
}

function notNumber(name: string, guest: XenGuest, field: GuestField): XenRefusal {
  const string = guest.source === 'string';
  return new XenRefusal(
    'xen-number',
    field,
    `${field.name} of ${name} is no number`,
    string
      ? `${at(field)} is "${field.text}"; needed: decimal digits, or hexadecimal ones behind 0x`
      : `${at(field)} has a descriptor of neither 4 nor 8 bytes${field.remark === undefined ? '' : `: ${field.remark}`}`,
    string ? 'Write it as 0xC0000000.' : 'Emit it with .long.',
  );
}

function number(guest: XenGuest, note: XenNoteType): bigint | undefined {
  return fieldOf(guest, note)?.number;
}

/** `VIRT_BASE at file offset 0x1080`; without the field, what would be there. */
function at(field: GuestField | undefined, guest?: XenGuest, note?: XenNoteType): string {
  if (field !== undefined) return `${field.name} at file offset ${hex(field.offset)}`;
  const key = note === XEN_NOTE.loader ? 'LOADER' : note === XEN_NOTE.guestOs ? 'GUEST_OS' : 'XEN_VERSION';
  return guest?.source === 'string'
    ? `${key} of __xen_guest at file offset ${hex(guest.offset)}`
    : `Note ${note ?? 0} (${key})`;
}

function quote(field: GuestField | undefined): string {
  return field === undefined ? 'not there' : `"${field.text}"`;
}

function placeText(guest: XenGuest, base: GuestField | undefined, offset: GuestField | undefined): string {
  const rule = guest.source === 'string' ? 'VIRT_BASE in a string' : '0 with notes';
  return `${at(base ?? offset, guest, XEN_NOTE.virtualBase)}; PADDR_OFFSET ${offset === undefined ? `is not given and then ${rule}` : `at file offset ${hex(offset.offset)}`}`;
}

function signed(value: bigint): string {
  return value < 0n ? `-${hex(-value, 8)}` : hex(value, 8);
}
function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
