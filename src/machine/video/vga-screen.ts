import { cp437 } from './cp437.ts';
import type { Picture } from './vga-picture.ts';
import type { VgaRegisters } from './vga-registers.ts';

const CRTC = {
  displayEnd: 0x01,
  maximumScanLine: 0x09,
  cursorStart: 0x0a,
  cursorEnd: 0x0b,
  startHigh: 0x0c,
  cursorHigh: 0x0e,
  offset: 0x13,
} as const;
const CURSOR_OFF = 0x20;
/** Attribute mode control, and in it: bit 7 of an attribute blinks. */
const ATTRIBUTE_MODE = 0x10;
const BLINKS = 0x08;

/** Where the text cursor is, and which scan lines of its cell it fills. */
export interface TextCursor {
  readonly row: number;
  readonly column: number;
  /** First and last scan line, 0 the uppermost of the cell. */
  readonly firstLine: number;
  readonly lastLine: number;
}

/** What the screen shows at one moment: text, or in a graphics mode a picture and no rows. */
export interface ScreenSnapshot {
  readonly columns: number;
  readonly rows: number;
  /** One string of `columns` characters for each row. */
  readonly characters: readonly string[];
  /** `columns * rows` attribute bytes, row by row. */
  readonly attributes: Uint8Array;
  /** Bit 7 of an attribute blinks; else it makes the background bright. */
  readonly blinks: boolean;
  /** Scan lines of a character cell. */
  readonly cellLines: number;
  /** Undefined when the cursor is off or outside the screen. */
  readonly cursor: TextCursor | undefined;
  readonly picture: Picture | undefined;
}

/** Size of the text screen in characters, and the scan lines of one. */
export function textSize({ crtc, raster }: VgaRegisters): Readonly<Record<'columns' | 'rows' | 'cellLines', number>> {
  const maximum = crtc[CRTC.maximumScanLine] ?? 0;
  const cellLines = (maximum & 0x1f) + 1;
  const lines = raster.height / (maximum & 0x80 ? 2 : 1);
  return { columns: (crtc[CRTC.displayEnd] ?? 0) + 1, rows: Math.floor(lines / cellLines), cellLines };
}

/** Text as the screen shows it. `byteAt` gives a cell's character (plane 0) or attribute (plane 1). */
export function textScreen(registers: VgaRegisters, byteAt: (plane: 0 | 1, cell: number) => number): ScreenSnapshot {
  const { crtc, displayOn } = registers;
  const { columns, rows, cellLines } = textSize(registers);
  const start = pair(crtc, CRTC.startHigh);
  const stride = (crtc[CRTC.offset] ?? 0) * 2;
  const characters: string[] = [];
  // Black on black, unless the display is on.
  const attributes = new Uint8Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    let line = '';
    for (let column = 0; displayOn && column < columns; column++) {
      const cell = start + row * stride + column;
      line += cp437(byteAt(0, cell));
      attributes[row * columns + column] = byteAt(1, cell);
    }
    characters.push(line.padEnd(columns));
  }
  const cursor = displayOn ? cursorOf(registers, start, stride) : undefined;
  const blinks = ((registers.attribute[ATTRIBUTE_MODE] ?? 0) & BLINKS) !== 0;
  return { columns, rows, characters, attributes, blinks, cellLines, cursor, picture: undefined };
}

/** A graphics mode: black while the display is off. */
export function graphicsScreen({ displayOn }: VgaRegisters, picture: Picture): ScreenSnapshot {
  const { width, height, palette } = picture;
  const shown = displayOn
    ? picture
    : { width, height, pixels: new Uint8Array(width * height), palette: new Uint8Array(palette.length) };
  return {
    ...{ columns: 0, rows: 0, characters: [], attributes: new Uint8Array(), blinks: false, cellLines: 0 },
    ...{ cursor: undefined, picture: shown },
  };
}

/** The cursor of the CRT controller: off, when it ends before it starts, and below the cell there is none. */
function cursorOf(registers: VgaRegisters, start: number, stride: number): TextCursor | undefined {
  const { crtc } = registers;
  const { columns, rows, cellLines } = textSize(registers);
  const cell = pair(crtc, CRTC.cursorHigh) - start;
  const control = crtc[CRTC.cursorStart] ?? 0;
  const firstLine = control & 0x1f;
  const lastLine = Math.min((crtc[CRTC.cursorEnd] ?? 0) & 0x1f, cellLines - 1);
  const row = Math.floor(cell / stride);
  const column = cell - row * stride;
  const hidden = (control & CURSOR_OFF) !== 0 || firstLine > lastLine;
  if (hidden || cell < 0 || row >= rows || column >= columns) return undefined;
  return { row, column, firstLine, lastLine };
}

/** A register of 16 bits: the upper byte, and the lower in the next. */
function pair(crtc: readonly number[], high: number): number {
  return ((crtc[high] ?? 0) << 8) | (crtc[high + 1] ?? 0);
}
