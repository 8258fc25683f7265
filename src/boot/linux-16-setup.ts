import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';

/** Fields of the setup header (Linux Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"), by offset from its base. */
const FIELD = {
  commandLineMagic: 0x20,
  commandLineOffset: 0x22,
  vidMode: 0x1fa,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  setupMoveSize: 0x212,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  heapEndPointer: 0x224,
  commandLinePointer: 0x228,
} as const;
const LAYOUT = { setup_sects: [0x1f1, 'u8'], version: [0x206, 'u16'], loadflags: [0x211, 'u8'] } as const;
/** Fields that came later: version, offset. */
const SINCE = {
  initrd_addr_max: [0x203, 0x22c],
  cmdline_size: [0x206, 0x238],
  pref_address: [0x20a, 0x258],
  init_size: [0x20a, 0x260],
} as const;

const VERSION = { heap: 0x201, pointer: 0x202 } as const;
const LOADED_HIGH = 0x01;
const CAN_USE_HEAP = 0x80;
/** A loader without a number of its own. */
const LOADER_UNDEFINED = 0xff;
const COMMAND_LINE_MAGIC = 0xa33f;
const SECTOR = 512;
/** Setup sectors where the field is 0. */
const DEFAULT_SETUP_SECTORS = 4;
/** Where heap and stack end, from the base of the setup code: all of the segment is free for a kernel that is loaded high. */
const HEAP_END = { high: 0xe000, low: 0x9800 } as const;
/** heap_end_ptr counts from here. */
const HEAP_BASE = 0x200;
const OLD_COMMAND_LINE = 255;
const OLD_RAMDISK_LIMIT = 0x37ffffff;

/** What the 16-bit entry needs to know of the file. */
export interface Setup {
  readonly version: number;
  /** Bytes of setup code, with the boot sector; the protected-mode code follows in the file. */
  readonly size: number;
  readonly loadedHigh: boolean;
  /** Offset from the base of the setup code; the stack begins there. */
  readonly heapEnd: number;
  /** Longest command line, without its end, and who says so. */
  readonly commandLineSize: number;
  readonly commandLineLimit: string;
  /** Highest address of a byte of the initial RAM disk. */
  readonly ramdiskLimit: number;
  /** Physical address at which the kernel runs when it may be moved; 0 where it does not say. */
  readonly preferredAddress: number;
  /** Bytes of memory that it needs from there on; 0 where it does not say. */
  readonly initSize: number;
}

/** What the loader tells the setup code. Addresses are physical. */
export interface LoaderFields {
  readonly base: number;
  readonly commandLine: { readonly address: number; readonly size: number };
  readonly ramdisk: { readonly address: number; readonly size: number } | undefined;
  /** vid_mode; undefined leaves the image's own. */
  readonly videoMode: number | undefined;
}

/** Throws where the file ends too early or its setup code leaves no room for heap and stack. */
export function readSetup({ name, bytes, reader }: KernelImage): Setup {
  const { setup_sects, version, loadflags } = reader.fields(LAYOUT, 0, 'the setup header');
  const later = (field: keyof typeof SINCE): number | undefined => {
    const [since, offset] = SINCE[field];
    return version >= since && reader.has(offset, 4) ? reader.u32(offset, field) : undefined;
  };
  const size = ((setup_sects === 0 ? DEFAULT_SETUP_SECTORS : setup_sects) + 1) * SECTOR;
  const loadedHigh = (loadflags & LOADED_HIGH) !== 0;
  const heapEnd = version >= VERSION.pointer && loadedHigh ? HEAP_END.high : HEAP_END.low;
  if (bytes.length <= size) throw noCode(name, size, bytes.length);
  if (size > heapEnd) throw noHeap(setup_sects, size, heapEnd);
  const commandLineSize = later('cmdline_size');
  return {
    version,
    size,
    loadedHigh,
    heapEnd,
    commandLineSize: commandLineSize ?? OLD_COMMAND_LINE,
    commandLineLimit:
      commandLineSize === undefined
        ? `boot protocol ${hex(version, 4)} at file offset 0x206`
        : 'cmdline_size at file offset 0x238',
    ramdiskLimit: later('initrd_addr_max') ?? OLD_RAMDISK_LIMIT,
    preferredAddress: later('pref_address') ?? 0,
    initSize: later('init_size') ?? 0,
  };
}

/** Fills in the loader's part of the setup header in `code`, the setup code. */
export function writeSetup(code: Uint8Array, { version, heapEnd }: Setup, fields: LoaderFields): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const { base, commandLine, ramdisk, videoMode } = fields;
  if (videoMode !== undefined) view.setUint16(FIELD.vidMode, videoMode, true);
  view.setUint8(FIELD.typeOfLoader, LOADER_UNDEFINED);
  view.setUint32(FIELD.ramdiskImage, ramdisk?.address ?? 0, true);
  view.setUint32(FIELD.ramdiskSize, ramdisk?.size ?? 0, true);
  if (version >= VERSION.heap) {
    view.setUint16(FIELD.heapEndPointer, heapEnd - HEAP_BASE, true);
    view.setUint8(FIELD.loadFlags, view.getUint8(FIELD.loadFlags) | CAN_USE_HEAP);
  }
  if (version >= VERSION.pointer) view.setUint32(FIELD.commandLinePointer, commandLine.address, true);
  else {
    view.setUint16(FIELD.commandLineMagic, COMMAND_LINE_MAGIC, true);
    view.setUint16(FIELD.commandLineOffset, commandLine.address - base, true);
    view.setUint16(FIELD.setupMoveSize, commandLine.address - base + commandLine.size, true);
  }
}

function noCode(name: string, offset: number, length: number): StartOfDayError {
  return new StartOfDayError({
    code: 'linux-no-code',
    blame: 'user',
    title: `${name} has no protected-mode code`,
    detail: `setup_sects at file offset 0x1f1 puts it at file offset ${hex(offset)}; the file has ${count(length)} bytes`,
    mend: 'Give the whole bzImage.',
  });
}

function noHeap(sectors: number, size: number, heapEnd: number): StartOfDayError {
  return new StartOfDayError({
    code: 'linux-no-heap',
    blame: 'user',
    title: 'The setup code leaves no room for its heap and stack',
    detail: `setup_sects at file offset 0x1f1 is ${sectors}: the setup code has ${count(size)} bytes, and its segment has ${count(heapEnd)} below the command line`,
    mend: 'Give a bzImage whose setup_sects is its own.',
  });
}
