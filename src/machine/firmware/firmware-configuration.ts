import type { Device, DeviceState } from '../device.ts';

const SELECTOR_PORT = 0x510;
const DATA_PORT = 0x511;

/** Items by selector (QEMU, docs/specs/fw_cfg). */
const ITEM = { signature: 0x00, id: 0x01, ramSize: 0x03, processors: 0x05, mostProcessors: 0x0f, files: 0x19 } as const;
/** The plain interface alone, without DMA. */
const TRADITIONAL = 1;

/**
 * QEMU's firmware configuration device with the items that kernels for test beds ask for: how many processors there are, and how much
 * memory. It holds no files. An item that does not exist reads as zeros, as on QEMU.
 */
export class FirmwareConfiguration implements Device {
  readonly name = 'Firmware configuration (fw_cfg)';
  readonly ports = [{ first: SELECTOR_PORT, last: DATA_PORT }];
  readonly widest = 16;
  private readonly items: ReadonlyMap<number, readonly number[]>;
  private selector = 0;
  private offset = 0;

  /** `memorySize` in bytes. */
  constructor(memorySize: number) {
    this.items = new Map([
      [ITEM.signature, Array.from('QEMU', (letter) => letter.charCodeAt(0))],
      [ITEM.id, littleEndian(TRADITIONAL, 4)],
      [ITEM.ramSize, littleEndian(memorySize, 8)],
      [ITEM.processors, littleEndian(1, 2)],
      [ITEM.mostProcessors, littleEndian(1, 2)],
      [ITEM.files, littleEndian(0, 4)],
    ]);
  }

  /** Each read of the data port gives the next byte of the item; the selector cannot be read. */
  portRead(port: number): number {
    if (port === SELECTOR_PORT) return 0;
    return this.items.get(this.selector)?.[this.offset++] ?? 0;
  }

  portWrite(port: number, _width: number, value: number): void {
    // Writing items went away with QEMU 2.4.
    if (port !== SELECTOR_PORT) return;
    this.selector = value;
    this.offset = 0;
  }

  save(): DeviceState {
    return { selector: this.selector, offset: this.offset };
  }

  restore(state: DeviceState): void {
    this.selector = state['selector'] as number;
    this.offset = state['offset'] as number;
  }
}

function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, n) => Math.floor(value / 2 ** (8 * n)) % 256);
}
