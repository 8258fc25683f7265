import type { AttributeShape } from './abbreviations.ts';
import { FORM } from './constants.ts';
import { SectionCursor } from './cursor.ts';
import type { Unit } from './units.ts';

/**
 * A number is a constant, a flag, an index, an address, or a reference as an offset in `.debug_info`. A bigint is the signature
 * of a type. Bytes are a block or an expression. Undefined is what lies in another file.
 */
export type AttributeValue = number | bigint | string | Uint8Array | undefined;

/** What a form takes: a number of bytes, or one of the encodings that only reading can measure. */
type FormSize = number | 'offset' | 'address' | 'leb' | 'string' | 'block' | 'reference';

const SIZES: ReadonlyMap<number, FormSize> = new Map<number, FormSize>([
  [FORM.addr, 'address'],
  [FORM.block1, 'block'],
  [FORM.block2, 'block'],
  [FORM.block4, 'block'],
  [FORM.block, 'block'],
  [FORM.exprloc, 'block'],
  [FORM.data1, 1],
  [FORM.data2, 2],
  [FORM.data4, 4],
  [FORM.data8, 8],
  [FORM.data16, 16],
  [FORM.sdata, 'leb'],
  [FORM.udata, 'leb'],
  [FORM.flag, 1],
  [FORM.flagPresent, 0],
  [FORM.implicitConst, 0],
  [FORM.string, 'string'],
  [FORM.strp, 'offset'],
  [FORM.lineStrp, 'offset'],
  [FORM.strpSup, 'offset'],
  [FORM.gnuStrpAlt, 'offset'],
  [FORM.strx, 'leb'],
  [FORM.strx1, 1],
  [FORM.strx2, 2],
  [FORM.strx3, 3],
  [FORM.strx4, 4],
  [FORM.gnuStrIndex, 'leb'],
  [FORM.addrx, 'leb'],
  [FORM.addrx1, 1],
  [FORM.addrx2, 2],
  [FORM.addrx3, 3],
  [FORM.addrx4, 4],
  [FORM.gnuAddrIndex, 'leb'],
  [FORM.ref1, 1],
  [FORM.ref2, 2],
  [FORM.ref4, 4],
  [FORM.ref8, 8],
  [FORM.refUdata, 'leb'],
  [FORM.refAddr, 'reference'],
  [FORM.refSig8, 8],
  [FORM.refSup4, 4],
  [FORM.refSup8, 8],
  [FORM.gnuRefAlt, 'offset'],
  [FORM.secOffset, 'offset'],
  [FORM.loclistx, 'leb'],
  [FORM.rnglistx, 'leb'],
]);

/** Passes over one attribute value (DWARF 5, 7.5.5 and 7.5.6). */
export function skipForm(cursor: SectionCursor, form: number, unit: Unit): void {
  const size = SIZES.get(form);
  if (typeof size === 'number') cursor.skip(size);
  else if (size === 'leb') cursor.uleb();
  else if (size === 'string') cursor.skipString();
  else if (size === 'block') cursor.skip(blockLength(cursor, form));
  else if (form === FORM.indirect) skipForm(cursor, directForm(cursor), unit);
  else cursor.skip(bytesOf(cursor, size, form, unit));
}

/** Reads one attribute value. Strings are looked up, references made relative to `.debug_info`. */
export function readForm(cursor: SectionCursor, shape: AttributeShape, unit: Unit): AttributeValue {
  const { form } = shape;
  switch (form) {
    case FORM.indirect:
      return readForm(cursor, { ...shape, form: directForm(cursor) }, unit);
    case FORM.implicitConst:
      return shape.constant;
    case FORM.flagPresent:
      return 1;
    case FORM.sdata:
      return cursor.sleb();
    case FORM.string:
      return cursor.string();
    case FORM.strp:
      return stringAt('.debug_str', unit.sections.str, cursor.unsigned(unit.offsetSize));
    case FORM.lineStrp:
      return stringAt('.debug_line_str', unit.sections.lineStr, cursor.unsigned(unit.offsetSize));
    case FORM.refSig8:
      return cursor.signature();
    case FORM.data16:
    case FORM.gnuStrIndex:
    case FORM.strpSup:
    case FORM.gnuStrpAlt:
    case FORM.refSup4:
    case FORM.refSup8:
    case FORM.gnuRefAlt:
      skipForm(cursor, form, unit);
      return undefined;
  }
  const size = SIZES.get(form);
  if (size === 'block') {
    const length = blockLength(cursor, form);
    const start = cursor.skip(length);
    return cursor.bytes.subarray(start, start + length);
  }
  const value = size === 'leb' ? cursor.uleb() : cursor.unsigned(bytesOf(cursor, size, form, unit));
  if (form === FORM.strx || (form >= FORM.strx1 && form <= FORM.strx4)) return indexedString(unit, value);
  return form >= FORM.ref1 && form <= FORM.refUdata ? unit.offset + value : value;
}

function bytesOf(cursor: SectionCursor, size: FormSize | undefined, form: number, unit: Unit): number {
  if (typeof size === 'number') return size;
  if (size === 'offset') return unit.offsetSize;
  if (size === 'address') return unit.addressSize;
  // Until DWARF 2 a reference across units had the size of an address.
  if (size === 'reference') return unit.version <= 2 ? unit.addressSize : unit.offsetSize;
  throw cursor.error(cursor.position, `form ${form} is in no version of DWARF up to 5`);
}

function blockLength(cursor: SectionCursor, form: number): number {
  if (form === FORM.block1) return cursor.u8();
  if (form === FORM.block2) return cursor.u16();
  return form === FORM.block4 ? cursor.u32() : cursor.uleb();
}

/** The form that stands in front of a value of DW_FORM_indirect. */
function directForm(cursor: SectionCursor): number {
  const at = cursor.position;
  const form = cursor.uleb();
  // A chain would be legal and nobody writes one; a constant of the abbreviation cannot be given here.
  if (form === FORM.indirect || form === FORM.implicitConst)
    throw cursor.error(at, `form ${form} behind DW_FORM_indirect`);
  return form;
}

function stringAt(section: string, bytes: Uint8Array, offset: number): string {
  const cursor = new SectionCursor(section, bytes);
  cursor.skip(offset);
  return cursor.string();
}

function indexedString(unit: Unit, index: number): string {
  const cursor = new SectionCursor('.debug_str_offsets', unit.sections.strOffsets);
  cursor.skip(unit.strOffsetsBase + index * unit.offsetSize);
  return stringAt('.debug_str', unit.sections.str, cursor.unsigned(unit.offsetSize));
}
