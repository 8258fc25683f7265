import { alignUp } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import type { MemoryRange } from './memory-layout.ts';

/** Where an image that can be moved wants to be (Multiboot 2.0, 3.1.13). Physical addresses. */
export interface RelocationWish {
  /** No byte of the image lies below. */
  readonly lowest: number;
  /** The image ends at or below. */
  readonly highest: number;
  /** Of the first byte; 0 is none. */
  readonly alignment: number;
  readonly preference: 'none' | 'lowest' | 'highest';
  /** File offset of the wish, for messages. */
  readonly offset: number;
}

export interface Relocated extends KernelPlacement {
  /** Physical address of the first byte, as linked and as loaded. */
  readonly linkBase: number;
  readonly loadBase: number;
}

/** Real-mode vectors and the data of the BIOS stay where they are. */
const LOWEST = 0x1000;

/**
 * Moves a kernel as a whole to an address it can run at, before anything else is placed. Without a preference it stays where it is linked
 * when that is allowed, so that its symbols need no bias. Throws when no available memory fits.
 */
export function relocate(
  kernel: KernelPlacement,
  wish: RelocationWish,
  map: readonly MemoryRange[],
  name: string,
): Relocated {
  const linkBase = Math.min(...kernel.regions.map(({ address }) => address));
  const size = Math.max(...kernel.regions.map((region) => region.address + region.size)) - linkBase;
  const alignment = Math.max(1, wish.alignment);
  const spans = map.flatMap((range) => {
    if (range.type !== 1) return [];
    const end = Math.min(range.address + range.size, wish.highest);
    const first = alignUp(Math.max(range.address, wish.lowest, LOWEST), alignment);
    const last = Math.floor((end - size) / alignment) * alignment;
    return first <= last ? [{ first, last }] : [];
  });
  const stays = spans.some(({ first, last }) => linkBase >= first && linkBase <= last) && linkBase % alignment === 0;
  const loadBase =
    wish.preference === 'highest'
      ? spans.at(-1)?.last
      : wish.preference === 'none' && stays
        ? linkBase
        : spans[0]?.first;
  if (loadBase === undefined)
    throw new StartOfDayError({
      code: 'relocatable-no-memory',
      blame: 'user',
      title: `No memory fits the relocatable tag of ${name}`,
      detail: `The tag at file offset ${hex(wish.offset)} allows ${hex(wish.lowest, 8)} … ${hex(wish.highest, 8)} at multiples of ${hex(alignment)}; the image has ${hex(size)} bytes, and available memory is ${availableText(map)}`,
      mend: 'Widen min_addr and max_addr of the tag, or give the machine more "memory".',
    });
  const shift = loadBase - linkBase;
  return {
    ...kernel,
    regions: kernel.regions.map((region) => ({ ...region, address: region.address + shift })),
    entry: kernel.entry + shift,
    bias: (kernel.bias - shift) >>> 0,
    linkBase,
    loadBase,
  };
}

function availableText(map: readonly MemoryRange[]): string {
  return map
    .filter(({ type }) => type === 1)
    .map(({ address, size }) => `${hex(address, 8)} … ${hex(address + size - 1, 8)}`)
    .join(', ');
}
