import { GUEST_STRING_KEYS, XEN_NOTE, xenNoteName } from '../abi/xen/elf-notes.ts';
import type { XenNoteType } from '../abi/xen/elf-notes.ts';
import type { ElfNote } from '../image/elf-notes.ts';
import type { ElfSection } from '../image/elf.ts';
import { decodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import type { KernelImage } from './kernel-image.ts';
import { noteNumber, xenNotes } from './xen-notes.ts';

/** One thing that a kernel says of itself to Xen. */
export interface GuestField {
  /** Note type; undefined for one that no loader reads. */
  readonly note: number | undefined;
  /** As the image names it: `VIRT_BASE`, and `XEN_VER` in a string. */
  readonly name: string;
  /** In the file, in bytes. */
  readonly offset: number;
  /** Of a text, or of a number in a string. */
  readonly text: string;
  /** Undefined for texts, and for numbers that are none. */
  readonly number: bigint | undefined;
  /** What is odd with it and taken all the same. */
  readonly remark?: string;
}

/** What a kernel says of itself to Xen: ELF notes, or without them the section `__xen_guest`. */
export interface XenGuest {
  readonly source: 'notes' | 'string';
  /** In file order. */
  readonly fields: readonly GuestField[];
  /** The whole string, when that is the source. */
  readonly string: string | undefined;
  /** Of the section, or of the first note, in the file. */
  readonly offset: number;
}

const NUMBERS: ReadonlySet<number> = new Set<XenNoteType>([
  XEN_NOTE.entry,
  XEN_NOTE.hypercallPage,
  XEN_NOTE.virtualBase,
  XEN_NOTE.physicalOffset,
  XEN_NOTE.hypervisorStart,
  XEN_NOTE.suspendCancel,
  XEN_NOTE.initialP2m,
  XEN_NOTE.moduleStartFrame,
  XEN_NOTE.supportedFeatures,
  XEN_NOTE.physicalEntry,
]);

/** True when a note of this type holds a number. */
export function isNumeric(note: number | undefined): boolean {
  return note !== undefined && NUMBERS.has(note);
}

/** Longest key and value that libelf takes (elf_xen_parse_guest_info); what is longer is cut, and the rest read as the next item. */
const LONGEST_KEY = 31;
const LONGEST_VALUE = 127;

/** What the image says, by the order of libelf: notes of segments, notes of sections, the section `__xen_guest`. */
export function findXenGuest(image: KernelImage): XenGuest | undefined {
  const { notes } = xenNotes(image);
  const [first] = notes;
  if (first !== undefined)
    return { source: 'notes', fields: notes.map(noteField), string: undefined, offset: first.offset };
  const section = guestSection(image);
  if (section === undefined) return undefined;
  const string = decodeCString(section.bytes);
  return { source: 'string', fields: stringFields(section), string, offset: section.offset };
}

/** The field that counts: where an image says a thing twice, the last. */
export function fieldOf(guest: XenGuest, note: XenNoteType): GuestField | undefined {
  return guest.fields.findLast((field) => field.note === note);
}

/** The text of a field, '' where there is none. */
export function textOf(guest: XenGuest, note: XenNoteType): string {
  return fieldOf(guest, note)?.text ?? '';
}

function noteField(note: ElfNote): GuestField {
  const { type, offset, desc, missing } = note;
  const text = decodeCString(desc);
  const remark =
    missing > 0 ? `descsz counts ${missing} bytes behind the end of the segment, which are not taken` : undefined;
  return {
    note: type,
    name: xenNoteName(type),
    offset,
    text,
    number: isNumeric(type) ? noteNumber(note) : undefined,
    remark,
  };
}

function guestSection(image: KernelImage): ElfSection | undefined {
  try {
    const section = image.elf instanceof StartOfDayError ? undefined : image.elf.section('__xen_guest');
    return section !== undefined && section.bytes.length > 0 ? section : undefined;
  } catch (error) {
    if (error instanceof StartOfDayError) return undefined;
    throw error;
  }
}

/** `KEY=VALUE` items with commas between them, up to a zero byte. */
function stringFields({ bytes, offset }: ElfSection): GuestField[] {
  const fields: GuestField[] = [];
  const zero = bytes.indexOf(0);
  const text = [...bytes.subarray(0, zero < 0 ? bytes.length : zero)].map((byte) => String.fromCharCode(byte)).join('');
  for (let at = 0; at < text.length;) {
    const start = at;
    const key = until(text, at, ',=', LONGEST_KEY);
    at += key.length;
    let value = '';
    if (text[at] === '=') {
      value = until(text, at + 1, ',', LONGEST_VALUE);
      at += 1 + value.length;
    }
    if (text[at] === ',') at++;
    fields.push(stringField(key, value, offset + start));
  }
  return fields;
}

function until(text: string, from: number, stops: string, longest: number): string {
  let end = from;
  while (end < text.length && end - from < longest && !stops.includes(text.charAt(end))) end++;
  return text.slice(from, end);
}

function stringField(name: string, text: string, offset: number): GuestField {
  const note = Object.hasOwn(GUEST_STRING_KEYS, name) ? GUEST_STRING_KEYS[name] : undefined;
  return { note, name, offset, text, number: isNumeric(note) ? parseUnsigned(text) : undefined };
}

/** As strtoull with base 0 reads it: hexadecimal with 0x, octal with 0, else decimal, up to the first other character. */
export function parseUnsigned(text: string): bigint | undefined {
  const match = /^\s*\+?(?:0x([0-9a-f]+)|0([0-7]*)|([1-9][0-9]*))/i.exec(text);
  if (match === null) return undefined;
  const [, hexadecimal, octal, decimal] = match;
  const value =
    hexadecimal !== undefined
      ? BigInt(`0x${hexadecimal}`)
      : octal !== undefined
        ? BigInt(`0o0${octal}`)
        : BigInt(decimal ?? '0');
  return value > 0xffff_ffff_ffff_ffffn ? 0xffff_ffff_ffff_ffffn : value;
}
