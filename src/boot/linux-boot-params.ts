import type { MemoryRange } from './memory-layout.ts';

/** Bytes of `struct boot_params`, the zero page. */
export const BOOT_PARAMS_SIZE = 4096;
/** Offset of the setup header, in the file and in the zero page. */
export const SETUP_HEADER = 0x1f1;
/** Offset of the byte that, with 0x202, gives the end of the setup header: the displacement of a short jump. */
export const SETUP_HEADER_JUMP = 0x201;

/** Fields of the zero page (Linux Documentation/arch/x86/zero-page.rst and boot.rst), by offset. */
const FIELD = {
  origVideoMode: 0x06,
  origVideoColumns: 0x07,
  origVideoLines: 0x0e,
  origVideoIsVga: 0x0f,
  origVideoPoints: 0x10,
  e820Entries: 0x1e8,
  vidMode: 0x1fa,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  cmdLinePtr: 0x228,
  e820Table: 0x2d0,
} as const;
const E820_ENTRY_SIZE = 20;
/** A loader without a number of its own. */
const LOADER_UNDEFINED = 0xff;
/** 80 by 25 characters. */
const TEXT_MODE = 3;
const VID_MODE_NORMAL = 0xffff;
const LOADED_HIGH = 1;

export interface BootParams {
  /** The file from {@link SETUP_HEADER} to the end of its setup header. */
  readonly setupHeader: Uint8Array;
  readonly map: readonly MemoryRange[];
  /** Physical addresses. */
  readonly code32Start: number;
  readonly commandLine: number;
  readonly ramdisk: { readonly address: number; readonly size: number } | undefined;
}

/** The zero page: the kernel's own setup header, and what the loader writes over and before it. All else is zero, `sentinel` too. */
export function encodeBootParams(params: BootParams): Uint8Array {
  const bytes = new Uint8Array(BOOT_PARAMS_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(params.setupHeader, SETUP_HEADER);
  bytes[FIELD.origVideoMode] = TEXT_MODE;
  bytes[FIELD.origVideoColumns] = 80;
  bytes[FIELD.origVideoLines] = 25;
  bytes[FIELD.origVideoIsVga] = 1;
  view.setUint16(FIELD.origVideoPoints, 16, true);
  view.setUint16(FIELD.vidMode, VID_MODE_NORMAL, true);
  bytes[FIELD.typeOfLoader] = LOADER_UNDEFINED;
  bytes[FIELD.loadFlags] = (bytes[FIELD.loadFlags] ?? 0) & LOADED_HIGH;
  view.setUint32(FIELD.code32Start, params.code32Start, true);
  view.setUint32(FIELD.ramdiskImage, params.ramdisk?.address ?? 0, true);
  view.setUint32(FIELD.ramdiskSize, params.ramdisk?.size ?? 0, true);
  view.setUint32(FIELD.cmdLinePtr, params.commandLine, true);
  bytes[FIELD.e820Entries] = params.map.length;
  params.map.forEach(({ address, size, type }, index) => {
    const at = FIELD.e820Table + index * E820_ENTRY_SIZE;
    view.setBigUint64(at, BigInt(address), true);
    view.setBigUint64(at + 8, BigInt(size), true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
