import type { ByteReader, Fields } from '../util/bytes.ts';
import {
  ALIGNMENT,
  ARCHITECTURE_I386,
  HEADER_LAYOUT,
  HEADER_MAGIC,
  HEADER_SIZE,
  SEARCH_LENGTH,
} from './multiboot2-layout.ts';
import type { HeaderTag, TagProblem } from './multiboot2-tags.ts';
import { readHeaderTags } from './multiboot2-tags.ts';

/** The four words, before anything else of the header is believed. */
export interface HeaderWords extends Fields<typeof HEADER_LAYOUT> {
  /** In the file, in bytes. */
  readonly offset: number;
}

export interface Multiboot2Header extends HeaderWords {
  /** In file order; those that could be read when there is a problem. */
  readonly tags: readonly HeaderTag[];
  /** The first thing that is wrong with the tags. */
  readonly problem: TagProblem | undefined;
}

/** What stands where a header should be, but is none. */
export interface NearHeader extends HeaderWords {
  readonly problem: 'wrong checksum' | 'unaligned' | 'too far' | 'other architecture';
}

export interface HeaderSearch {
  readonly header: Multiboot2Header | undefined;
  /** The most telling near miss; undefined when there is a header or no trace of one. */
  readonly near: NearHeader | undefined;
}

/**
 * The first header for the x86 that is aligned, lies in the first 32768 bytes and has a right checksum. Others are passed over, as GRUB
 * does (multiboot_mbi2.c, find_header).
 */
export function findMultiboot2Header(reader: ByteReader): HeaderSearch {
  const misses: NearHeader[] = [];
  for (const words of magicWords(reader)) {
    const problem = problemOf(words);
    if (problem === undefined) return { header: { ...words, ...readHeaderTags(reader, words) }, near: undefined };
    misses.push({ ...words, problem });
  }
  return { header: undefined, near: misses.find(({ problem }) => problem !== 'wrong checksum') ?? misses[0] };
}

/** The sum of the four words, 32 bits; 0 in a header. */
export function checksumSum({ architecture, header_length, checksum }: HeaderWords): number {
  return (HEADER_MAGIC + architecture + header_length + checksum) >>> 0;
}

/** The checksum that belongs to these words. */
export function checksumFor(architecture: number, length: number): number {
  return -(HEADER_MAGIC + architecture + length) >>> 0;
}

function problemOf(words: HeaderWords): NearHeader['problem'] | undefined {
  if (checksumSum(words) !== 0) return 'wrong checksum';
  if (words.offset % ALIGNMENT !== 0) return 'unaligned';
  if (words.architecture !== ARCHITECTURE_I386) return 'other architecture';
  return words.offset + HEADER_SIZE > SEARCH_LENGTH ? 'too far' : undefined;
}

/**
 * Every place where the magic number stands and three words follow. Where the search of a loader has ended only those with a right
 * checksum count, and only the first: it is what a kernel's author looks for, and any file may hold the four bytes by chance.
 */
function* magicWords(reader: ByteReader): Generator<HeaderWords> {
  const { bytes } = reader;
  const lowest = HEADER_MAGIC & 0xff;
  const last = bytes.length - HEADER_SIZE;
  for (let at = bytes.indexOf(lowest); at >= 0 && at <= last; at = bytes.indexOf(lowest, at + 1)) {
    if (reader.u32(at, 'magic') !== HEADER_MAGIC) continue;
    const words = { offset: at, ...reader.fields(HEADER_LAYOUT, at, 'the Multiboot 2 header') };
    const beyond = at + HEADER_SIZE > SEARCH_LENGTH;
    if (beyond && checksumSum(words) !== 0) continue;
    yield words;
    if (beyond) return;
  }
}
