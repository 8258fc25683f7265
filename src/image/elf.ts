import { ByteReader, layoutSize } from '../util/bytes.ts';
import { count, hex } from '../util/hex.ts';
import { elfError } from './elf-errors.ts';
import { readElfHeader } from './elf-header.ts';
import type { ElfHeader } from './elf-header.ts';
import { ELF_LAYOUTS, SECTION_TYPE, SEGMENT_TYPE } from './elf-layout.ts';
import { notesIn } from './elf-notes.ts';
import type { ElfNote } from './elf-notes.ts';

const CUT_SHORT = 'Build or copy the file again: it is cut short, or its headers are damaged.';

/** One entry of the program header table. */
export interface ElfSegment {
  readonly index: number;
  /** p_type; 1 is PT_LOAD. */
  readonly type: number;
  /** In the file, in bytes. */
  readonly offset: number;
  /** p_vaddr: linear. */
  readonly address: bigint;
  /** p_paddr: physical. */
  readonly physical: bigint;
  /** Bytes in the file. */
  readonly fileSize: number;
  /** Bytes in memory. */
  readonly size: number;
  readonly flags: number;
  readonly align: number;
  /** Contents in the file, a view. Throws when they reach past its end. */
  readonly bytes: Uint8Array;
}

/** One entry of the section header table. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** sh_type. */
  readonly type: number;
  readonly flags: number;
  /** Linear address at run time; 0 when the section is not loaded. */
  readonly address: bigint;
  /** In the file, in bytes. */
  readonly offset: number;
  /** Bytes in memory. */
  readonly size: number;
  readonly align: number;
  /** Contents in the file, a view; empty for NOBITS. Throws when they reach past its end. */
  readonly bytes: Uint8Array;
}

/**
 * An ELF file for the x86, 32 or 64 bit. Opening it checks the header and the program header table; sections, their names and
 * contents are read when somebody asks. Nothing is allocated by a length that the file's own size has not confirmed.
 */
export class ElfFile {
  readonly name: string;
  readonly header: ElfHeader;
  readonly segments: readonly ElfSegment[];
  private readonly reader: ByteReader;
  private sectionTable: readonly ElfSection[] | undefined;

  /** Throws StartOfDayError that names the first field that is wrong. */
  constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.reader = new ByteReader(name, bytes);
    this.header = readElfHeader(this.reader);
    this.segments = Array.from({ length: this.header.segments.count }, (_, index) => this.readSegment(index));
  }

  /** ELF class. */
  get bits(): 32 | 64 {
    return this.header.bits;
  }

  /** In the order of the section header table, whose entry 0 is empty. Throws when the table is past the end of the file. */
  get sections(): readonly ElfSection[] {
    this.sectionTable ??= this.readSections();
    return this.sectionTable;
  }

  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** PT_LOAD entries that occupy memory. */
  get loads(): readonly ElfSegment[] {
    return this.segments.filter((segment) => segment.type === SEGMENT_TYPE.load && segment.size > 0);
  }

  /** The notes of an owner, or all: those of PT_NOTE segments; when there are none, those of SHT_NOTE sections. */
  notes(owner?: string): ElfNote[] {
    const wanted = ({ name }: ElfNote): boolean => owner === undefined || name === owner;
    const segments = this.segments.filter((segment) => segment.type === SEGMENT_TYPE.note && segment.offset !== 0);
    const found = segments.flatMap((segment) => notesIn(segment.bytes, segment.offset, segment.align)).filter(wanted);
    if (found.length > 0) return found;
    return this.sections
      .filter((section) => section.type === SECTION_TYPE.note)
      .flatMap((section) => notesIn(section.bytes, section.offset, section.align))
      .filter(wanted);
  }

  /** The section header table as it stands in the file. */
  get sectionHeaderBytes(): Uint8Array {
    const { offset, count: entries, entrySize } = this.header.sections;
    return this.reader.slice(offset, entries * entrySize, 'the section header table');
  }

  private readSegment(index: number): ElfSegment {
    const at = this.header.segments.offset + index * this.header.segments.entrySize;
    const raw = this.reader.fields(ELF_LAYOUTS[this.bits].segment, at, `program header ${index}`);
    const segment = {
      index,
      type: raw.p_type,
      offset: Number(raw.p_offset),
      address: BigInt(raw.p_vaddr),
      physical: BigInt(raw.p_paddr),
      fileSize: Number(raw.p_filesz),
      size: Number(raw.p_memsz),
      flags: raw.p_flags,
      align: Number(raw.p_align),
    };
    const field = `p_filesz of program header ${index}`;
    const [fieldOffset] = ELF_LAYOUTS[this.bits].segment.p_filesz;
    const contents = (): Uint8Array => this.contents(segment.offset, segment.fileSize, field, at + fieldOffset);
    return withBytes(segment, contents);
  }

  private readSections(): readonly ElfSection[] {
    const { offset, count: entries, entrySize, nameIndex } = this.header.sections;
    const layout = ELF_LAYOUTS[this.bits].section;
    if (entries > 0 && entrySize !== layoutSize(layout))
      throw elfError(this.name, {
        code: 'elf-entry-size',
        title: 'has section headers of the wrong size',
        field: 'e_shentsize',
        offset: hex(ELF_LAYOUTS[this.bits].header.e_shentsize[0]),
        found: entrySize.toString(),
        needed: `${layoutSize(layout)}, the size of a ${this.bits}-bit section header`,
        mend: 'Link the kernel again: its ELF header is damaged.',
      });
    if (!this.reader.has(offset, entries * entrySize))
      throw elfError(this.name, {
        code: 'elf-section-table',
        title: 'has its section header table past its end',
        field: 'e_shoff',
        offset: hex(ELF_LAYOUTS[this.bits].header.e_shoff[0]),
        found: `${hex(offset)}, so that ${count(entries)} entries of ${entrySize} bytes end at ${hex(offset + entries * entrySize)}`,
        needed: `an end within the file's ${count(this.reader.length)} bytes`,
        mend: CUT_SHORT,
      });
    const rows = Array.from({ length: entries }, (_, index) => {
      const at = offset + index * entrySize;
      return { index, at, raw: this.reader.fields(layout, at, `section header ${index}`) };
    });
    const names = rows[nameIndex]?.raw;
    const namesAt = names === undefined ? 0 : Number(names.sh_offset);
    const namesEnd = names === undefined ? 0 : Math.min(this.reader.length, namesAt + Number(names.sh_size));
    return rows.map(({ index, at, raw }) => {
      const nameAt = namesAt + raw.sh_name;
      const section = {
        index,
        name: nameAt < namesEnd ? this.reader.cString(nameAt, namesEnd - nameAt, 'a section name') : '',
        type: raw.sh_type,
        flags: Number(raw.sh_flags),
        address: BigInt(raw.sh_addr),
        offset: Number(raw.sh_offset),
        size: Number(raw.sh_size),
        align: Number(raw.sh_addralign),
      };
      const occupied = section.type !== SECTION_TYPE.nobits && section.type !== SECTION_TYPE.null;
      const field = `sh_size of section ${index}${section.name === '' ? '' : ` (${section.name})`}`;
      return withBytes(section, () =>
        occupied ? this.contents(section.offset, section.size, field, at + layout.sh_size[0]) : new Uint8Array(),
      );
    });
  }

  private contents(offset: number, length: number, field: string, fieldOffset: number): Uint8Array {
    if (!this.reader.has(offset, length))
      throw elfError(this.name, {
        code: 'elf-contents',
        title: `ends before what ${field} counts`,
        field,
        offset: hex(fieldOffset),
        found: `${hex(length)}, so that the contents from ${hex(offset)} end at ${hex(offset + length)}`,
        needed: `an end within the file's ${count(this.reader.length)} bytes`,
        mend: CUT_SHORT,
      });
    return this.reader.slice(offset, length, field);
  }
}

/** Contents are looked at only when asked for: a damaged section that nobody needs harms nobody. */
function withBytes<T extends object>(fields: T, contents: () => Uint8Array): T & { readonly bytes: Uint8Array } {
  return Object.defineProperty(fields, 'bytes', { get: contents }) as T & { readonly bytes: Uint8Array };
}
