import { LOW_END, memoryMap, MIB, type MemoryRange } from '../machine/firmware/memory-map.ts';
import { alignUp } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, hex } from '../util/hex.ts';
import type { LoadedRegion } from './protocol.ts';

export { memoryMap, MIB, type MemoryRange };

/** Devices of a PC are mapped above: no machine has more memory. */
const MOST_MEMORY = 0xc0000000;

/** Who lies where in physical memory while a boot is planned. */
export class MemoryLayout {
  /** Bytes. */
  readonly memory: number;
  readonly map: readonly MemoryRange[];
  private readonly taken: LoadedRegion[] = [];

  /** Throws `memory-size` below 1 MiB. */
  constructor(memory: number) {
    if (memory < MIB)
      throw new StartOfDayError({
        code: 'memory-size',
        blame: 'user',
        title: `${binarySize(memory)} of memory is too little`,
        detail: `"memory" is ${binarySize(memory)}; a PC has at least 1 MiB`,
        mend: 'Set "memory": "128M".',
      });
    this.memory = memory;
    this.map = memoryMap(memory);
  }

  /** Everything that was placed, in the order it was. */
  get regions(): readonly LoadedRegion[] {
    return this.taken;
  }

  /** First byte behind all that lies above 1 MiB. */
  get end(): number {
    return this.taken.reduce((end, region) => Math.max(end, region.address + region.size), MIB);
  }

  /** Takes the addresses that a kernel was linked for, before anything is placed. Throws when memory is not there or wanted twice. */
  claim(regions: readonly LoadedRegion[]): void {
    for (const region of regions) this.checkAvailable(region);
    // Neighbours are enough, and a file may have any number of segments.
    const sorted = [...regions].sort((a, b) => a.address - b.address);
    sorted.reduce<LoadedRegion | undefined>((below, region) => {
      if (below !== undefined && region.address < below.address + below.size) throw overlap(below, region);
      return region;
    }, undefined);
    for (const region of regions) this.taken.push(region);
  }

  /**
   * Finds the lowest free available memory from `lowest` on and takes it; undefined when there is none. `size` in bytes;
   * an empty region takes an address and no memory.
   */
  place(name: string, bytes: Uint8Array, alignment: number, lowest: number, size = bytes.length): number | undefined {
    for (const range of this.map) {
      if (range.type !== 1) continue;
      let address = alignUp(Math.max(lowest, range.address), alignment);
      for (let blocker = this.blocker(address, size); blocker !== undefined; blocker = this.blocker(address, size))
        address = alignUp(blocker.address + blocker.size, alignment);
      if (address + size > range.address + range.size) continue;
      this.taken.push({ name, bytes, address, size });
      return address;
    }
    return undefined;
  }

  /**
   * Finds the highest free available memory above 1 MiB that ends at or below `end` and takes it; undefined when there is none. `end` is a
   * physical address, the first that is not for it.
   */
  placeHigh(name: string, bytes: Uint8Array, alignment: number, end: number): number | undefined {
    const size = bytes.length;
    const range = this.map.findLast(({ type, address }) => type === 1 && address >= MIB);
    if (range === undefined) return undefined;
    const down = (limit: number): number => Math.floor((limit - size) / alignment) * alignment;
    let address = down(Math.min(end, range.address + range.size));
    for (let blocker = this.blocker(address, size); blocker !== undefined; blocker = this.blocker(address, size))
      address = down(blocker.address);
    if (address < range.address) return undefined;
    this.taken.push({ name, bytes, address, size });
    return address;
  }

  /** Puts bytes into memory that {@link place} has taken before. */
  fill(name: string, address: number, bytes: Uint8Array): void {
    this.taken.push({ name, bytes, address, size: bytes.length });
  }

  private checkAvailable(region: LoadedRegion): void {
    const end = region.address + region.size;
    if (end > this.memory && region.address >= LOW_END) throw this.tooLarge(region);
    const available = this.map.filter(({ type }) => type === 1);
    if (available.some((range) => region.address >= range.address && end <= range.address + range.size)) return;
    throw new StartOfDayError({
      code: 'image-no-memory',
      blame: 'user',
      title: `${region.name} lies where a PC has no memory`,
      detail: `It covers physical ${hex(region.address, 8)} … ${hex(end - 1, 8)}; from ${hex(LOW_END, 8)} to 0x000fffff are firmware data, video memory and ROM`,
      mend: 'Link the kernel at 1 MiB or above.',
    });
  }

  private blocker(address: number, size: number): LoadedRegion | undefined {
    return this.taken.find((one) => address < one.address + one.size && one.address < address + size);
  }

  private tooLarge(region: LoadedRegion): StartOfDayError {
    const end = region.address + region.size;
    const zeros = region.size > region.bytes.length ? ' with .bss' : '';
    return new StartOfDayError({
      code: 'image-too-large',
      blame: 'user',
      title: `The kernel does not fit in ${binarySize(this.memory)}`,
      detail: `${region.name} ends at physical ${hex(end, 8)} (${binarySize(end)}${zeros}); memory ends at ${hex(this.memory, 8)}`,
      mend: memoryMend(end),
    });
  }
}

function overlap(below: LoadedRegion, above: LoadedRegion): StartOfDayError {
  const range = ({ address, size }: LoadedRegion): string => `${hex(address, 8)} … ${hex(address + size - 1, 8)}`;
  return new StartOfDayError({
    code: 'image-overlap',
    blame: 'user',
    title: `${above.name} covers part of ${below.name}`,
    detail: `${above.name} is at physical ${range(above)}, ${below.name} at ${range(below)}`,
    mend: 'Give each a physical address of its own with AT() in the linker script.',
  });
}

/** What to do when memory would have to reach up to `end`. */
export function memoryMend(end: number): string {
  if (end > MOST_MEMORY)
    return 'A machine has at most 3 GiB: give the sections a physical load address with AT() in the linker script.';
  const mebibytes = 2 ** Math.ceil(Math.log2(end / MIB));
  return `Set "memory": "${mebibytes > 2048 ? '3G' : `${mebibytes}M`}" or more.`;
}
