import type { Fields } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';
import type { ByteReader } from '../util/bytes.ts';

/** The Multiboot 1 header (Multiboot 0.6.96, 3.1), offsets in bytes from its start. */
export const HEADER_LAYOUT = { magic: [0, 'u32'], flags: [4, 'u32'], checksum: [8, 'u32'] } as const;

/** Address fields, there with flags bit 16 (3.1.3). */
export const ADDRESS_LAYOUT = {
  header_addr: [12, 'u32'],
  load_addr: [16, 'u32'],
  load_end_addr: [20, 'u32'],
  bss_end_addr: [24, 'u32'],
  entry_addr: [28, 'u32'],
} as const;

/** Graphics fields, there with flags bit 2 (3.1.4). */
export const VIDEO_LAYOUT = {
  mode_type: [32, 'u32'],
  width: [36, 'u32'],
  height: [40, 'u32'],
  depth: [44, 'u32'],
} as const;

export const HEADER_MAGIC = 0x1badb002;
/** The header lies wholly in this many bytes from the start of the file. */
export const SEARCH_LENGTH = 8192;

export const HEADER_FLAG = {
  pageAlign: 1 << 0,
  memoryInfo: 1 << 1,
  videoMode: 1 << 2,
  addresses: 1 << 16,
} as const;

/** Bits 0 to 15 are requirements; a loader must refuse those it does not know (3.1.2). */
const REQUIREMENTS = 0xffff;
const KNOWN_REQUIREMENTS = HEADER_FLAG.pageAlign | HEADER_FLAG.memoryInfo | HEADER_FLAG.videoMode;

export interface MultibootHeader {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly flags: number;
  readonly checksum: number;
  /** With flags bit 16. */
  readonly addresses: Fields<typeof ADDRESS_LAYOUT> | undefined;
  /** With flags bit 2. */
  readonly video: Fields<typeof VIDEO_LAYOUT> | undefined;
}

/** The three words of a header, before anything else of it is believed. */
export interface HeaderWords {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly flags: number;
  readonly checksum: number;
}

/** What stands where a header should be, but is none: the diagnosis of a file without a header. */
export interface NearHeader extends HeaderWords {
  readonly problem: 'wrong checksum' | 'unaligned' | 'too far' | 'cut';
}

export interface HeaderSearch {
  readonly header: MultibootHeader | undefined;
  /** The most telling near miss; undefined when there is a header or no trace of one. */
  readonly near: NearHeader | undefined;
}

/**
 * The first header that is aligned, lies in the first 8192 bytes and has a right checksum. A magic number with a wrong
 * checksum is passed over, as loaders do: four bytes of code may look like it.
 */
export function findMultibootHeader(reader: ByteReader): HeaderSearch {
  const misses: NearHeader[] = [];
  const searched = Math.min(SEARCH_LENGTH, reader.length);
  for (const words of magicWords(reader, 0, searched)) {
    const right = checksumSum(words) === 0;
    if (words.offset % 4 !== 0) {
      if (right) misses.push({ ...words, problem: 'unaligned' });
      continue;
    }
    if (!right) {
      misses.push({ ...words, problem: 'wrong checksum' });
      continue;
    }
    if (words.offset + headerSize(words.flags) <= searched)
      return { header: readHeader(reader, words), near: undefined };
    misses.push({ ...words, problem: 'cut' });
  }
  for (const words of magicWords(reader, searched - layoutSize(HEADER_LAYOUT) + 1, reader.length))
    if (checksumSum(words) === 0) {
      misses.push({ ...words, problem: 'too far' });
      break;
    }
  return { header: undefined, near: misses.find((miss) => miss.problem !== 'wrong checksum') ?? misses[0] };
}

/** magic + flags + checksum, 32 bits; 0 in a header. */
export function checksumSum(words: HeaderWords): number {
  return (HEADER_MAGIC + words.flags + words.checksum) >>> 0;
}

/** The checksum that belongs to these flags. */
export function checksumFor(flags: number): number {
  return -(HEADER_MAGIC + flags) >>> 0;
}

/** The lowest requirement bit that Multiboot 0.6.96 does not define; undefined when all are known. */
export function unknownRequirement(flags: number): number | undefined {
  const unknown = flags & REQUIREMENTS & ~KNOWN_REQUIREMENTS;
  return unknown === 0 ? undefined : 31 - Math.clz32(unknown & -unknown);
}

/** Bytes of a header with these flags. */
function headerSize(flags: number): number {
  if ((flags & HEADER_FLAG.videoMode) !== 0) return layoutSize(VIDEO_LAYOUT);
  return layoutSize((flags & HEADER_FLAG.addresses) !== 0 ? ADDRESS_LAYOUT : HEADER_LAYOUT);
}

function readHeader(reader: ByteReader, words: HeaderWords): MultibootHeader {
  const { offset, flags } = words;
  return {
    ...words,
    addresses:
      (flags & HEADER_FLAG.addresses) !== 0 ? reader.fields(ADDRESS_LAYOUT, offset, 'the Multiboot header') : undefined,
    video:
      (flags & HEADER_FLAG.videoMode) !== 0 ? reader.fields(VIDEO_LAYOUT, offset, 'the Multiboot header') : undefined,
  };
}

/** Every place from `start` on where the magic number and the two words behind it lie before `end`, at any alignment. */
function* magicWords(reader: ByteReader, start: number, end: number): Generator<HeaderWords> {
  const { bytes } = reader;
  const lowest = HEADER_MAGIC & 0xff;
  const last = end - layoutSize(HEADER_LAYOUT);
  for (let at = bytes.indexOf(lowest, Math.max(0, start)); at >= 0 && at <= last; at = bytes.indexOf(lowest, at + 1)) {
    if (reader.u32(at, 'magic') !== HEADER_MAGIC) continue;
    const { flags, checksum } = reader.fields(HEADER_LAYOUT, at, 'the Multiboot header');
    yield { offset: at, flags, checksum };
  }
}
