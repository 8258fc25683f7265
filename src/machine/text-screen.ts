import { cyclesAt, type Clock } from './clock.ts';
import { cp437 } from './cp437.ts';
import type { Device, DeviceState } from './device.ts';
import { MODE_3 } from './vga-mode-3.ts';

const COLUMNS = 80;
const ROWS = 25;
/** Colour text memory: plain RAM, 32 KiB of character and attribute pairs. */
const TEXT_MEMORY = 0xb8000;
const TEXT_MEMORY_SIZE = 0x8000;

/** 720 x 400 text mode: pixel clock in Hz, pixels of a line and lines of a frame with their blanking (IBM VGA Technical Reference). */
const PIXEL_CLOCK = 28_322_000;
const LINE = { visible: 720, total: 900 } as const;
const FRAME = { visible: 400, retrace: 412, retraceEnd: 414, total: 449 } as const;

const CURSOR = { start: 0x0a, positionHigh: 0x0e, positionLow: 0x0f } as const;
const START_ADDRESS = { high: 0x0c, low: 0x0d } as const;
const RETRACE_END = 0x11;

/** An index register and what it chooses from. */
type Bank = { index: number; registers: number[] };

type ScreenState = {
  crtc: Bank;
  sequencer: Bank;
  graphics: Bank;
  attribute: Bank;
  /** Port 0x3c0 takes data next, not an index. */
  attributeData: boolean;
  miscellaneous: number;
  feature: number;
  palette: { mask: number; read: number; write: number; reading: boolean; bytes: number[] };
};

/** The text screen at one moment. */
export interface ScreenSnapshot {
  readonly columns: number;
  readonly rows: number;
  /** One string of `columns` characters for each row. */
  readonly characters: readonly string[];
  /** `columns * rows` attribute bytes, row by row. */
  readonly attributes: Uint8Array;
  /** Undefined when the cursor is off or outside the screen. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined;
}

/** The registers of a VGA in colour text mode. Its memory is RAM; other modes can be programmed but are not drawn. */
export class TextScreen implements Device {
  readonly name = 'VGA text screen';
  readonly ports = [
    { first: 0x3c0, last: 0x3cf },
    { first: 0x3d4, last: 0x3d5 },
    { first: 0x3da, last: 0x3da },
  ];
  private readonly clock: Clock;
  private state = powerOn();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** What the screen shows, from the machine's RAM (index is the physical address). */
  snapshot(ram: Uint8Array): ScreenSnapshot {
    const start = this.crtcPair(START_ADDRESS.high, START_ADDRESS.low);
    const characters: string[] = [];
    const attributes = new Uint8Array(COLUMNS * ROWS);
    for (let row = 0; row < ROWS; row++) {
      let line = '';
      for (let column = 0; column < COLUMNS; column++) {
        const cell = row * COLUMNS + column;
        const address = TEXT_MEMORY + (((start + cell) * 2) % TEXT_MEMORY_SIZE);
        line += cp437(ram[address] ?? 0);
        attributes[cell] = ram[address + 1] ?? 0;
      }
      characters.push(line);
    }
    return { columns: COLUMNS, rows: ROWS, characters, attributes, cursor: this.cursor(start) };
  }

  portRead(port: number): number {
    const { state } = this;
    switch (port) {
      case 0x3c0:
        return state.attribute.index;
      case 0x3c1:
        return selected({ index: state.attribute.index & 0x1f, registers: state.attribute.registers });
      case 0x3c2:
        // Input status 0: no retrace interrupt, a monitor is there.
        return 0x10;
      case 0x3c4:
        return state.sequencer.index;
      case 0x3c5:
        return selected(state.sequencer);
      case 0x3c6:
        return state.palette.mask;
      case 0x3c7:
        return state.palette.reading ? 0x03 : 0x00;
      case 0x3c8:
        return Math.floor(state.palette.write / 3);
      case 0x3c9:
        return this.readPalette();
      case 0x3ca:
        return state.feature;
      case 0x3cc:
        return state.miscellaneous;
      case 0x3ce:
        return state.graphics.index;
      case 0x3cf:
        return selected(state.graphics);
      case 0x3d4:
        return state.crtc.index;
      case 0x3d5:
        return selected(state.crtc);
      case 0x3da:
        state.attributeData = false;
        return this.inputStatus();
      default:
        return 0xff;
    }
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    switch (port) {
      case 0x3c0:
        this.writeAttribute(value);
        break;
      case 0x3c2:
        state.miscellaneous = value;
        break;
      case 0x3c4:
        state.sequencer.index = value;
        break;
      case 0x3c5:
        select(state.sequencer, value);
        break;
      case 0x3c6:
        state.palette.mask = value;
        break;
      case 0x3c7:
        state.palette.read = value * 3;
        state.palette.reading = true;
        break;
      case 0x3c8:
        state.palette.write = value * 3;
        state.palette.reading = false;
        break;
      case 0x3c9:
        state.palette.bytes[state.palette.write] = value & 0x3f;
        state.palette.write = (state.palette.write + 1) % state.palette.bytes.length;
        break;
      case 0x3ce:
        state.graphics.index = value;
        break;
      case 0x3cf:
        select(state.graphics, value);
        break;
      case 0x3d4:
        state.crtc.index = value;
        break;
      case 0x3d5:
        this.writeCrtc(value);
        break;
      case 0x3da:
        state.feature = value;
        break;
      default:
        // Read-only registers.
        break;
    }
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as ScreenState);
  }

  private cursor(start: number): ScreenSnapshot['cursor'] {
    const cell = this.crtcPair(CURSOR.positionHigh, CURSOR.positionLow) - start;
    const off = (this.crtc(CURSOR.start) & 0x20) !== 0;
    if (off || cell < 0 || cell >= COLUMNS * ROWS) return undefined;
    return { row: Math.floor(cell / COLUMNS), column: cell % COLUMNS };
  }

  private crtc(index: number): number {
    return this.state.crtc.registers[index] ?? 0;
  }

  private crtcPair(high: number, low: number): number {
    return (this.crtc(high) << 8) | this.crtc(low);
  }

  private writeCrtc(value: number): void {
    const { crtc } = this.state;
    const isProtected = crtc.index < 8 && (this.crtc(RETRACE_END) & 0x80) !== 0;
    if (!isProtected) select(crtc, value);
    // Line compare bit 8 is all that the protection of registers 0..7 leaves writable.
    else if (crtc.index === 7) select(crtc, (this.crtc(7) & ~0x10) | (value & 0x10));
  }

  private writeAttribute(value: number): void {
    const { attribute, attributeData } = this.state;
    if (attributeData) select({ index: attribute.index & 0x1f, registers: attribute.registers }, value);
    else attribute.index = value;
    this.state.attributeData = !attributeData;
  }

  private readPalette(): number {
    const { palette } = this.state;
    const value = palette.bytes[palette.read] ?? 0;
    palette.read = (palette.read + 1) % palette.bytes.length;
    return value;
  }

  /** Input status 1: bit 0 display off, bit 3 vertical retrace. */
  private inputStatus(): number {
    const pixel = cyclesAt(this.clock.now, PIXEL_CLOCK);
    const line = Math.floor(pixel / LINE.total) % FRAME.total;
    const retrace = line >= FRAME.retrace && line < FRAME.retraceEnd;
    const blank = line >= FRAME.visible || pixel % LINE.total >= LINE.visible;
    return (retrace ? 0x08 : 0) | (blank ? 0x01 : 0);
  }
}

function selected(bank: Bank): number {
  return bank.registers[bank.index] ?? 0;
}

/** A write past the last register goes nowhere, as in the chip. */
function select(bank: Bank, value: number): void {
  if (bank.index < bank.registers.length) bank.registers[bank.index] = value;
}

function powerOn(): ScreenState {
  return {
    crtc: { index: 0, registers: [...MODE_3.crtc] },
    sequencer: { index: 0, registers: [...MODE_3.sequencer] },
    graphics: { index: 0, registers: [...MODE_3.graphics] },
    attribute: { index: 0x20, registers: [...MODE_3.attribute] },
    attributeData: false,
    miscellaneous: MODE_3.miscellaneous,
    feature: 0,
    palette: { mask: 0xff, read: 0, write: 0, reading: false, bytes: [...MODE_3.palette] },
  };
}
