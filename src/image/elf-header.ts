import type { ByteReader } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';
import type { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import { elfError } from './elf-errors.ts';
import type { ElfProblem } from './elf-errors.ts';
import { ELF_LAYOUTS, MACHINE, MACHINE_NAMES } from './elf-layout.ts';

/** Where a header table lies. */
export interface ElfTable {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly count: number;
  /** Bytes of one entry. */
  readonly entrySize: number;
}

export interface ElfHeader {
  readonly bits: 32 | 64;
  /** e_type: 1 relocatable, 2 executable, 3 shared object. */
  readonly type: number;
  /** e_machine. */
  readonly machine: number;
  /** e_entry: linear, as linked. */
  readonly entry: bigint;
  readonly segments: ElfTable;
  readonly sections: ElfTable & { readonly nameIndex: number };
}

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];
const EI_CLASS = 4;
const EI_DATA = 5;
const ELFDATA2LSB = 1;
/** e_phnum and e_shstrndx values that mean "see section header 0" (System V ABI, chapter 4). */
const PN_XNUM = 0xffff;
const SHN_XINDEX = 0xffff;

/** True when the file begins with the ELF magic number. */
export function hasElfMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Reads and checks the ELF header; the program header table is then known to lie in the file. Throws StartOfDayError. */
export function readElfHeader(reader: ByteReader): ElfHeader {
  const refuse = (problem: ElfProblem): StartOfDayError => elfError(reader.name, problem);
  if (!hasElfMagic(reader.bytes))
    throw refuse({
      code: 'not-elf',
      title: 'is not an ELF file',
      field: 'e_ident[EI_MAG0]',
      offset: '0x0',
      found:
        [...reader.bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ') || 'not there',
      needed: '7f 45 4c 46',
      mend: 'Give the ELF file that the linker wrote.',
    });
  const bits = readClass(reader);
  const raw = reader.fields(ELF_LAYOUTS[bits].header, 0, 'the ELF header');
  if (raw.e_machine !== (bits === 32 ? MACHINE.i386 : MACHINE.x86_64))
    throw refuse({
      code: 'elf-machine',
      title: `is a ${bits}-bit ELF file for ${MACHINE_NAMES[raw.e_machine] ?? `machine ${raw.e_machine}`}`,
      field: 'e_machine',
      offset: '0x12',
      found: raw.e_machine.toString(),
      needed: '3 (Intel 80386, 32-bit) or 62 (x86-64, 64-bit)',
      mend: 'Build the kernel for the x86.',
    });
  const first = firstSection(reader, bits, Number(raw.e_shoff));
  const segments = {
    offset: Number(raw.e_phoff),
    count: raw.e_phnum === PN_XNUM ? (first?.sh_info ?? 0) : raw.e_phnum,
    entrySize: raw.e_phentsize,
  };
  checkSegmentTable(reader, bits, segments);
  return {
    bits,
    type: raw.e_type,
    machine: raw.e_machine,
    entry: BigInt(raw.e_entry),
    segments,
    sections: {
      offset: Number(raw.e_shoff),
      count: first === undefined ? 0 : raw.e_shnum === 0 ? Number(first.sh_size) : raw.e_shnum,
      entrySize: raw.e_shentsize,
      nameIndex: raw.e_shstrndx === SHN_XINDEX ? (first?.sh_link ?? 0) : raw.e_shstrndx,
    },
  };
}

function readClass(reader: ByteReader): 32 | 64 {
  const elfClass = reader.u8(EI_CLASS, 'e_ident[EI_CLASS]');
  if (elfClass !== 1 && elfClass !== 2)
    throw elfError(reader.name, {
      code: 'elf-class',
      title: 'is neither a 32-bit nor a 64-bit ELF file',
      field: 'e_ident[EI_CLASS]',
      offset: '0x4',
      found: elfClass.toString(),
      needed: '1 (32-bit) or 2 (64-bit)',
      mend: 'Link the kernel again: its ELF header is damaged.',
    });
  const encoding = reader.u8(EI_DATA, 'e_ident[EI_DATA]');
  if (encoding !== ELFDATA2LSB)
    throw elfError(reader.name, {
      code: 'elf-byte-order',
      title: encoding === 2 ? 'is a big-endian ELF file' : 'is an ELF file of unknown byte order',
      field: 'e_ident[EI_DATA]',
      offset: '0x5',
      found: encoding.toString(),
      needed: '1 (little-endian)',
      mend: 'Build the kernel for the x86, which is little-endian.',
    });
  return elfClass === 1 ? 32 : 64;
}

function checkSegmentTable(reader: ByteReader, bits: 32 | 64, table: ElfTable): void {
  const layouts = ELF_LAYOUTS[bits];
  const needed = layoutSize(layouts.segment);
  if (table.count > 0 && table.entrySize !== needed)
    throw elfError(reader.name, {
      code: 'elf-entry-size',
      title: 'has program headers of the wrong size',
      field: 'e_phentsize',
      offset: hex(layouts.header.e_phentsize[0]),
      found: table.entrySize.toString(),
      needed: `${needed}, the size of a ${bits}-bit program header`,
      mend: 'Link the kernel again: its ELF header is damaged.',
    });
  if (!reader.has(table.offset, table.count * table.entrySize))
    throw elfError(reader.name, {
      code: 'elf-program-headers',
      title: 'has its program header table past its end',
      field: 'e_phoff',
      offset: hex(layouts.header.e_phoff[0]),
      found: `${hex(table.offset)}, so that ${count(table.count)} entries of ${table.entrySize} bytes end at ${hex(table.offset + table.count * table.entrySize)}`,
      needed: `an end within the file's ${count(reader.length)} bytes`,
      mend: 'Build or copy the file again: it is cut short, or its headers are damaged.',
    });
}

/** Section header 0, which holds the counts that do not fit in the ELF header; undefined when there is no section header table. */
function firstSection(reader: ByteReader, bits: 32 | 64, offset: number): SectionCounts | undefined {
  if (offset === 0) return undefined;
  const layout = ELF_LAYOUTS[bits].section;
  // A table past the end is told by whoever asks for sections: a kernel can be loaded without them.
  return reader.has(offset, layoutSize(layout)) ? reader.fields(layout, offset, 'section header 0') : NO_COUNTS;
}

interface SectionCounts {
  readonly sh_size: number | bigint;
  readonly sh_link: number;
  readonly sh_info: number;
}

const NO_COUNTS: SectionCounts = { sh_size: 0, sh_link: 0, sh_info: 0 };
