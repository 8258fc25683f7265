import { little } from '../firmware-table.ts';

/** The BIOS data area begins at 0040:0000. */
export const DATA_AREA = 0x400;
/** Segment and KiB of the extended BIOS data area; its first byte is its size. */
export const EXTENDED_DATA_SEGMENT = 0x9fc0;
const CONVENTIONAL_KIB = 639;

/** Fields by linear address (IBM PS/2 and PC BIOS Interface Technical Reference, "Data Areas"). */
export const DATA = {
  serialPorts: 0x400,
  extendedDataSegment: 0x40e,
  equipment: 0x410,
  memoryKib: 0x413,
  /** Shift state: modifiers in the low byte, keys held in the high one. */
  shiftState: 0x417,
  keyHead: 0x41a,
  keyTail: 0x41c,
  videoMode: 0x449,
  columns: 0x44a,
  pageSize: 0x44c,
  pageStart: 0x44e,
  /** One word a page: column, row. */
  cursors: 0x450,
  cursorShape: 0x460,
  page: 0x462,
  crtcPort: 0x463,
  ticks: 0x46c,
  midnights: 0x470,
  break: 0x471,
  serialTimeouts: 0x47c,
  keyBufferStart: 0x480,
  keyBufferEnd: 0x482,
  lastRow: 0x484,
  characterHeight: 0x485,
  videoControl: 0x487,
  videoSwitches: 0x488,
  modeSetControl: 0x489,
  displayCombination: 0x48a,
  /** Prefix seen, right Alt and Control held, enhanced keyboard. */
  keyboardStatus: 0x496,
  /** Microsecond at which a wait ends, modulo 2^32. */
  waitEnd: 0x49c,
  waitActive: 0x4a0,
} as const;

/** Offsets in segment 40h between which keystrokes wait. */
const KEY_BUFFER = { first: 0x1e, end: 0x3e } as const;
/** A coprocessor, a mouse, an 80 by 25 colour display, four serial ports, no diskette drive. */
const EQUIPMENT = 0x0026 | (4 << 9);
/** Lines 6 and 7, as of a character of 8. */
const CURSOR = 0x0607;
const COM_PORTS = [0x3f8, 0x2f8, 0x3e8, 0x2e8];
const ENHANCED_KEYBOARD = 0x10;

/** Bytes 0x400 up to 0x500 as the BIOS leaves them for what it boots. */
export function dataArea(): Uint8Array {
  const bytes = new Uint8Array(0x100);
  const set = (address: number, size: 1 | 2 | 4, ...values: readonly number[]): void => {
    bytes.set(
      values.flatMap((value) => little(size, value)),
      address - DATA_AREA,
    );
  };
  set(DATA.serialPorts, 2, ...COM_PORTS);
  set(DATA.extendedDataSegment, 2, EXTENDED_DATA_SEGMENT);
  set(DATA.equipment, 2, EQUIPMENT);
  set(DATA.memoryKib, 2, CONVENTIONAL_KIB);
  set(DATA.keyHead, 2, KEY_BUFFER.first, KEY_BUFFER.first);
  set(DATA.keyBufferStart, 2, KEY_BUFFER.first, KEY_BUFFER.end);
  set(DATA.videoMode, 1, 3);
  set(DATA.columns, 2, 80);
  set(DATA.pageSize, 2, 0x1000);
  set(DATA.cursorShape, 2, CURSOR);
  set(DATA.crtcPort, 2, 0x3d4);
  set(DATA.serialTimeouts, 1, 10, 10, 10, 10);
  set(DATA.lastRow, 1, 24);
  set(DATA.characterHeight, 2, 16);
  set(DATA.videoControl, 1, 0x60);
  set(DATA.videoSwitches, 1, 0xf9);
  // 400 lines, VGA active.
  set(DATA.modeSetControl, 1, 0x51);
  set(DATA.displayCombination, 1, 0x08);
  set(DATA.keyboardStatus, 1, ENHANCED_KEYBOARD);
  return bytes;
}
