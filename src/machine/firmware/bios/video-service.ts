import { SEGMENT } from '../../../cpu/state.ts';
import type { BiosCall, BiosService } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';
import { paletteService } from './palette-service.ts';
import { TextScreen } from './text-screen.ts';
import { setMode } from './video-mode-set.ts';
import { LAST_TEXT_MODE } from './video-modes.ts';

const PIXELS = { mode: 0x13, memory: 0xa0000, width: 320, height: 200 } as const;

/** INT 10h by AH (IBM PS/2 and PC BIOS Interface Technical Reference, "Interrupt 10h - Video"). */
const FUNCTIONS: Readonly<Record<number, BiosService>> = {
  0x00: setMode,
  0x01: (call) => {
    new TextScreen(call).shapeCursor(call.cx);
  },
  0x02: (call) => {
    new TextScreen(call).moveCursor({ column: call.dl, row: call.dh, page: call.bh });
  },
  0x03: (call) => {
    const { column, row } = new TextScreen(call).cursor(call.bh);
    call.cx = call.read(DATA.cursorShape, 16);
    call.dx = (row << 8) | column;
  },
  0x05: (call) => {
    new TextScreen(call).showPage(call.al);
  },
  0x06: (call) => {
    scroll(call, 1);
  },
  0x07: (call) => {
    scroll(call, -1);
  },
  0x08: inText((call, screen) => {
    call.ax = screen.readCell(screen.cursor(call.bh));
  }),
  0x09: inText((call, screen) => {
    repeatCharacter(call, screen, call.bl);
  }),
  0x0a: inText((call, screen) => {
    repeatCharacter(call, screen, undefined);
  }),
  0x0c: writePixel,
  0x0d: readPixel,
  0x0e: inText((call, screen) => {
    screen.moveCursor(screen.type(screen.cursor(screen.page), call.al, undefined));
  }),
  0x0f: (call) => {
    call.al = call.read(DATA.videoMode, 8) | (call.read(DATA.videoControl, 8) & 0x80);
    call.ah = call.read(DATA.columns, 8);
    call.bh = call.read(DATA.page, 8);
  },
  0x10: paletteService,
  0x11: characterGenerator,
  0x12: alternateSelect,
  0x13: inText(writeString),
  0x1a: displayCombination,
  0x4f: (call) => {
    // AL stays what it is not with VBE: 4Fh.
    call.lacks('there are no VESA BIOS extensions');
  },
};

/** INT 10h. A function that is not here changes nothing, as on a BIOS that does not know it. */
export function video(call: BiosCall): void {
  const service = FUNCTIONS[call.ah];
  if (service === undefined) call.lacks();
  else service(call);
}

function inText(service: (call: BiosCall, screen: TextScreen) => void): BiosService {
  return (call) => {
    if (call.read(DATA.videoMode, 8) <= LAST_TEXT_MODE) service(call, new TextScreen(call));
    else call.lacks('characters are not drawn in graphics modes');
  };
}

function scroll(call: BiosCall, direction: 1 | -1): void {
  if (call.read(DATA.videoMode, 8) > LAST_TEXT_MODE) {
    call.lacks('graphics modes are not scrolled');
    return;
  }
  const screen = new TextScreen(call);
  const window = {
    left: call.cl,
    top: call.ch,
    right: Math.min(call.dl, screen.columns - 1),
    bottom: Math.min(call.dh, screen.lastRow),
  };
  screen.scroll(window, direction * call.al, call.bh, screen.page);
}

function repeatCharacter(call: BiosCall, screen: TextScreen, attribute: number | undefined): void {
  const { page, row, column } = screen.cursor(call.bh);
  const { columns, lastRow } = screen;
  for (let n = 0; n < call.cx; n++) {
    const cell = row * columns + column + n;
    if (cell >= (lastRow + 1) * columns) return;
    screen.writeCell({ page, row: Math.floor(cell / columns), column: cell % columns }, call.al, attribute);
  }
}

/** AH=13h: AL bit 0 moves the cursor, bit 1 says that attributes are in the string, which is at ES:BP. */
function writeString(call: BiosCall, screen: TextScreen): void {
  let place = { column: call.dl, row: call.dh, page: call.bh };
  const step = (call.al & 2) === 0 ? 1 : 2;
  for (let n = 0; n < call.cx; n++) {
    const at = call.bp + n * step;
    const attribute = step === 1 ? call.bl : call.read(call.linear(SEGMENT.es, at + 1), 8);
    place = screen.type(place, call.read(call.linear(SEGMENT.es, at), 8), attribute);
  }
  if ((call.al & 1) !== 0) screen.moveCursor(place);
}

function pixelAddress(call: BiosCall): number | undefined {
  if (call.read(DATA.videoMode, 8) === PIXELS.mode)
    return call.cx < PIXELS.width && call.dx < PIXELS.height
      ? PIXELS.memory + call.dx * PIXELS.width + call.cx
      : undefined;
  call.lacks('pixels are those of mode 13h');
  return undefined;
}

/** Bit 7 of AL is for modes of fewer colours. */
function writePixel(call: BiosCall): void {
  const at = pixelAddress(call);
  if (at !== undefined) call.write(at, 8, call.al);
}

function readPixel(call: BiosCall): void {
  const at = pixelAddress(call);
  if (at !== undefined) call.al = call.read(at, 8);
}

/** AX=1130h tells the font's height and the rows; there are no character shapes in this ROM. */
function characterGenerator(call: BiosCall): void {
  if (call.al !== 0x30) {
    call.lacks('this ROM has no character shapes');
    return;
  }
  if (call.bh > 7) return;
  // INT 1Fh and INT 43h are where a user's own shapes would be.
  const vector = call.bh === 0 ? 0x1f : call.bh === 1 ? 0x43 : undefined;
  call.bp = vector === undefined ? 0 : call.read(vector * 4, 16);
  call.es = vector === undefined ? 0 : call.read(vector * 4 + 2, 16);
  call.cx = call.read(DATA.characterHeight, 8);
  call.dl = call.read(DATA.lastRow, 8);
}

const ALTERNATE_DONE = 0x12;

/** AH=12h by BL. */
function alternateSelect(call: BiosCall): void {
  const flag = (address: number, mask: number, on: boolean): void => {
    const value = call.read(address, 8);
    call.write(address, 8, on ? value | mask : value & ~mask);
    call.al = ALTERNATE_DONE;
  };
  switch (call.bl) {
    case 0x10:
      // A colour display, 256 KiB; feature bits and switches.
      call.bx = 0x0003;
      call.cx = call.read(DATA.videoSwitches, 8) & 0x0f;
      return;
    case 0x31:
      return flag(DATA.modeSetControl, 0x08, (call.al & 1) !== 0);
    case 0x33:
      return flag(DATA.modeSetControl, 0x02, (call.al & 1) === 0);
    case 0x34:
      return flag(DATA.videoControl, 0x01, (call.al & 1) !== 0);
    default:
      call.lacks();
  }
}

const COMBINATION_DONE = 0x1a;

function displayCombination(call: BiosCall): void {
  if (call.al === 0) call.bx = call.read(DATA.displayCombination, 8);
  else if (call.al === 1) call.write(DATA.displayCombination, 8, call.bl);
  else {
    call.lacks();
    return;
  }
  call.al = COMBINATION_DONE;
}
