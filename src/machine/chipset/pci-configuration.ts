import type { AccessWidth } from '../../cpu/context.ts';
import type { Device, DeviceState, ReportGap } from '../device.ts';
import { chipsetFunctions } from './pci-chipset.ts';
import type { PciFunction } from './pci-function.ts';

const ADDRESS_PORT = 0xcf8;
const DATA_PORT = 0xcfc;

const ENABLE = 0x80000000;
/** Enable, bus, device, function, register. */
const ADDRESS_WRITABLE = 0x80fffffc;

/** PCI configuration mechanism 1 (PCI 2.1, 3.7.4.1) and the functions on bus 0. A function that is not there reads all ones. */
export class PciConfiguration implements Device {
  readonly name = 'PCI configuration';
  readonly ports = [
    { first: ADDRESS_PORT, last: ADDRESS_PORT },
    { first: DATA_PORT, last: DATA_PORT + 3 },
  ];
  readonly widest = 32;
  private readonly report: ReportGap;
  private readonly functions: ReadonlyMap<number, PciFunction>;
  private address = 0;

  constructor(report: ReportGap) {
    this.report = report;
    this.functions = chipsetFunctions(report);
  }

  portRead(port: number, width: AccessWidth): number {
    if (port === ADDRESS_PORT) {
      if (width === 32) return this.address;
      this.reportNarrow(width);
      return width === 16 ? 0xffff : 0xff;
    }
    const target = this.selected();
    let value = 0;
    for (let byte = width / 8 - 1; byte >= 0; byte--) {
      const offset = this.register(port + byte);
      value = value * 256 + (target === undefined || offset === undefined ? 0xff : target.read(offset));
    }
    return value;
  }

  portWrite(port: number, width: AccessWidth, value: number): void {
    if (port === ADDRESS_PORT) {
      if (width === 32) this.address = (value & ADDRESS_WRITABLE) >>> 0;
      else this.reportNarrow(width);
      return;
    }
    const target = this.selected();
    for (let byte = 0; byte < width / 8; byte++) {
      const offset = this.register(port + byte);
      if (offset !== undefined) target?.write(offset, (value >>> (byte * 8)) & 0xff);
    }
  }

  save(): DeviceState {
    return {
      address: this.address,
      functions: Object.fromEntries([...this.functions].map(([index, one]) => [index, one.save()])),
    };
  }

  restore(state: DeviceState): void {
    this.address = state['address'] as number;
    const functions = state['functions'] as Readonly<Record<string, DeviceState>>;
    for (const [index, one] of this.functions) one.restore(functions[index] ?? one.save());
  }

  private selected(): PciFunction | undefined {
    const { address } = this;
    if ((address & ENABLE) === 0 || ((address >>> 16) & 0xff) !== 0) return undefined;
    return this.functions.get((address >>> 8) & 0xff);
  }

  /** The register behind a data port; undefined past the four. */
  private register(port: number): number | undefined {
    return port > DATA_PORT + 3 ? undefined : (this.address & 0xfc) + (port - DATA_PORT);
  }

  private reportNarrow(width: AccessWidth): void {
    this.report(`access of ${width} bits to port 0xcf8: the PCI configuration address takes 32`);
  }
}
