import { FORM } from './constants.ts';
import { SectionCursor } from './cursor.ts';

/** The shape that entries with one code share. */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeShape[];
}

export interface AttributeShape {
  /** DW_AT_* */
  readonly name: number;
  /** DW_FORM_* */
  readonly form: number;
  /** The value of DW_FORM_implicit_const; 0 with other forms. */
  readonly constant: number;
}

/** Abbreviations by code. */
export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

/** Reads the table at `offset` of `.debug_abbrev` (DWARF 5, 7.5.3). */
export function readAbbreviations(section: Uint8Array, offset: number): AbbreviationTable {
  const cursor = new SectionCursor('.debug_abbrev', section);
  cursor.skip(offset);
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const code = cursor.uleb();
    if (code === 0) return table;
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    const attributes: AttributeShape[] = [];
    for (;;) {
      const name = cursor.uleb();
      const form = cursor.uleb();
      const constant = form === FORM.implicitConst ? cursor.sleb() : 0;
      if (name === 0 && form === 0) break;
      attributes.push({ name, form, constant });
    }
    table.set(code, { tag, hasChildren, attributes });
  }
}
