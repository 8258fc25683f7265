import { AT, OP_PLUS_UCONST, TAG } from './constants.ts';
import { damaged, SectionCursor } from './cursor.ts';
import { childrenOf, dimensionsOf, nameOf, numberOf } from './entries.ts';
import type { Entry, EntrySource } from './entries.ts';
import { typeName } from './type-name.ts';

export type MemberKind =
  'pointer' | 'function-pointer' | 'struct' | 'union' | 'array' | 'enumeration' | 'scalar' | 'unknown';

/** One member of a structure or union. */
export interface StructureMember {
  /** Empty for an anonymous structure or union. */
  readonly name: string;
  /** Bytes from the start of the structure or union that the member is in. Of a bit-field: of the byte with its lowest bit. */
  readonly offset: number;
  /** Bytes; of a bit-field those of its declared type. 0 when unknown, as for a flexible array. */
  readonly size: number;
  /** As in C, as GDB writes it: `void (*)(u32)`. */
  readonly typeName: string;
  readonly kind: MemberKind;
  /** Of a bit-field: its lowest bit in the byte at `offset`, and how many bits it has. */
  readonly bits?: { readonly offset: number; readonly size: number };
  /** Of a structure or union. */
  readonly members?: readonly StructureMember[];
}

/** The layout of a variable. */
export interface Structure {
  /** Of the variable. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly typeName: string;
  readonly members: readonly StructureMember[];
}

const MEMBERS: ReadonlySet<number> = new Set([TAG.member]);
/** Names for, or qualities of, another type. */
const TRANSPARENT: ReadonlySet<number> = new Set([
  TAG.typedef,
  TAG.constType,
  TAG.volatileType,
  TAG.restrictType,
  TAG.atomicType,
]);

/** More than any structure of a kernel has; a damaged file could nest without end. */
const MAXIMUM_MEMBERS = 50_000;
const MAXIMUM_DEPTH = 64;

/** Lays out a variable's type; undefined when it is no structure, or one that its file only declares. */
export function layOut(name: string, type: Entry, source: EntrySource): Structure | undefined {
  const reader = new LayoutReader(source);
  const structure = reader.strip(type);
  if (structure?.tag !== TAG.structureType || !structure.attributes.has(AT.byteSize)) return undefined;
  return {
    name,
    size: reader.sizeOf(structure),
    typeName: typeName(type, source),
    members: reader.members(structure, 0),
  };
}

class LayoutReader {
  private readonly source: EntrySource;
  private count = 0;

  constructor(source: EntrySource) {
    this.source = source;
  }

  members(parent: Entry, depth: number): readonly StructureMember[] {
    if (depth > MAXIMUM_DEPTH)
      throw damaged('.debug_info', parent.offset, `structures are nested more than ${MAXIMUM_DEPTH} deep`);
    return Array.from(childrenOf(parent, MEMBERS), (member) => this.member(member, depth));
  }

  private member(member: Entry, depth: number): StructureMember {
    if (++this.count > MAXIMUM_MEMBERS)
      throw damaged('.debug_info', member.offset, `a variable has more than ${MAXIMUM_MEMBERS} members`);
    const declared = this.source.follow(member, AT.type);
    const type = this.strip(declared);
    const kind = this.kindOf(type);
    const bits = this.bitField(member, type);
    return {
      name: nameOf(member) ?? '',
      offset: bits === undefined ? memberOffset(member) : Math.floor(bits.position / 8),
      size: type === undefined ? 0 : this.sizeOf(type),
      typeName: typeName(declared, this.source),
      kind,
      ...(bits === undefined ? {} : { bits: { offset: bits.position % 8, size: bits.size } }),
      ...(type !== undefined && (kind === 'struct' || kind === 'union')
        ? { members: this.members(type, depth + 1) }
        : {}),
    };
  }

  /** The type behind typedefs and qualifiers; the definition of a structure that is only declared here. Undefined for void. */
  strip(type: Entry | undefined): Entry | undefined {
    let at = type;
    for (let steps = 0; at !== undefined && TRANSPARENT.has(at.tag); steps++) {
      if (steps === MAXIMUM_DEPTH) throw damaged('.debug_info', at.offset, 'a type is named by itself');
      at = this.source.follow(at, AT.type);
    }
    return at?.attributes.has(AT.signature) === true ? this.source.follow(at, AT.signature) : at;
  }

  private kindOf(type: Entry | undefined): MemberKind {
    switch (type?.tag) {
      case TAG.pointerType:
        return this.strip(this.source.follow(type, AT.type))?.tag === TAG.subroutineType
          ? 'function-pointer'
          : 'pointer';
      case TAG.structureType:
        return 'struct';
      case TAG.unionType:
        return 'union';
      case TAG.arrayType:
        return 'array';
      case TAG.enumerationType:
        return 'enumeration';
      case TAG.baseType:
        return 'scalar';
      default:
        return 'unknown';
    }
  }

  /** Bytes of a type; 0 when unknown. */
  sizeOf(type: Entry, depth = 0): number {
    const size = numberOf(type, AT.byteSize);
    if (size !== undefined) return size;
    if (type.tag === TAG.pointerType) return type.unit.addressSize;
    if (type.tag !== TAG.arrayType || depth === MAXIMUM_DEPTH) return 0;
    const element = this.strip(this.source.follow(type, AT.type));
    const one = element === undefined ? 0 : this.sizeOf(element, depth + 1);
    return dimensionsOf(type).reduce<number>((bytes, count) => bytes * (count ?? 0), one);
  }

  /** Position of a bit-field's lowest bit from the start of the structure. */
  private bitField(member: Entry, type: Entry | undefined): { position: number; size: number } | undefined {
    const size = numberOf(member, AT.bitSize);
    if (size === undefined) return undefined;
    const position = numberOf(member, AT.dataBitOffset);
    if (position !== undefined) return { position, size };
    // DWARF 2 and 3 count from the highest bit of the storage unit (DWARF 3, 5.6.6).
    const storage = numberOf(member, AT.byteSize) ?? (type === undefined ? 0 : this.sizeOf(type));
    const fromTop = numberOf(member, AT.bitOffset) ?? 0;
    return { position: memberOffset(member) * 8 + storage * 8 - fromTop - size, size };
  }
}

/** DW_AT_data_member_location: absent in a union, a constant, or in DWARF 2 an expression that adds one. */
function memberOffset(member: Entry): number {
  const location = member.attributes.get(AT.dataMemberLocation);
  if (location === undefined) return 0;
  if (typeof location === 'number') return location;
  if (location instanceof Uint8Array && location[0] === OP_PLUS_UCONST)
    return new SectionCursor('DW_AT_data_member_location', location, 1).uleb();
  throw damaged('.debug_info', member.offset, `the place of member "${nameOf(member) ?? ''}" is computed at run time`);
}
