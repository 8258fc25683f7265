import type { AccessWidth } from '../cpu/context.ts';
import { hex } from '../util/hex.ts';
import type { Clock } from './clock.ts';
import { cp437 } from './cp437.ts';
import type { Device, DeviceState, ReportGap } from './device.ts';
import { VgaMemory } from './vga-memory.ts';
import { MODE_3 } from './vga-mode-3.ts';
import { drawPicture, type Picture } from './vga-picture.ts';
import { inputStatus, rasterOf, type Raster } from './vga-timing.ts';

/** All that a VGA may answer at. */
const WINDOW = { first: 0xa0000, last: 0xbffff } as const;
/** Colour text memory: plain RAM, 32 KiB of character and attribute pairs, while nothing is programmed that makes it more. */
const TEXT = { first: 0xb8000, last: 0xbffff, size: 0x8000 } as const;
/** Where the graphics controller's memory map (register 6 bits 2 and 3) opens the window. */
const MEMORY_MAPS = [
  { first: 0xa0000, size: 0x20000 },
  { first: 0xa0000, size: 0x10000 },
  { first: 0xb0000, size: 0x8000 },
  { first: 0xb8000, size: 0x8000 },
] as const;

/** Writable bits of the registers of sequencer and graphics controller. */
const SEQUENCER_BITS: readonly number[] = [0x03, 0x3d, 0x0f, 0x3f, 0x0e];
const GRAPHICS_BITS: readonly number[] = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff];
/** Sequencer and graphics registers as plain text memory needs them; those that are not here do not matter to it. */
const PLAIN_TEXT = {
  sequencer: { 2: 0x03, 4: 0x02 },
  graphics: { 1: 0x00, 3: 0x00, 4: 0x00, 5: 0x10, 6: 0x0e, 8: 0xff },
} as const;
/** Writes to these may change where the memory is: miscellaneous output, sequencer, graphics controller. */
const MAPPING_PORTS: ReadonlySet<number> = new Set([0x3c2, 0x3c5, 0x3cf]);
/** Miscellaneous output: registers at 0x3d., not at 0x3b.; the CPU may reach the memory. */
const MISCELLANEOUS = { colour: 0x01, memoryOn: 0x02 } as const;

const CRTC = { displayEnd: 0x01, maximumScanLine: 0x09, offset: 0x13 } as const;
const CURSOR = { start: 0x0a, end: 0x0b, positionHigh: 0x0e, positionLow: 0x0f } as const;
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
  /** The text window is plain RAM now; else planes 0 and 1 hold what it shows. */
  plain: boolean;
};

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
  /** Undefined when the cursor is off or outside the screen. */
  readonly cursor: { readonly row: number; readonly column: number } | undefined;
  readonly picture: Picture | undefined;
}

/** What the VGA needs of the machine. */
export interface VideoBus {
  /** The machine's RAM; index is the physical address. */
  readonly ram: Uint8Array;
  /** Puts the device in front of RAM, or takes it away: physical addresses, whole pages. */
  readonly setDevicePages: (first: number, last: number, device: boolean) => void;
}

/**
 * A VGA (IBM VGA Technical Reference). While text memory is only that, 0xb8000 is plain RAM and costs nothing; once the guest programs
 * anything else, every access goes through the planes here, and what RAM held goes with it.
 */
export class Vga implements Device {
  readonly name = 'VGA';
  readonly ports = [
    { first: 0x3b4, last: 0x3b5 },
    { first: 0x3ba, last: 0x3ba },
    { first: 0x3c0, last: 0x3cf },
    { first: 0x3d4, last: 0x3d5 },
    { first: 0x3da, last: 0x3da },
  ];
  readonly memory = [WINDOW];
  private readonly clock: Clock;
  private readonly video: VideoBus;
  private readonly report: ReportGap;
  private readonly planes = new VgaMemory();
  private state = powerOn();
  /** Found when it is asked for after a register was written. */
  private raster: Raster | undefined;

  constructor(clock: Clock, video: VideoBus, report: ReportGap) {
    this.clock = clock;
    this.video = video;
    this.report = report;
    video.setDevicePages(WINDOW.first, TEXT.first - 1, true);
  }

  get summary(): string {
    if (!this.graphicsMode) return `text ${this.columns} x ${this.rows}`;
    const { width, height } = this.picture();
    return `graphics ${width} x ${height}`;
  }

  /** What the screen shows now. */
  snapshot(): ScreenSnapshot {
    const blinks = (this.attribute(0x10) & 0x08) !== 0;
    if (this.graphicsMode)
      return {
        ...{ columns: 0, rows: 0, characters: [], attributes: new Uint8Array(), blinks, cursor: undefined },
        picture: this.picture(),
      };
    const { columns, rows } = this;
    const start = this.crtcPair(START_ADDRESS.high, START_ADDRESS.low);
    const stride = this.crtc(CRTC.offset) * 2;
    const characters: string[] = [];
    const attributes = new Uint8Array(columns * rows);
    for (let row = 0; row < rows; row++) {
      let line = '';
      for (let column = 0; column < columns; column++) {
        const cell = start + row * stride + column;
        line += cp437(this.textByte(0, cell));
        attributes[row * columns + column] = this.textByte(1, cell);
      }
      characters.push(line);
    }
    return { columns, rows, characters, attributes, blinks, cursor: this.cursor(start, stride), picture: undefined };
  }

  memoryRead(physical: number, width: AccessWidth): number {
    let value = 0;
    for (let byte = width / 8 - 1; byte >= 0; byte--) value = value * 256 + this.readByte(physical + byte);
    return value;
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    for (let byte = 0; byte < width / 8; byte++) this.writeByte(physical + byte, (value >>> (byte * 8)) & 0xff);
  }

  portRead(port: number): number {
    const { state } = this;
    switch (this.decode(port)) {
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
        return inputStatus((this.raster ??= this.findRaster()), this.clock.now);
      default:
        return 0xff;
    }
  }

  portWrite(port: number, _width: number, value: number): void {
    const { state } = this;
    this.raster = undefined;
    switch (this.decode(port)) {
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
        select(state.sequencer, value & (SEQUENCER_BITS[state.sequencer.index] ?? 0));
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
        select(state.graphics, value & (GRAPHICS_BITS[state.graphics.index] ?? 0));
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
    if (MAPPING_PORTS.has(port)) this.mapMemory();
  }

  save(): DeviceState {
    return { ...structuredClone(this.state), planes: this.planes.save() };
  }

  restore(state: DeviceState): void {
    const { planes, ...rest } = structuredClone(state) as ScreenState & { planes: ReturnType<VgaMemory['save']> };
    this.state = rest;
    this.planes.restore(planes);
    this.raster = undefined;
  }

  private get graphicsMode(): boolean {
    return ((this.state.graphics.registers[6] ?? 0) & 0x01) !== 0;
  }

  private get columns(): number {
    return this.crtc(CRTC.displayEnd) + 1;
  }

  private get rows(): number {
    const maximum = this.crtc(CRTC.maximumScanLine);
    const lines = (this.raster ??= this.findRaster()).height / (maximum & 0x80 ? 2 : 1);
    return Math.floor(lines / ((maximum & 0x1f) + 1));
  }

  private findRaster(): Raster {
    const { crtc, sequencer, miscellaneous } = this.state;
    return rasterOf(crtc.registers, sequencer.registers[1] ?? 0, miscellaneous);
  }

  private picture(): Picture {
    const { crtc, graphics, attribute, palette } = this.state;
    return drawPicture(
      this.planes,
      {
        ...{ crtc: crtc.registers, graphics: graphics.registers, attribute: attribute.registers },
        ...{ palette: palette.bytes, paletteMask: palette.mask },
      },
      (this.raster ??= this.findRaster()).height,
    );
  }

  /** Character (plane 0) or attribute (plane 1) of a cell. */
  private textByte(plane: number, cell: number): number {
    if (!this.state.plain) return this.planes.byte(plane, cell * 2);
    return this.video.ram[TEXT.first + ((cell * 2 + plane) % TEXT.size)] ?? 0;
  }

  private attribute(index: number): number {
    return this.state.attribute.registers[index] ?? 0;
  }

  /** The registers that monochrome adapters had at 0x3b. are there or at 0x3d.; 0 for the place where they are not. */
  private decode(port: number): number {
    const group = port & 0xff0;
    if (group === 0x3c0) return port;
    const colour = (this.state.miscellaneous & MISCELLANEOUS.colour) !== 0;
    return colour === (group === 0x3d0) ? (port & 0x00f) | 0x3d0 : 0;
  }

  /** The offset in the open window; undefined outside. */
  private windowOffset(physical: number): number | undefined {
    const map = MEMORY_MAPS[((this.state.graphics.registers[6] ?? 0) >> 2) & 3] ?? MEMORY_MAPS[0];
    const offset = physical - map.first;
    const open = (this.state.miscellaneous & MISCELLANEOUS.memoryOn) !== 0;
    return open && offset >= 0 && offset < map.size ? offset : undefined;
  }

  private readByte(physical: number): number {
    const offset = this.windowOffset(physical);
    if (offset !== undefined) return this.planes.read(offset, this.planeAccess);
    this.reportClosed(physical);
    return 0xff;
  }

  private writeByte(physical: number, value: number): void {
    const offset = this.windowOffset(physical);
    if (offset !== undefined) this.planes.write(offset, value, this.planeAccess);
    else this.reportClosed(physical);
  }

  private get planeAccess() {
    return { sequencer: this.state.sequencer.registers, graphics: this.state.graphics.registers };
  }

  private reportClosed(physical: number): void {
    this.report(`VGA memory at phys:${hex(physical & ~0x7fff, 8)}: its registers do not map it there`);
  }

  /** Makes text memory plain RAM or a device, as the registers have it, and carries over what it holds. */
  private mapMemory(): void {
    const { state, planes, video } = this;
    const plain = this.wantsPlainText();
    if (plain === state.plain) return;
    state.plain = plain;
    for (let at = 0; at < TEXT.size; at++) {
      if (plain) video.ram[TEXT.first + at] = planes.byte(at & 1, at & ~1);
      else planes.setByte(at & 1, at & ~1, video.ram[TEXT.first + at] ?? 0);
    }
    video.setDevicePages(TEXT.first, TEXT.last, !plain);
  }

  private wantsPlainText(): boolean {
    const { sequencer, graphics, miscellaneous } = this.state;
    const holds = (registers: readonly number[], wanted: Readonly<Record<number, number>>): boolean =>
      Object.entries(wanted).every(([index, value]) => registers[Number(index)] === value);
    return (
      (miscellaneous & MISCELLANEOUS.memoryOn) !== 0 &&
      holds(sequencer.registers, PLAIN_TEXT.sequencer) &&
      holds(graphics.registers, PLAIN_TEXT.graphics)
    );
  }

  private cursor(start: number, stride: number): ScreenSnapshot['cursor'] {
    const cell = this.crtcPair(CURSOR.positionHigh, CURSOR.positionLow) - start;
    const first = this.crtc(CURSOR.start);
    const hidden = (first & 0x20) !== 0 || (first & 0x1f) > (this.crtc(CURSOR.end) & 0x1f);
    const row = Math.floor(cell / stride);
    const column = cell - row * stride;
    if (hidden || cell < 0 || row >= this.rows || column >= this.columns) return undefined;
    return { row, column };
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
    plain: true,
  };
}
