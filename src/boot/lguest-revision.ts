import { LGUEST_INTERFACES, type LguestRevision } from '../abi/lguest.ts';
import type { ElfFile } from '../image/elf.ts';
import { ByteReader, indexOfBytes } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import { findBanner } from './linux-kernel.ts';
import type { RecognisedField } from './protocol.ts';

/** The releases from which on a revision holds, for those that begin like another one. */
const SINCE: Readonly<Partial<Record<LguestRevision, readonly [number, number, number]>>> = {
  '2.6.30': [2, 6, 30],
  '2.6.32': [2, 6, 31],
  '3.2': [3, 2, 0],
  '4.4': [4, 1, 0],
};

/** Which of several revisions an image has, and what says so. */
export interface FoundRevision {
  readonly revision: LguestRevision;
  readonly fields: readonly RecognisedField[];
}

/**
 * Of revisions whose entry code is the same, the one with an `lguest_data` of the size that the image's symbol table gives; without symbols
 * the one of the release that the kernel's banner names; else the first of `candidates`.
 */
export function revisionOf(
  image: KernelImage,
  candidates: readonly [LguestRevision, ...LguestRevision[]],
): FoundRevision {
  const [usual] = candidates;
  const { elf } = image;
  const data = elf instanceof StartOfDayError ? undefined : symbolSize(elf, 'lguest_data');
  if (data !== undefined) {
    const found = candidates.find((revision) => LGUEST_INTERFACES[revision].data.size === data.size);
    const meaning =
      found === undefined
        ? `bytes: no revision that begins so has that; taken for ${usual}`
        : `bytes, as in Linux ${found}`;
    return {
      revision: found ?? usual,
      fields: [{ name: 'lguest_data', offset: data.offset, value: hex(data.size), meaning, verdict: 'information' }],
    };
  }
  const banner = candidates.length > 1 ? findBanner(image) : undefined;
  const release = banner === undefined ? undefined : releaseOf(banner.text);
  if (banner === undefined || release === undefined) return { revision: usual, fields: [] };
  const revision = latest(candidates, release) ?? usual;
  const meaning = `interface of Linux ${revision}`;
  return {
    revision,
    fields: [{ name: 'banner', offset: banner.offset, value: banner.text, meaning, verdict: 'information' }],
  };
}

/** A function of lguest's guest code that only kernels with CONFIG_X86_PAE have (arch/x86/lguest/boot.c). */
const PAE_FUNCTION = 'lguest_pmd_clear';

/** The kernel's symbol table shows that it wants page tables of three levels. */
export function wantsPae({ elf }: KernelImage): boolean {
  return !(elf instanceof StartOfDayError) && symbolSize(elf, PAE_FUNCTION) !== undefined;
}

/** The last candidate that is not newer than a release. */
function latest(candidates: readonly LguestRevision[], release: readonly number[]): LguestRevision | undefined {
  const known = candidates.filter((revision) => {
    const since = SINCE[revision] ?? [0, 0, 0];
    const different = since.findIndex((part, n) => part !== (release[n] ?? 0));
    return different < 0 || (since[different] ?? 0) < (release[different] ?? 0);
  });
  const order = Object.keys(LGUEST_INTERFACES);
  return known.sort((a, b) => order.indexOf(a) - order.indexOf(b)).at(-1);
}

/** "Linux version 2.6.32-5-686" as numbers. */
function releaseOf(banner: string): readonly number[] | undefined {
  const found = /^Linux version (\d+)\.(\d+)(?:\.(\d+))?/.exec(banner);
  return found?.slice(1).map((part: string | undefined) => Number(part ?? 0));
}

/** Size of a symbol, and where in the file it stands (ELF32 specification, "Symbol Table"). */
function symbolSize(elf: ElfFile, name: string): { readonly size: number; readonly offset: number } | undefined {
  try {
    const [symbols, strings] = [elf.section('.symtab'), elf.section('.strtab')];
    if (symbols === undefined || strings === undefined) return undefined;
    const at = indexOfBytes(strings.bytes, new TextEncoder().encode(`\0${name}\0`)) + 1;
    if (at === 0) return undefined;
    const reader = new ByteReader(elf.name, symbols.bytes);
    for (let entry = 0; reader.has(entry, 16); entry += 16)
      if (reader.u32(entry, 'st_name') === at)
        return { size: reader.u32(entry + 8, 'st_size'), offset: symbols.offset + entry + 8 };
    return undefined;
  } catch (error) {
    if (error instanceof StartOfDayError) return undefined;
    throw error;
  }
}
