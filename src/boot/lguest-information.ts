import {
  LGUEST_BOOT_INFO,
  LGUEST_BOOT_INFO_COMMAND_LINE,
  LGUEST_BOOT_INFO_COMMAND_LINE_SIZE,
  LGUEST_SUBARCH,
  type LguestRevision,
} from '../abi/lguest.ts';
import { encodeCString, layoutSize } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory, quoted } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { BOOT_PARAMS_SIZE } from './linux-boot-params.ts';

/** Bytes of `struct lguest_boot_info`. */
export const LGUEST_BOOT_INFO_SIZE = LGUEST_BOOT_INFO_COMMAND_LINE + LGUEST_BOOT_INFO_COMMAND_LINE_SIZE;

/** What lguest's launcher tells a guest. */
export interface LguestBoot {
  /** Bytes of guest memory. */
  readonly memory: number;
  readonly commandLine: string;
  /** Bytes of the initial RAM disk, in whole pages, at the end of memory; 0 when there is none. */
  readonly ramdiskSize: number;
}

/** `struct lguest_boot_info` of 2.6.23-rc1. */
export function encodeLguestBootInfo({ memory, commandLine, ramdiskSize }: LguestBoot): Uint8Array {
  const bytes = new Uint8Array(LGUEST_BOOT_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(LGUEST_BOOT_INFO.max_pfn[0], memory / 4096, true);
  view.setUint32(LGUEST_BOOT_INFO.initrd_size[0], ramdiskSize, true);
  bytes.set(encodeCString(commandLine), LGUEST_BOOT_INFO_COMMAND_LINE);
  return bytes;
}

/** Fields of boot_params that the launcher writes (Documentation/lguest/lguest.c, main), by offset. */
const FIELD = {
  e820Entries: 0x1e8,
  version: 0x206,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  cmdLinePtr: 0x228,
  kernelAlignment: 0x230,
  hardwareSubarch: 0x23c,
  e820Table: 0x2d0,
} as const;
const E820_RAM = 1;
const LOADER_UNKNOWN = 0xff;
const KEEP_SEGMENTS = 1 << 6;
/** The first version with hardware_subarch. */
const VERSION = 0x207;
const KERNEL_ALIGNMENT = 0x1000000;

/**
 * boot_params as the launcher writes them from 2.6.23 on: few fields, all else zero. Other than a boot loader it leaves no screen and no
 * setup header of the file. `commandLine` is the physical address of the text; `entered` is the revision of a kernel that is entered as Linux is.
 */
export function encodeLguestBootParams(boot: LguestBoot, commandLine: number, entered?: LguestRevision): Uint8Array {
  const bytes = new Uint8Array(BOOT_PARAMS_SIZE);
  const view = new DataView(bytes.buffer);
  if (boot.ramdiskSize > 0) {
    view.setUint32(FIELD.ramdiskImage, boot.memory - boot.ramdiskSize, true);
    view.setUint32(FIELD.ramdiskSize, boot.ramdiskSize, true);
    bytes[FIELD.typeOfLoader] = LOADER_UNKNOWN;
  }
  bytes[FIELD.e820Entries] = 1;
  view.setBigUint64(FIELD.e820Table + 8, BigInt(boot.memory), true);
  view.setUint32(FIELD.e820Table + 16, E820_RAM, true);
  view.setUint32(FIELD.cmdLinePtr, commandLine, true);
  view.setUint32(FIELD.hardwareSubarch, LGUEST_SUBARCH, true);
  if (entered === undefined) return bytes;
  view.setUint16(FIELD.version, VERSION, true);
  bytes[FIELD.loadFlags] = KEEP_SEGMENTS;
  if (entered === '4.4') view.setUint32(FIELD.kernelAlignment, KERNEL_ALIGNMENT, true);
  return bytes;
}

/** `struct lguest_boot_info` as memory holds it now. */
export function decodeLguestBootInfo(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const size = LGUEST_BOOT_INFO_SIZE;
  const whole = { name: 'lguest_boot_info', offset: 0, address, size, value: address, pointer: address };
  const fields = memory.fields(LGUEST_BOOT_INFO, address);
  if (fields === undefined) return { ...whole, text: `${hex(address)} · outside memory`, present: false };
  const { max_pfn: pages, initrd_size: ramdisk } = fields;
  const at = (name: keyof typeof LGUEST_BOOT_INFO): Pick<InformationNode, 'name' | 'offset' | 'address' | 'size'> => ({
    ...{ name, offset: LGUEST_BOOT_INFO[name][0], address: address + LGUEST_BOOT_INFO[name][0] },
    size: layoutSize({ field: [0, 'u32'] }),
  });
  const commandLineAt = address + LGUEST_BOOT_INFO_COMMAND_LINE;
  const commandLine = memory.string(commandLineAt);
  const ramdiskText =
    ramdisk === 0 ? '0 · no initial RAM disk' : `${count(ramdisk)} bytes at ${hex(pages * 4096 - ramdisk)}`;
  return {
    ...whole,
    text: `${hex(address)} · ${binarySize(pages * 4096)} of memory`,
    present: true,
    children: [
      { ...at('max_pfn'), value: pages, text: `${count(pages)} pages = ${binarySize(pages * 4096)}`, present: true },
      { ...at('initrd_size'), value: ramdisk, text: ramdiskText, present: true },
      {
        name: 'cmdline',
        offset: LGUEST_BOOT_INFO_COMMAND_LINE,
        address: commandLineAt,
        size: LGUEST_BOOT_INFO_COMMAND_LINE_SIZE,
        value: commandLine ?? '',
        text: quoted(commandLine),
        present: true,
      },
    ],
  };
}
