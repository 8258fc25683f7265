import type { ReadPhysical } from '../../src/boot/guest-memory.ts';
import type { LoadPlan } from '../../src/boot/protocol.ts';
import { StartOfDayError } from '../../src/util/errors.ts';

const MEMORY = 0x8000000;

/** Memory as a plan leaves it; zeros where it puts nothing. */
export function memoryOf({ regions }: LoadPlan): ReadPhysical {
  return (address, length) => {
    if (address + length > MEMORY)
      throw new StartOfDayError({ code: 'memory-out-of-range', blame: 'guest', title: 'outside memory' });
    const bytes = new Uint8Array(length);
    for (const region of regions) {
      const from = Math.max(address, region.address);
      const to = Math.min(address + length, region.address + region.bytes.length);
      if (from < to) bytes.set(region.bytes.subarray(from - region.address, to - region.address), from - address);
    }
    return bytes;
  };
}
