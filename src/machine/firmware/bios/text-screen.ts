import type { BiosCall } from './bios-call.ts';
import { DATA } from './bios-data-area.ts';

const TEXT_MEMORY = 0xb8000;
const SPACE = 0x20;
const NORMAL = 0x07;
const CRTC = { cursorStart: 0x0a, cursorEnd: 0x0b, startHigh: 0x0c, startLow: 0x0d, cursorHigh: 0x0e, cursorLow: 0x0f };

/** Column and row of a page, from 0. */
export interface Place {
  readonly column: number;
  readonly row: number;
  readonly page: number;
}

/** Corners of a window, both inside. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The text of a page as INT 10h writes it: the state is the data area, the characters are in the VGA's memory. */
export class TextScreen {
  private readonly call: BiosCall;

  constructor(call: BiosCall) {
    this.call = call;
  }

  get columns(): number {
    return this.call.read(DATA.columns, 16);
  }
  get lastRow(): number {
    return this.call.read(DATA.lastRow, 8);
  }
  get page(): number {
    return this.call.read(DATA.page, 8);
  }

  cursor(page: number): Place {
    const word = this.call.read(DATA.cursors + (page & 7) * 2, 16);
    return { column: word & 0xff, row: word >> 8, page };
  }

  moveCursor({ column, row, page }: Place): void {
    const { call } = this;
    call.write(DATA.cursors + (page & 7) * 2, 16, (row << 8) | column);
    if (page !== this.page) return;
    const cell = call.read(DATA.pageStart, 16) / 2 + row * this.columns + column;
    this.setCrtc(CRTC.cursorHigh, cell >> 8);
    this.setCrtc(CRTC.cursorLow, cell & 0xff);
  }

  /** First and last scan line, as of a character of 8 lines: the BIOS scales them unless told not to. Bit 13 hides the cursor. */
  shapeCursor(shape: number): void {
    const { call } = this;
    call.write(DATA.cursorShape, 16, shape);
    const height = call.read(DATA.characterHeight, 16);
    const scaled = (call.read(DATA.videoControl, 8) & 1) === 0 ? scaledShape(shape, height) : shape;
    this.setCrtc(CRTC.cursorStart, scaled >> 8);
    this.setCrtc(CRTC.cursorEnd, scaled & 0xff);
  }

  showPage(page: number): void {
    const { call } = this;
    const start = (page & 7) * call.read(DATA.pageSize, 16);
    call.write(DATA.pageStart, 16, start);
    call.write(DATA.page, 8, page);
    this.setCrtc(CRTC.startHigh, start >> 9);
    this.setCrtc(CRTC.startLow, (start >> 1) & 0xff);
    this.moveCursor(this.cursor(page));
  }

  /** Character in the low byte, attribute in the high one. */
  readCell(place: Place): number {
    return this.call.read(this.cellAddress(place), 16);
  }
  /** Without an attribute the one that is there stays. */
  writeCell(place: Place, character: number, attribute: number | undefined): void {
    const at = this.cellAddress(place);
    if (attribute === undefined) this.call.write(at, 8, character);
    else this.call.write(at, 16, (attribute << 8) | character);
  }

  /** Writes a character as a terminal would: bell, backspace, line feed and carriage return act. The place behind it. */
  type(place: Place, character: number, attribute: number | undefined): Place {
    const { column, row, page } = place;
    switch (character) {
      case 0x07:
        return place;
      case 0x08:
        return { ...place, column: Math.max(0, column - 1) };
      case 0x0a:
        return this.scrolled({ ...place, row: row + 1 });
      case 0x0d:
        return { ...place, column: 0 };
      default:
        this.writeCell(place, character, attribute);
        return column + 1 < this.columns
          ? { ...place, column: column + 1 }
          : this.scrolled({ column: 0, row: row + 1, page });
    }
  }

  /** Moves a window up by so many rows, down if negative; 0 clears it. New rows are blank. */
  scroll(window: Window, rows: number, attribute: number, page: number): void {
    const height = window.bottom - window.top + 1;
    const shift = Math.abs(rows) >= height ? 0 : rows;
    for (let step = 0; step < height; step++) {
      const row = shift < 0 ? window.bottom - step : window.top + step;
      const source = row + shift;
      const filled = shift !== 0 && source >= window.top && source <= window.bottom;
      for (let column = window.left; column <= window.right; column++) {
        const cell = filled ? this.readCell({ column, row: source, page }) : (attribute << 8) | SPACE;
        this.call.write(this.cellAddress({ column, row, page }), 16, cell);
      }
    }
  }

  private scrolled(place: Place): Place {
    const { lastRow, columns } = this;
    if (place.row <= lastRow) return place;
    this.scroll({ left: 0, top: 0, right: columns - 1, bottom: lastRow }, 1, NORMAL, place.page);
    return { ...place, row: lastRow };
  }

  private cellAddress({ column, row, page }: Place): number {
    const offset = (page & 7) * this.call.read(DATA.pageSize, 16) + (row * this.columns + column) * 2;
    return TEXT_MEMORY + (offset & 0x7fff);
  }

  private setCrtc(register: number, value: number): void {
    const port = this.call.read(DATA.crtcPort, 16);
    this.call.output(port, register);
    this.call.output(port + 1, value);
  }
}

function scaledShape(shape: number, height: number): number {
  const start = (shape >> 8) & 0x3f;
  const end = shape & 0x1f;
  if (height <= 8 || end >= 8 || start >= 0x20) return shape;
  const scaled = (line: number): number => Math.floor(((line + 1) * height) / 8) - 1;
  const last = scaled(end);
  return ((end === start + 1 ? last - 1 : scaled(start)) << 8) | last;
}
