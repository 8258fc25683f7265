import * as layout from '../cpu/layout.ts';
import type { CpuState } from '../cpu/state.ts';
import { Emitter } from '../util/emitter.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';

/** A range of guest physical memory that the host has changed. */
export interface WrittenRange {
  /** Physical address. */
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

/** Guest physical memory as loaders and the debugger see it: they touch no device and set no accessed bit (invariant 5). */
export class PhysicalMemory {
  /** The whole of it, live: index is the physical address. For readers; writers use {@link write}. */
  readonly bytes: Uint8Array;
  /** After a write by the host: whoever caches code or translations must look again. */
  readonly onWrite = new Emitter<WrittenRange>();
  private readonly view: DataView;

  constructor(state: CpuState) {
    this.bytes = state.bytes.subarray(layout.RAM, layout.RAM + state.ramSize);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  /** Bytes. */
  get size(): number {
    return this.bytes.length;
  }

  contains(address: number, length: number): boolean {
    return address >= 0 && length >= 0 && address + length <= this.size;
  }

  /** A copy of `length` bytes. Throws `memory-out-of-range`. */
  read(address: number, length: number): Uint8Array {
    this.check(address, length);
    return this.bytes.slice(address, address + length);
  }

  /** Throws `memory-out-of-range`, and then nothing was written. */
  write(address: number, bytes: Uint8Array): void {
    this.check(address, bytes.length);
    this.bytes.set(bytes, address);
    this.onWrite.fire({ address, length: bytes.length });
  }

  /** Unsigned, little-endian. Throws `memory-out-of-range`. */
  read8(address: number): number {
    this.check(address, 1);
    return this.view.getUint8(address);
  }
  read16(address: number): number {
    this.check(address, 2);
    return this.view.getUint16(address, true);
  }
  read32(address: number): number {
    this.check(address, 4);
    return this.view.getUint32(address, true);
  }

  private check(address: number, length: number): void {
    if (this.contains(address, length)) return;
    throw new StartOfDayError({
      code: 'memory-out-of-range',
      blame: 'user',
      title: `phys:${hex(address, 8)} is outside the machine's memory`,
      detail: `${length} bytes were asked for; memory is phys:0x00000000 … phys:${hex(this.size - 1, 8)}`,
      mend: 'Choose an address below the size of memory, or give the machine more memory.',
    });
  }
}
