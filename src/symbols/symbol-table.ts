import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { ElfSection } from '../image/elf.ts';
import type { SymbolImage } from './image.ts';
import { sectionNamed } from './image.ts';

/** What a symbol stands for. A label comes from an assembler or a linker script that gave it an address and no type. */
export const SYMBOL_KINDS = ['label', 'object', 'function'] as const;
export type SymbolKind = (typeof SYMBOL_KINDS)[number];

/** Symbols as columns, sorted by address; of several at one address the preferred one is last. Absolute symbols follow the others. */
export interface SymbolTable {
  /** Linear addresses, or values of absolute symbols. */
  readonly addresses: BigUint64Array;
  /** Bytes; 0 when unknown. */
  readonly sizes: Float64Array;
  /** Indices into {@link SYMBOL_KINDS}. */
  readonly kinds: Uint8Array;
  /** 0 local, 1 weak, 2 global. */
  readonly bindings: Uint8Array;
  /** Indices into the image's sections. */
  readonly sections: Uint16Array;
  /** Offsets into {@link strings}. */
  readonly names: Uint32Array;
  readonly strings: Uint8Array;
  /** How many of the symbols, from the first, have an address in a section. */
  readonly located: number;
}

/** Bytes of an entry, and offsets of its fields in it (System V ABI, "Symbol Table"; the 64-bit layout differs). */
const LAYOUTS = {
  32: { entry: 16, value: 4, size: 8, info: 12, section: 14 },
  64: { entry: 24, value: 8, size: 16, info: 4, section: 6 },
} as const;

const SECTION_UNDEFINED = 0;
/** From here on an index is no section: SHN_ABS is 0xfff1. */
const SECTION_RESERVED = 0xff00;
const SECTION_ABSOLUTE = 0xfff1;

/** Index into {@link SYMBOL_KINDS} by the type in `st_info`; other types name no code or data. STT_GNU_IFUNC is 10. */
const KIND_OF_TYPE: Readonly<Record<number, number>> = { 0: 0, 1: 1, 2: 2, 10: 2 };
/** Preference by the binding in `st_info`: STB_LOCAL, STB_GLOBAL, STB_WEAK. STB_GNU_UNIQUE is 10. */
const BINDING: Readonly<Record<number, number>> = { 0: 0, 1: 2, 2: 1, 10: 2 };

type Contents = Pick<ElfSection, 'name' | 'offset' | 'bytes'>;
const EMPTY: Contents = { name: '', offset: 0, bytes: new Uint8Array() };

/** Reads `.symtab`, or `.dynsym` when that was stripped. An image with neither has an empty table. */
export function readSymbolTable(image: SymbolImage): SymbolTable {
  for (const [name, stringsName] of [
    ['.symtab', '.strtab'],
    ['.dynsym', '.dynstr'],
  ] as const) {
    const section = sectionNamed(image, name);
    const strings = sectionNamed(image, stringsName);
    if (section !== undefined && strings !== undefined) return decode(image.bits, section, strings);
  }
  return decode(image.bits, EMPTY, EMPTY);
}

function decode(bits: 32 | 64, section: Contents, strings: Contents): SymbolTable {
  const layout = LAYOUTS[bits];
  const view = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.byteLength);
  const read = (entry: number): RawSymbol => {
    const at = entry * layout.entry;
    const info = view.getUint8(at + layout.info);
    return {
      name: view.getUint32(at, true),
      low: view.getUint32(at + layout.value, true),
      high: bits === 64 ? view.getUint32(at + layout.value + 4, true) : 0,
      size:
        view.getUint32(at + layout.size, true) +
        (bits === 64 ? view.getUint32(at + layout.size + 4, true) * 2 ** 32 : 0),
      kind: KIND_OF_TYPE[info & 15],
      binding: BINDING[info >> 4] ?? 0,
      section: view.getUint16(at + layout.section, true),
    };
  };
  const found: RawSymbol[] = [];
  // Entry 0 is reserved.
  for (let entry = 1; entry < Math.floor(section.bytes.length / layout.entry); entry++) {
    const symbol = read(entry);
    if (symbol.name >= strings.bytes.length) throw nameOutside(section, entry * layout.entry, symbol.name, strings);
    if (symbol.name === 0 || symbol.kind === undefined || symbol.section === SECTION_UNDEFINED) continue;
    if (symbol.section < SECTION_RESERVED || symbol.section === SECTION_ABSOLUTE) found.push(symbol);
  }
  found.sort(compare);
  return {
    addresses: BigUint64Array.from(found, ({ high, low }) => (BigInt(high) << 32n) | BigInt(low)),
    sizes: Float64Array.from(found, ({ size }) => size),
    kinds: Uint8Array.from(found, ({ kind }) => kind ?? 0),
    bindings: Uint8Array.from(found, ({ binding }) => binding),
    sections: Uint16Array.from(found, ({ section }) => section),
    names: Uint32Array.from(found, ({ name }) => name),
    strings: strings.bytes,
    located: found.filter(({ section }) => section !== SECTION_ABSOLUTE).length,
  };
}

interface RawSymbol {
  readonly name: number;
  /** The address in two halves: numbers compare faster than bigints, and a kernel has a hundred thousand symbols. */
  readonly low: number;
  readonly high: number;
  readonly size: number;
  readonly kind: number | undefined;
  readonly binding: number;
  readonly section: number;
}

/** By address; at one address functions after objects after labels, then global after weak after local, then the longer one. */
function compare(a: RawSymbol, b: RawSymbol): number {
  return (
    Number(a.section === SECTION_ABSOLUTE) - Number(b.section === SECTION_ABSOLUTE) ||
    a.high - b.high ||
    a.low - b.low ||
    (a.kind ?? 0) - (b.kind ?? 0) ||
    a.binding - b.binding ||
    a.size - b.size
  );
}

function nameOutside(section: Contents, at: number, name: number, strings: Contents): StartOfDayError {
  return new StartOfDayError({
    code: 'symbol-name',
    blame: 'user',
    title: `A symbol of ${section.name} has its name outside of ${strings.name}`,
    detail: `File offset ${hex(section.offset + at)}, st_name: ${hex(name)}, and ${strings.name} has ${hex(strings.bytes.length)} bytes`,
    mend: 'Link the image again: its symbol table is damaged.',
  });
}
