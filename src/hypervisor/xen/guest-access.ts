import type { Cpu } from '../../cpu/cpu.ts';
import { CpuFault } from '../../cpu/fault.ts';
import { hex } from '../../util/hex.ts';
import { XenError } from './xen-error.ts';

/** Most bytes that one hypercall takes from or gives to a guest at once. */
export const LONGEST_COPY = 0x10000;

/** Guest memory by linear address, as hypercalls name it: -EFAULT where the guest could not touch it itself. */
export class GuestAccess {
  private readonly cpu: Cpu;
  private readonly limit: number;

  /** `limit`: the first linear address that is the hypervisor's; 2^32 where there is none. */
  constructor(cpu: Cpu, limit: number) {
    this.cpu = cpu;
    this.limit = limit;
  }

  read8(linear: number): number {
    return this.touch(linear, 1, () => this.cpu.memory.read(linear, 8, true));
  }
  read16(linear: number): number {
    return this.touch(linear, 2, () => this.cpu.memory.read(linear, 16, true));
  }
  read32(linear: number): number {
    return this.touch(linear, 4, () => this.cpu.memory.read(linear, 32, true)) >>> 0;
  }
  read64(linear: number): bigint {
    return BigInt(this.read32(linear)) | (BigInt(this.read32(linear + 4)) << 32n);
  }

  write8(linear: number, value: number): void {
    this.touch(linear, 1, () => this.cpu.memory.write(linear, 8, value & 0xff, true));
  }
  write16(linear: number, value: number): void {
    this.touch(linear, 2, () => this.cpu.memory.write(linear, 16, value & 0xffff, true));
  }
  write32(linear: number, value: number): void {
    this.touch(linear, 4, () => this.cpu.memory.write(linear, 32, value >>> 0, true));
  }
  write64(linear: number, value: bigint): void {
    this.write32(linear, Number(value & 0xffffffffn));
    this.write32(linear + 4, Number((value >> 32n) & 0xffffffffn));
  }

  /** At most {@link LONGEST_COPY} bytes. */
  bytes(linear: number, length: number): Uint8Array {
    return Uint8Array.from({ length: Math.min(length, LONGEST_COPY) }, (_, n) => this.read8(linear + n));
  }
  copyTo(linear: number, bytes: Uint8Array): void {
    for (const [n, byte] of bytes.entries()) this.write8(linear + n, byte);
  }
  /** A text in a field of `size` bytes, zeros behind it. */
  textTo(linear: number, text: string, size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(new TextEncoder().encode(text).subarray(0, size - 1));
    this.copyTo(linear, bytes);
  }

  private touch<T>(linear: number, bytes: number, access: () => T): T {
    if (linear + bytes > this.limit)
      throw new XenError(
        'EFAULT',
        `linear ${hex(linear, 8)} is in Xen's part of the address space, from ${hex(this.limit, 8)} on`,
      );
    try {
      return access();
    } catch (error) {
      if (error instanceof CpuFault) throw new XenError('EFAULT', error.reason);
      throw error;
    }
  }
}
