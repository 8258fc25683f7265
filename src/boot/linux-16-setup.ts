import { protocolVersion, SETUP_FIELDS, SetupHeader } from '../image/setup-header.ts';
import type { SetupFieldName } from '../image/setup-header.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import type { Placed } from './linux-loader-fields.ts';

/** Before 2.02: words in the boot sector that tell where the command line is. */
const OLD_COMMAND_LINE = { magic: 0x20, offset: 0x22, magicValue: 0xa33f } as const;
const VERSION = { loader: 0x200, heap: 0x201, pointer: 0x202 } as const;
const LOADED_HIGH = 0x01;
const CAN_USE_HEAP = 0x80;
/** A loader without a number of its own. */
const LOADER_UNDEFINED = 0xff;
/** Where heap and stack end, from the base of the setup code: all of the segment is free for a kernel that is loaded high. */
const HEAP_END = { high: 0xe000, low: 0x9800 } as const;
/** heap_end_ptr counts from here. */
const HEAP_BASE = 0x200;
const OLD_COMMAND_LINE_SIZE = 255;
const OLD_RAMDISK_LIMIT = 0x37ffffff;

/** What the 16-bit entry needs to know of the file. */
export interface Setup {
  /** Of the boot protocol: 0x020c for 2.12. */
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
  readonly commandLine: Placed;
  readonly ramdisk: Placed | undefined;
  /** vid_mode; undefined leaves the image's own. */
  readonly videoMode: number | undefined;
  readonly hardwareSubarch: number;
}

/** Throws where there is no setup header, the file ends too early, or its setup code leaves no room for heap and stack. */
export function readSetup({ name, bytes, setup: header }: KernelImage): Setup {
  if (!(header instanceof SetupHeader))
    throw refuse('entry-not-offered', `${name} does not offer linux16`, header, 'Give a bzImage.');
  const { version, codeOffset: size } = header;
  if (version < VERSION.loader)
    throw refuse(
      'linux-version',
      `${name} has an impossible boot protocol`,
      `version at file offset 0x206 is ${hex(version, 4)}; a header with "HdrS" has at least 0x0200`,
      'Give the bzImage that the Linux build leaves in arch/x86/boot.',
    );
  const loadedHigh = ((header.field('loadflags') ?? 0) & LOADED_HIGH) !== 0;
  const heapEnd = version >= VERSION.pointer && loadedHigh ? HEAP_END.high : HEAP_END.low;
  if (bytes.length <= size) throw noCode(name, size, bytes.length);
  if (size > heapEnd) throw noHeap(header.field('setup_sects') ?? 0, size, heapEnd);
  const commandLineSize = header.field('cmdline_size');
  return {
    version,
    size,
    loadedHigh,
    heapEnd,
    commandLineSize: commandLineSize ?? OLD_COMMAND_LINE_SIZE,
    commandLineLimit:
      commandLineSize === undefined
        ? `boot protocol ${protocolVersion(version)} at file offset 0x206`
        : 'cmdline_size at file offset 0x238',
    ramdiskLimit: header.field('initrd_addr_max') ?? OLD_RAMDISK_LIMIT,
    preferredAddress: header.field('pref_address') ?? 0,
    initSize: header.field('init_size') ?? 0,
  };
}

/** Fills in the loader's part of the setup header in `code`, the setup code. */
export function writeSetup(code: Uint8Array, { version, heapEnd }: Setup, fields: LoaderFields): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const set = (name: SetupFieldName, value: number): void => {
    const { offset, type, since } = SETUP_FIELDS[name];
    if (version < since) return;
    if (type === 'u8') view.setUint8(offset, value);
    else if (type === 'u16') view.setUint16(offset, value, true);
    else view.setUint32(offset, value, true);
  };
  const { base, commandLine, ramdisk, videoMode, hardwareSubarch } = fields;
  if (videoMode !== undefined) set('vid_mode', videoMode);
  set('type_of_loader', LOADER_UNDEFINED);
  set('ramdisk_image', ramdisk?.address ?? 0);
  set('ramdisk_size', ramdisk?.size ?? 0);
  set('heap_end_ptr', heapEnd - HEAP_BASE);
  if (version >= VERSION.heap) set('loadflags', view.getUint8(SETUP_FIELDS.loadflags.offset) | CAN_USE_HEAP);
  set('hardware_subarch', hardwareSubarch);
  set('cmd_line_ptr', commandLine.address);
  if (version >= VERSION.pointer) return;
  const offset = commandLine.address - base;
  view.setUint16(OLD_COMMAND_LINE.magic, OLD_COMMAND_LINE.magicValue, true);
  view.setUint16(OLD_COMMAND_LINE.offset, offset, true);
  set('setup_move_size', offset + commandLine.size);
}

function noCode(name: string, offset: number, length: number): StartOfDayError {
  return refuse(
    'linux-no-code',
    `${name} has no protected-mode code`,
    `setup_sects at file offset 0x1f1 puts it at file offset ${hex(offset)}; the file has ${count(length)} bytes`,
    'Give the whole bzImage.',
  );
}

function noHeap(sectors: number, size: number, heapEnd: number): StartOfDayError {
  return refuse(
    'linux-no-heap',
    'The setup code leaves no room for its heap and stack',
    `setup_sects at file offset 0x1f1 is ${sectors}: the setup code has ${count(size)} bytes, and its segment has ${count(heapEnd)} below the command line`,
    'Give a bzImage whose setup_sects is its own.',
  );
}

function refuse(code: string, title: string, detail: string, mend: string): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, detail, mend });
}
