import type { DeviceState, ReportGap } from '../device.ts';
import { hex } from '../../util/hex.ts';

/** A register of a configuration space; what no register covers reads zero. */
export interface PciRegister {
  /** 0..255, a multiple of `bytes`. */
  readonly offset: number;
  readonly bytes: 1 | 2 | 4;
  readonly value: number;
  /** Bits that keep what is written. Default none. */
  readonly writable?: number;
  /** Bits that writing 1 clears. Default none. */
  readonly clears?: number;
}

/** From here on a configuration space is the device's own; the header before it is written all over by those who look for devices. */
const DEVICE_SPECIFIC = 0x40;

/** The 256 bytes of one PCI function's configuration space (PCI Local Bus Specification 2.1, chapter 6). */
export class PciFunction {
  /** "00:01.3": bus, device, function. */
  readonly place: string;
  private readonly report: ReportGap;
  private readonly values = new Uint8Array(256);
  private readonly writable = new Uint8Array(256);
  private readonly clears = new Uint8Array(256);

  constructor(place: string, registers: readonly PciRegister[], report: ReportGap) {
    this.place = place;
    this.report = report;
    for (const { offset, bytes, value, writable = 0, clears = 0 } of registers)
      for (let byte = 0; byte < bytes; byte++) {
        this.values[offset + byte] = value >>> (byte * 8);
        this.writable[offset + byte] = writable >>> (byte * 8);
        this.clears[offset + byte] = clears >>> (byte * 8);
      }
  }

  /** One byte. */
  read(offset: number): number {
    return this.values[offset] ?? 0;
  }

  /** One byte. Reported where it would change what this machine does not have. */
  write(offset: number, value: number): void {
    const old = this.read(offset);
    const writable = this.writable[offset] ?? 0;
    const clears = this.clears[offset] ?? 0;
    if (offset >= DEVICE_SPECIFIC && ((old ^ value) & ~writable & ~clears & 0xff) !== 0)
      this.report(`PCI ${this.place}: write of ${hex(value, 2)} to configuration register ${hex(offset, 2)}`);
    this.values[offset] = ((old & ~writable) | (value & writable)) & ~(value & clears);
  }

  save(): DeviceState {
    return { values: [...this.values] };
  }

  restore(state: DeviceState): void {
    this.values.set(state['values'] as readonly number[]);
  }
}
