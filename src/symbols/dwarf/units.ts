import type { AbbreviationTable } from './abbreviations.ts';
import { readAbbreviations } from './abbreviations.ts';
import { AT, UNIT } from './constants.ts';
import { SectionCursor } from './cursor.ts';
import { readForm, skipForm } from './forms.ts';

/** The sections that the reader looks at; those that an image does not have are empty. */
export interface DwarfSections {
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
  readonly strOffsets: Uint8Array;
}

/** One contribution to `.debug_info`: a source file's, a type's, or a part that several share. */
export interface Unit {
  readonly sections: DwarfSections;
  /** Of the header in `.debug_info`, and what references of the unit count from. */
  readonly offset: number;
  readonly version: number;
  /** Bytes of an offset: 4 in the 32-bit format of DWARF, 8 in the 64-bit format. */
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  readonly abbreviations: AbbreviationTable;
  /** Offset of the first entry. */
  readonly firstEntry: number;
  /** Offset behind the last byte. */
  readonly end: number;
  /** Where in `.debug_str_offsets` index 0 of the unit stands. */
  readonly strOffsetsBase: number;
  /** Of a type unit: its signature, and the offset of its type in `.debug_info`. */
  readonly type: { readonly signature: bigint; readonly offset: number } | undefined;
}

/** A unit length of this value announces the 64-bit format: the length follows in 8 bytes (DWARF 5, 7.4). */
const FORMAT_64 = 0xffffffff;
/** Lengths from here on are reserved. */
const LENGTH_RESERVED = 0xfffffff0;

/** Reads every unit header of `.debug_info`, DWARF 2 to 5 (DWARF 5, 7.5.1). Units of other versions are passed over. */
export function readUnits(sections: DwarfSections): readonly Unit[] {
  const tables = new Map<number, AbbreviationTable>();
  const abbreviationsAt = (offset: number): AbbreviationTable => {
    const table = tables.get(offset) ?? readAbbreviations(sections.abbrev, offset);
    tables.set(offset, table);
    return table;
  };
  const units: Unit[] = [];
  const cursor = new SectionCursor('.debug_info', sections.info);
  while (cursor.position < cursor.end) {
    const offset = cursor.position;
    let length = cursor.u32();
    const offsetSize = length === FORMAT_64 ? 8 : 4;
    if (length === FORMAT_64) length = cursor.u64();
    else if (length >= LENGTH_RESERVED) throw cursor.error(offset, `unit length ${length} is reserved`);
    const start = cursor.skip(length);
    const unit = readUnit(sections, offset, start, start + length, offsetSize, abbreviationsAt);
    if (unit !== undefined) units.push(unit);
  }
  return units;
}

function readUnit(
  sections: DwarfSections,
  offset: number,
  start: number,
  end: number,
  offsetSize: 4 | 8,
  abbreviationsAt: (offset: number) => AbbreviationTable,
): Unit | undefined {
  const cursor = new SectionCursor('.debug_info', sections.info, start, end);
  const version = cursor.u16();
  if (version < 2 || version > 5) return undefined;
  const unitType = version >= 5 ? cursor.u8() : UNIT.compile;
  let addressSize = version >= 5 ? cursor.u8() : 0;
  const abbreviations = abbreviationsAt(cursor.unsigned(offsetSize));
  if (version < 5) addressSize = cursor.u8();
  if (addressSize !== 4 && addressSize !== 8)
    throw cursor.error(offset, `the unit has addresses of ${addressSize} bytes`);
  let type: Unit['type'];
  if (unitType === UNIT.type || unitType === UNIT.splitType) {
    const signature = cursor.signature();
    type = { signature, offset: offset + cursor.unsigned(offsetSize) };
  } else if (unitType === UNIT.skeleton || unitType === UNIT.splitCompile) cursor.skip(8);
  const unit: Unit = {
    ...{ sections, offset, version, offsetSize, addressSize, abbreviations, end, type },
    firstEntry: cursor.position,
    // Without the attribute: behind the header of the only contribution (DWARF 5, 7.26).
    strOffsetsBase: offsetSize === 4 ? 8 : 16,
  };
  return { ...unit, strOffsetsBase: findStrOffsetsBase(unit, cursor) ?? unit.strOffsetsBase };
}

/** DW_AT_str_offsets_base of the unit's own entry, which every DW_FORM_strx of the unit needs. */
function findStrOffsetsBase(unit: Unit, cursor: SectionCursor): number | undefined {
  if (unit.version < 5 || cursor.position >= cursor.end) return undefined;
  const abbreviation = unit.abbreviations.get(cursor.uleb());
  for (const shape of abbreviation?.attributes ?? []) {
    if (shape.name !== AT.strOffsetsBase) skipForm(cursor, shape.form, unit);
    else {
      const base = readForm(cursor, shape, unit);
      return typeof base === 'number' ? base : undefined;
    }
  }
  return undefined;
}
