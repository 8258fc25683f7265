import type { ReportGap } from '../device.ts';
import { PciFunction, type PciRegister } from './pci-function.ts';

/** Status bits that writing 1 clears (PCI 2.1, 6.2.3). */
const STATUS_CLEARS = 0xf900;
/** I/O, memory, bus master, SERR#. */
const COMMAND_WRITABLE = 0x0107;

interface Identity {
  readonly device: number;
  readonly command: number;
  readonly status: number;
  /** Class code and revision as the double word at 8. */
  readonly classAndRevision: number;
  readonly headerType?: number;
}

function header({ device, command, status, classAndRevision, headerType = 0 }: Identity): PciRegister[] {
  return [
    { offset: 0x00, bytes: 2, value: 0x8086 },
    { offset: 0x02, bytes: 2, value: device },
    { offset: 0x04, bytes: 2, value: command, writable: COMMAND_WRITABLE },
    { offset: 0x06, bytes: 2, value: status, clears: STATUS_CLEARS },
    { offset: 0x08, bytes: 4, value: classAndRevision },
    { offset: 0x0e, bytes: 1, value: headerType },
  ];
}

/** 82441FX host bridge. PAM0..6: RAM answers everywhere for reads and writes, and cannot be switched. */
const HOST_BRIDGE: readonly PciRegister[] = [
  ...header({ device: 0x1237, command: 0x0103, status: 0, classAndRevision: 0x06000002 }),
  { offset: 0x59, bytes: 1, value: 0x30 },
  ...[0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f].map((offset): PciRegister => ({ offset, bytes: 1, value: 0x33 })),
  { offset: 0x72, bytes: 1, value: 0x02 },
];

/** 82371SB (PIIX3) ISA bridge: ISA timing, X-bus chip selects, PIRQ routing, top of memory, motherboard interrupts and DMA, SMI. */
const ISA_BRIDGE: readonly PciRegister[] = [
  ...header({ device: 0x7000, command: 0x0103, status: 0x0200, classAndRevision: 0x06010000, headerType: 0x80 }),
  { offset: 0x4c, bytes: 1, value: 0x4d },
  { offset: 0x4e, bytes: 2, value: 0x0003 },
  ...[0x0a, 0x0a, 0x0b, 0x0b].map((value, index): PciRegister => ({
    offset: 0x60 + index,
    bytes: 1,
    value,
    writable: 0x8f,
  })),
  { offset: 0x69, bytes: 1, value: 0x02 },
  { offset: 0x70, bytes: 1, value: 0x80 },
  { offset: 0x76, bytes: 1, value: 0x0c },
  { offset: 0x77, bytes: 1, value: 0x0c },
  { offset: 0x78, bytes: 1, value: 0x02 },
  { offset: 0xa0, bytes: 1, value: 0x08 },
  { offset: 0xa8, bytes: 1, value: 0x0f },
];

/** 82371AB (PIIX4) power management: PMBA and PMREGMISC say that its ports are at 0x600, where they stay. No SMBus. */
const POWER_MANAGEMENT: readonly PciRegister[] = [
  ...header({ device: 0x7113, command: 0x0103, status: 0x0280, classAndRevision: 0x06800003 }),
  { offset: 0x3c, bytes: 1, value: 9, writable: 0xff },
  { offset: 0x3d, bytes: 1, value: 1 },
  { offset: 0x40, bytes: 4, value: 0x00000601 },
  { offset: 0x80, bytes: 1, value: 0x01 },
  { offset: 0x90, bytes: 4, value: 0x00000001 },
];

/** The functions of bus 0 by device × 8 + function, as firmware leaves them; values of SeaBIOS on QEMU's i440FX where this machine has the same. */
export function chipsetFunctions(report: ReportGap): ReadonlyMap<number, PciFunction> {
  return new Map([
    [0x00, new PciFunction('00:00.0', HOST_BRIDGE, report)],
    [0x08, new PciFunction('00:01.0', ISA_BRIDGE, report)],
    [0x0b, new PciFunction('00:01.3', POWER_MANAGEMENT, report)],
  ]);
}
