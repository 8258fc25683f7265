import { StartOfDayError } from '../../util/errors.ts';
import { hex } from '../../util/hex.ts';
import { sectionNamed } from '../image.ts';
import type { SymbolImage } from '../image.ts';
import { AT, TAG } from './constants.ts';
import { damaged } from './cursor.ts';
import type { Entry, EntrySource } from './entries.ts';
import { childrenOf, nameOf, numberOf, readEntry } from './entries.ts';
import type { Structure } from './layout.ts';
import { layOut } from './layout.ts';
import type { Unit } from './units.ts';
import { readUnits } from './units.ts';

/** sh_flags of a section whose contents are compressed (System V ABI, "Section Compression"). */
const SHF_COMPRESSED = 0x800;

const VARIABLES: ReadonlySet<number> = new Set([TAG.variable]);

/**
 * The debug information of an image, read when asked for: DWARF 2 to 5, in the 32-bit and 64-bit formats. Throws StartOfDayError
 * `dwarf`, with section and offset, where it is damaged, and `dwarf-compressed` where it is compressed.
 */
export class Dwarf implements EntrySource {
  private readonly image: SymbolImage;
  private unitList: readonly Unit[] | undefined;
  private variables: ReadonlyMap<string, Entry> | undefined;

  private constructor(image: SymbolImage) {
    this.image = image;
  }

  /** Undefined for an image without `.debug_info`. Looks at no contents yet. */
  static read(image: SymbolImage): Dwarf | undefined {
    return sectionNamed(image, '.debug_info') === undefined ? undefined : new Dwarf(image);
  }

  /** The layout of a variable that is a structure; undefined when no file defines such a variable. */
  structureOf(variableName: string): Structure | undefined {
    const variable = this.variableIndex().get(variableName);
    if (variable === undefined) return undefined;
    const declaration = this.follow(variable, AT.specification) ?? variable;
    const type = this.follow(variable, AT.type) ?? this.follow(declaration, AT.type);
    return type === undefined ? undefined : layOut(variableName, type, this);
  }

  follow(entry: Entry, attribute: number): Entry | undefined {
    const value = entry.attributes.get(attribute);
    if (typeof value === 'bigint') {
      const unit = this.units.find(({ type }) => type?.signature === value);
      return unit?.type === undefined ? undefined : readEntry(unit, unit.type.offset);
    }
    if (typeof value !== 'number') return undefined;
    const unit = this.unitAt(value);
    if (unit === undefined)
      throw damaged('.debug_info', entry.offset, `the entry refers to ${value}, which is in no unit`);
    return readEntry(unit, value);
  }

  private get units(): readonly Unit[] {
    const bytes = (name: string): Uint8Array => contentsOf(this.image, name);
    this.unitList ??= readUnits({
      ...{ info: bytes('.debug_info'), abbrev: bytes('.debug_abbrev'), str: bytes('.debug_str') },
      ...{ lineStr: bytes('.debug_line_str'), strOffsets: bytes('.debug_str_offsets') },
    });
    return this.unitList;
  }

  private unitAt(offset: number): Unit | undefined {
    let low = 0;
    let high = this.units.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.units[middle]?.end ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = this.units[low];
    return unit !== undefined && offset >= unit.offset ? unit : undefined;
  }

  /** Variables outside of functions by name. A definition stands before a declaration. */
  private variableIndex(): ReadonlyMap<string, Entry> {
    if (this.variables !== undefined) return this.variables;
    const variables = new Map<string, Entry>();
    for (const unit of this.units) {
      const root = readEntry(unit, unit.firstEntry);
      if (root === undefined) continue;
      for (const variable of childrenOf(root, VARIABLES)) {
        const name = nameOf(variable) ?? nameOf(this.follow(variable, AT.specification) ?? variable);
        if (name === undefined) continue;
        const before = variables.get(name);
        if (before === undefined || isDeclaration(before)) variables.set(name, variable);
      }
    }
    return (this.variables = variables);
  }
}

function isDeclaration(entry: Entry): boolean {
  return (numberOf(entry, AT.declaration) ?? 0) !== 0;
}

/** Contents of a debug section; empty when the image has none of that name. */
function contentsOf(image: SymbolImage, name: string): Uint8Array {
  const section = sectionNamed(image, name);
  if (section === undefined || (section.flags & SHF_COMPRESSED) === 0) return section?.bytes ?? new Uint8Array();
  throw new StartOfDayError({
    code: 'dwarf-compressed',
    blame: 'user',
    title: `${section.name} is compressed`,
    detail: `sh_flags of section ${section.index} is ${hex(section.flags)}, which has SHF_COMPRESSED`,
    mend: 'Link with -gz=none, or run objcopy --decompress-debug-sections on the image.',
  });
}
