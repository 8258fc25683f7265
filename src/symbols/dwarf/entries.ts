import type { Abbreviation } from './abbreviations.ts';
import { AT, TAG } from './constants.ts';
import { damaged, SectionCursor } from './cursor.ts';
import type { AttributeValue } from './forms.ts';
import { readForm, skipForm } from './forms.ts';
import type { Unit } from './units.ts';

/** A debugging information entry. */
export interface Entry {
  readonly unit: Unit;
  /** In `.debug_info`. */
  readonly offset: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  /** By DW_AT_*. */
  readonly attributes: ReadonlyMap<number, AttributeValue>;
  /** Where its first child stands, or else its next sibling. */
  readonly next: number;
}

/** Finds the entries that others refer to. */
export interface EntrySource {
  /** The entry that an attribute refers to; undefined when there is no such attribute or it leads to another file. */
  follow(entry: Entry, attribute: number): Entry | undefined;
}

/** Reads the entry at `offset` of `.debug_info`; undefined at the null entry that ends a list of children. */
export function readEntry(unit: Unit, offset: number): Entry | undefined {
  const cursor = cursorAt(unit, offset);
  const abbreviation = readAbbreviation(cursor, unit);
  if (abbreviation === undefined) return undefined;
  const attributes = new Map<number, AttributeValue>();
  for (const shape of abbreviation.attributes) attributes.set(shape.name, readForm(cursor, shape, unit));
  const { tag, hasChildren } = abbreviation;
  return { unit, offset, tag, hasChildren, attributes, next: cursor.position };
}

/** The direct children of an entry whose tag is in `tags`. Others are passed over without being read. */
export function* childrenOf(parent: Entry, tags: ReadonlySet<number>): Iterable<Entry> {
  if (!parent.hasChildren) return;
  const { unit } = parent;
  const cursor = cursorAt(unit, parent.next);
  // Depth below the parent: 1 at its children.
  let depth = 1;
  while (cursor.position < cursor.end) {
    const offset = cursor.position;
    const abbreviation = readAbbreviation(cursor, unit);
    if (abbreviation === undefined) {
      if (--depth === 0) return;
      continue;
    }
    if (depth === 1 && tags.has(abbreviation.tag)) {
      const entry = readEntry(unit, offset);
      if (entry !== undefined) yield entry;
    }
    const sibling = skipAttributes(cursor, abbreviation, unit);
    if (!abbreviation.hasChildren) continue;
    if (sibling === undefined) depth++;
    else cursor.position = sibling;
  }
}

/** Passes over the attributes of an entry. Returns where DW_AT_sibling leads, when that is forward and inside of the unit. */
function skipAttributes(cursor: SectionCursor, abbreviation: Abbreviation, unit: Unit): number | undefined {
  let sibling: AttributeValue;
  for (const shape of abbreviation.attributes) {
    if (shape.name === AT.sibling) sibling = readForm(cursor, shape, unit);
    else skipForm(cursor, shape.form, unit);
  }
  return typeof sibling === 'number' && sibling >= cursor.position && sibling <= unit.end ? sibling : undefined;
}

function cursorAt(unit: Unit, offset: number): SectionCursor {
  if (offset < unit.firstEntry || offset >= unit.end)
    throw damaged('.debug_info', offset, `there is no entry: the unit has them up to ${unit.end}`);
  return new SectionCursor('.debug_info', unit.sections.info, offset, unit.end);
}

function readAbbreviation(cursor: SectionCursor, unit: Unit): Abbreviation | undefined {
  const offset = cursor.position;
  const code = cursor.uleb();
  if (code === 0) return undefined;
  const abbreviation = unit.abbreviations.get(code);
  if (abbreviation === undefined) throw cursor.error(offset, `the unit has no abbreviation ${code}`);
  return abbreviation;
}

/** DW_AT_name, or undefined. */
export function nameOf(entry: Entry): string | undefined {
  const name = entry.attributes.get(AT.name);
  return typeof name === 'string' ? name : undefined;
}

/** The value of an attribute that is a number; undefined when it is absent or something else. */
export function numberOf(entry: Entry, attribute: number): number | undefined {
  const value = entry.attributes.get(attribute);
  return typeof value === 'number' ? value : undefined;
}

const SUBRANGES: ReadonlySet<number> = new Set([TAG.subrangeType]);

/** Elements of each dimension of an array; undefined for one that is open. */
export function dimensionsOf(array: Entry): readonly (number | undefined)[] {
  return Array.from(childrenOf(array, SUBRANGES), (range) => {
    const upper = numberOf(range, AT.upperBound);
    return numberOf(range, AT.count) ?? (upper === undefined ? undefined : upper + 1);
  });
}
