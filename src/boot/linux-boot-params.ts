import { SETUP_FIELDS, SETUP_HEADER } from '../image/setup-header.ts';
import type { MemoryRange } from './memory-layout.ts';

/** Bytes of `struct boot_params`, the zero page. */
export const BOOT_PARAMS_SIZE = 4096;

/** What a loader fills in before the setup header (Linux Documentation/arch/x86/zero-page.rst, linux/screen_info.h), by offset. */
const FIELD = {
  extMemK: 0x02,
  origVideoMode: 0x06,
  origVideoCols: 0x07,
  origVideoEgaBx: 0x0a,
  origVideoLines: 0x0e,
  origVideoIsVga: 0x0f,
  origVideoPoints: 0x10,
  commandLineMagic: 0x20,
  commandLineOffset: 0x22,
  acpiRsdp: 0x70,
  altMemK: 0x1e0,
  e820Entries: 0x1e8,
  e820Table: 0x2d0,
} as const;
/** Of an entry of the memory map: address, size, type, packed. */
export const E820_ENTRY_SIZE = 20;
/** Entries of the memory map that the zero page has room for. */
export const E820_MOST = 128;
/** Of `struct setup_data` before its data: next, type, len. */
const SETUP_DATA_HEADER = 16;
const SETUP_E820_EXT = 1;
/** A loader without a number of its own. */
const LOADER_UNDEFINED = 0xff;
/** 80 by 25 characters. */
const TEXT_MODE = 3;
/** INT 10h AH=12h BL=10h on a VGA: colour, 256 KiB. */
const EGA_BX = 3;
const VID_MODE_NORMAL = 0xffff;
const LOADED_HIGH = 1;
/** INT 15h AH=88h tells of no more than 63 MiB, in KiB. */
const MOST_EXT_MEM_K = 0xfc00;
const MIB = 0x100000;
/** Before 2.02 the command line is announced in the second half of screen_info. */
const VERSION_COMMAND_LINE = 0x202;
const COMMAND_LINE_MAGIC = 0xa33f;

export interface BootParams {
  /** Of the boot protocol: fields that it does not have yet are not written. */
  readonly version: number;
  /** The file from 0x1f1 to the end of its setup header. */
  readonly setupHeader: Uint8Array;
  readonly map: readonly MemoryRange[];
  /** Bytes of memory. */
  readonly memory: number;
  /** Physical addresses. */
  readonly address: number;
  readonly code32Start: number;
  readonly commandLine: number;
  readonly rootPointer: number;
  readonly ramdisk: { readonly address: number; readonly size: number } | undefined;
  /** Of the list of `struct setup_data`; 0 without. */
  readonly setupData: number;
  readonly hardwareSubarch: number;
}

/** The zero page: the kernel's own setup header, and what the loader writes over and before it. All else is zero, `sentinel` too. */
export function encodeBootParams(params: BootParams): Uint8Array {
  const bytes = new Uint8Array(BOOT_PARAMS_SIZE);
  bytes.set(params.setupHeader, SETUP_HEADER);
  writeScreen(bytes, params);
  writeSetupHeader(bytes, params);
  const view = new DataView(bytes.buffer);
  view.setUint32(FIELD.acpiRsdp, params.rootPointer, true);
  view.setUint32(FIELD.altMemK, Math.max(0, params.memory - MIB) / 1024, true);
  const fitting = params.map.slice(0, E820_MOST);
  bytes[FIELD.e820Entries] = fitting.length;
  bytes.set(encodeMap(fitting), FIELD.e820Table);
  return bytes;
}

/** The memory map's entries that the zero page has no room for, as SETUP_E820_EXT; undefined when all fit. */
export function encodeMoreMap(map: readonly MemoryRange[]): Uint8Array | undefined {
  const more = map.slice(E820_MOST);
  if (more.length === 0) return undefined;
  const bytes = new Uint8Array(SETUP_DATA_HEADER + more.length * E820_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, SETUP_E820_EXT, true);
  view.setUint32(12, bytes.length - SETUP_DATA_HEADER, true);
  bytes.set(encodeMap(more), SETUP_DATA_HEADER);
  return bytes;
}

/** VGA text, as the machine starts. Its cursor is in the upper left corner. */
function writeScreen(bytes: Uint8Array, { memory, version, commandLine, address }: BootParams): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(FIELD.extMemK, Math.min(MOST_EXT_MEM_K, Math.max(0, memory - MIB) / 1024), true);
  bytes[FIELD.origVideoMode] = TEXT_MODE;
  bytes[FIELD.origVideoCols] = 80;
  view.setUint16(FIELD.origVideoEgaBx, EGA_BX, true);
  bytes[FIELD.origVideoLines] = 25;
  bytes[FIELD.origVideoIsVga] = 1;
  view.setUint16(FIELD.origVideoPoints, 16, true);
  if (version >= VERSION_COMMAND_LINE) return;
  view.setUint16(FIELD.commandLineMagic, COMMAND_LINE_MAGIC, true);
  view.setUint16(FIELD.commandLineOffset, commandLine - address, true);
}

/**
 * What boot.rst has a loader write. Of loadflags only LOADED_HIGH is the kernel's: there is no heap (CAN_USE_HEAP), and the kernel may load
 * its segments from the GDT that it is given (no KEEP_SEGMENTS).
 */
function writeSetupHeader(bytes: Uint8Array, params: BootParams): void {
  const view = new DataView(bytes.buffer);
  const { version, ramdisk } = params;
  const { loadflags } = SETUP_FIELDS;
  const values = {
    vid_mode: VID_MODE_NORMAL,
    type_of_loader: LOADER_UNDEFINED,
    loadflags: (bytes[loadflags.offset] ?? 0) & LOADED_HIGH,
    code32_start: params.code32Start,
    ramdisk_image: ramdisk?.address ?? 0,
    ramdisk_size: ramdisk?.size ?? 0,
    ext_loader_ver: 0,
    ext_loader_type: 0,
    cmd_line_ptr: params.commandLine,
    hardware_subarch: params.hardwareSubarch,
    setup_data: params.setupData,
  } as const;
  for (const [name, value] of Object.entries(values) as [keyof typeof values, number][]) {
    const { offset, type, since } = SETUP_FIELDS[name];
    if (version < since) continue;
    if (type === 'u8') view.setUint8(offset, value);
    else if (type === 'u16') view.setUint16(offset, value, true);
    else if (type === 'u32') view.setUint32(offset, value, true);
    else view.setBigUint64(offset, BigInt(value), true);
  }
}

function encodeMap(map: readonly MemoryRange[]): Uint8Array {
  const bytes = new Uint8Array(map.length * E820_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  map.forEach(({ address, size, type }, index) => {
    const at = index * E820_ENTRY_SIZE;
    view.setBigUint64(at, BigInt(address), true);
    view.setBigUint64(at + 8, BigInt(size), true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
