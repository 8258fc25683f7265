import type { BiosCall } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';
import { LAST_TEXT_MODE, VIDEO_MODES, type VideoMode } from './video-modes.ts';

const PORT = {
  attribute: 0x3c0,
  miscellaneous: 0x3c2,
  sequencer: 0x3c4,
  paletteIndex: 0x3c8,
  paletteData: 0x3c9,
  graphics: 0x3ce,
  crtc: 0x3d4,
  status: 0x3da,
} as const;
const PALETTE_TO_SCREEN = 0x20;
/** CRTC register whose bit 7 protects the first eight. */
const RETRACE_END = 0x11;
const KEEP_MEMORY = 0x80;
/** Bits of the data area's mode set control: what the user has asked for stays. */
const CONTROL = 0x60;
const PALETTE_ENTRIES = 256;

/** INT 10h AH=00h: AL is the mode, with bit 7 to keep the memory. */
export function setMode(call: BiosCall): void {
  const number = call.al & ~KEEP_MEMORY;
  const mode = VIDEO_MODES.get(number);
  if (mode === undefined) {
    call.lacks('this BIOS does not set this video mode', 'BIOS video mode');
    return;
  }
  const keep = (call.al & KEEP_MEMORY) !== 0;
  programRegisters(call, mode);
  if (!keep) clearMemory(call, mode);
  describe(call, number, mode, keep);
  call.al = number > 7 ? 0x20 : 0x30;
}

function programRegisters(call: BiosCall, mode: VideoMode): void {
  const bank = (index: number, values: readonly number[]): void => {
    for (const [register, value] of values.entries()) {
      call.output(index, register);
      call.output(index + 1, value);
    }
  };
  call.output(PORT.miscellaneous, mode.miscellaneous);
  bank(PORT.sequencer, mode.sequencer);
  bank(PORT.graphics, mode.graphics);
  call.output(PORT.crtc, RETRACE_END);
  call.output(PORT.crtc + 1, (mode.crtc[RETRACE_END] ?? 0) & 0x7f);
  bank(PORT.crtc, mode.crtc);
  // Reading the status makes the attribute controller expect an index.
  call.input(PORT.status);
  for (const [register, value] of mode.attribute.entries()) {
    call.output(PORT.attribute, register);
    call.output(PORT.attribute, value);
  }
  call.output(PORT.attribute, PALETTE_TO_SCREEN);
  call.output(PORT.paletteIndex, 0);
  for (let n = 0; n < PALETTE_ENTRIES * 3; n++) call.output(PORT.paletteData, mode.palette[n] ?? 0);
}

function clearMemory(call: BiosCall, { memory, memoryBytes, blank }: VideoMode): void {
  for (let offset = 0; offset < memoryBytes; offset += 4) call.write(memory + offset, 32, blank * 0x10001);
}

function describe(call: BiosCall, number: number, mode: VideoMode, keep: boolean): void {
  call.write(DATA.videoMode, 8, number);
  call.write(DATA.columns, 16, mode.columns);
  call.write(DATA.pageSize, 16, mode.pageSize);
  call.write(DATA.pageStart, 16, 0);
  for (let page = 0; page < 8; page++) call.write(DATA.cursors + page * 2, 16, 0);
  call.write(DATA.cursorShape, 16, number <= LAST_TEXT_MODE ? mode.cursor : 0);
  call.write(DATA.page, 8, 0);
  call.write(DATA.crtcPort, 16, PORT.crtc);
  call.write(DATA.lastRow, 8, mode.rows - 1);
  call.write(DATA.characterHeight, 16, mode.characterHeight);
  call.write(DATA.videoControl, 8, CONTROL | (keep ? KEEP_MEMORY : 0));
  call.write(DATA.videoSwitches, 8, 0xf9);
}
