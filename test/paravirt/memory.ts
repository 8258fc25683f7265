import type { ElfFile } from '../../src/image/elf.ts';
import type { ReadMemory } from '../../src/paravirt/tables.ts';

/** Memory as a loader leaves it: the segments of the file, zero behind them, nothing elsewhere. Bytes can be set. */
export class ImageMemory {
  private readonly segments: readonly { readonly address: bigint; readonly bytes: Uint8Array }[];

  constructor(elf: ElfFile) {
    this.segments = elf.loads.map(({ address, size, bytes }) => {
      const memory = new Uint8Array(size);
      memory.set(bytes);
      return { address, bytes: memory };
    });
  }

  readonly read: ReadMemory = (address, length) => {
    const found = this.segments.find(
      (segment) => address >= segment.address && address < segment.address + BigInt(segment.bytes.length),
    );
    const offset = Number(address - (found?.address ?? address));
    return found?.bytes.slice(offset, offset + length) ?? new Uint8Array();
  };

  /** Stores a pointer of 4 bytes, as the guest would. */
  store32(address: bigint, value: bigint): void {
    for (const { address: start, bytes } of this.segments)
      if (address >= start && address < start + BigInt(bytes.length))
        new DataView(bytes.buffer).setUint32(Number(address - start), Number(value), true);
  }
}
