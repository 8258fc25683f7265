import type { SymbolImage } from './image.ts';
import { readSymbolTable, SYMBOL_KINDS } from './symbol-table.ts';
import type { SymbolKind, SymbolTable } from './symbol-table.ts';

export interface ImageSymbol {
  readonly name: string;
  /** Linear address, or the value of an absolute symbol. */
  readonly address: bigint;
  /** Bytes; 0 when the symbol table does not say. */
  readonly size: number;
  readonly kind: SymbolKind;
  readonly binding: 'local' | 'weak' | 'global';
}

/** Where an address lies. */
export interface SymbolLocation {
  readonly name: string;
  /** Bytes from the start of the symbol. */
  readonly offset: number;
  /** Bytes of the symbol; 0 when the symbol table does not say. */
  readonly size: number;
}

const UTF8 = new TextDecoder();
const BINDINGS = ['local', 'weak', 'global'] as const;

/**
 * The symbols of an image, by address and by name.
 *
 * An address belongs to the nearest symbol at or before it that holds it by its size. A symbol without a size reaches to the next
 * symbol or the end of its section; the padding behind a symbol with one belongs to nobody. A label inside a sized function
 * does not hide the function. Of several at one address functions come before objects before labels, and global before local.
 */
export class ElfSymbols {
  private readonly table: SymbolTable;
  private readonly sectionEnds: readonly bigint[];
  /** The highest end of the sized symbols up to each one: says when a search backwards may stop. */
  private readonly ends: BigUint64Array;
  private byName: ReadonlyMap<string, number> | undefined;

  constructor(image: SymbolImage) {
    const table = readSymbolTable(image);
    this.table = table;
    this.sectionEnds = image.sections.map((section) => section.address + BigInt(section.size));
    this.ends = new BigUint64Array(table.located);
    let highest = 0n;
    for (let index = 0; index < table.located; index++) {
      const end = this.endOf(index);
      if (end > highest) highest = end;
      this.ends[index] = highest;
    }
  }

  /** The symbol that holds a linear address; undefined when none does. Absolute symbols hold no address. */
  lookup(address: bigint): SymbolLocation | undefined {
    const nearest = this.lastAtOrBefore(address);
    for (let index = nearest; index >= 0 && (this.ends[index] ?? 0n) > address; index--)
      if (this.endOf(index) > address) return this.location(index, address);
    if (nearest < 0 || this.table.sizes[nearest] !== 0) return undefined;
    const sectionEnd = this.sectionEnds[this.table.sections[nearest] ?? 0] ?? 0n;
    return address < sectionEnd ? this.location(nearest, address) : undefined;
  }

  /** Every symbol that starts at a linear address, the preferred one first. */
  startingAt(address: bigint): readonly ImageSymbol[] {
    const found: ImageSymbol[] = [];
    for (let index = this.lastAtOrBefore(address); this.table.addresses[index] === address; index--)
      found.push(this.symbol(index));
    return found;
  }

  /** The symbol of that name; the global one when several files have the name. */
  find(name: string): ImageSymbol | undefined {
    const index = this.nameIndex().get(name);
    return index === undefined ? undefined : this.symbol(index);
  }

  /** Linear address of a symbol, or the value of an absolute one. */
  addressOf(name: string): bigint | undefined {
    return this.find(name)?.address;
  }

  /** Each name once, by address. */
  names(): Iterable<string> {
    return this.nameIndex().keys();
  }

  private endOf(index: number): bigint {
    const end = (this.table.addresses[index] ?? 0n) + BigInt(this.table.sizes[index] ?? 0);
    return BigInt.asUintN(64, end) === end ? end : 0xffff_ffff_ffff_ffffn;
  }

  /** Index of the last symbol with an address that is not above `address`; -1 when there is none. */
  private lastAtOrBefore(address: bigint): number {
    let low = 0;
    let high = this.table.located;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.table.addresses[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private location(index: number, address: bigint): SymbolLocation {
    const { name, size, address: start } = this.symbol(index);
    return { name, offset: Number(address - start), size };
  }

  private symbol(index: number): ImageSymbol {
    const { table } = this;
    return {
      name: this.name(index),
      address: table.addresses[index] ?? 0n,
      size: table.sizes[index] ?? 0,
      kind: SYMBOL_KINDS[table.kinds[index] ?? 0] ?? 'label',
      binding: BINDINGS[table.bindings[index] ?? 0] ?? 'local',
    };
  }

  private name(index: number): string {
    const start = this.table.names[index] ?? 0;
    const end = this.table.strings.indexOf(0, start);
    return UTF8.decode(this.table.strings.subarray(start, end < 0 ? undefined : end));
  }

  private nameIndex(): ReadonlyMap<string, number> {
    if (this.byName !== undefined) return this.byName;
    const { bindings } = this.table;
    const byName = new Map<string, number>();
    for (let index = 0; index < bindings.length; index++) {
      const name = this.name(index);
      const before = byName.get(name);
      if (before === undefined || (bindings[index] ?? 0) > (bindings[before] ?? 0)) byName.set(name, index);
    }
    return (this.byName = byName);
  }
}
