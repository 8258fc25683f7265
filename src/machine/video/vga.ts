import type { AccessWidth } from '../../cpu/context.ts';
import { hex } from '../../util/hex.ts';
import type { Clock } from '../clock.ts';
import type { Device, DeviceState, ReportGap } from '../device.ts';
import { VgaMemory } from './vga-memory.ts';
import { drawPicture } from './vga-picture.ts';
import { VgaRegisters } from './vga-registers.ts';
import { graphicsScreen, textScreen, textSize, type ScreenSnapshot } from './vga-screen.ts';

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

/** Sequencer and graphics registers as plain text memory needs them; those that are not here do not matter to it. */
const PLAIN_TEXT = {
  sequencer: { 2: 0x03, 4: 0x02 },
  graphics: { 1: 0x00, 3: 0x00, 4: 0x00, 5: 0x10, 6: 0x0e, 8: 0xff },
} as const;
/** Writes to these may change where the memory is: miscellaneous output, sequencer, graphics controller. */
const MAPPING_PORTS: ReadonlySet<number> = new Set([0x3c2, 0x3c5, 0x3cf]);

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
  private readonly registers = new VgaRegisters();
  /** The text window is plain RAM now; else planes 0 and 1 hold what it shows. */
  private plain = true;

  constructor(clock: Clock, video: VideoBus, report: ReportGap) {
    this.clock = clock;
    this.video = video;
    this.report = report;
    video.setDevicePages(WINDOW.first, TEXT.first - 1, true);
  }

  get summary(): string {
    const off = this.registers.displayOn ? '' : ', off';
    if (this.registers.graphicsMode) {
      const { width, height } = this.picture();
      return `graphics ${width} x ${height}${off}`;
    }
    const { columns, rows } = textSize(this.registers);
    return `text ${columns} x ${rows}${off}`;
  }

  /** What the screen shows now. */
  snapshot(): ScreenSnapshot {
    const { registers } = this;
    if (registers.graphicsMode) return graphicsScreen(registers, this.picture());
    return textScreen(registers, (plane, cell) => this.textByte(plane, cell));
  }

  memoryRead(physical: number, width: AccessWidth): number {
    let value = 0;
    for (let byte = width / 8 - 1; byte >= 0; byte--) value = value * 256 + this.readByte(physical + byte);
    return value;
  }

  memoryWrite(physical: number, width: AccessWidth, value: number): void {
    for (let byte = 0; byte < width / 8; byte++) this.writeByte(physical + byte, (value >>> (byte * 8)) & 0xff);
  }

  memoryPeek(physical: number): number | undefined {
    if (this.plain && physical >= TEXT.first) return undefined;
    const offset = this.windowOffset(physical);
    return offset === undefined ? 0xff : this.planes.peek(offset, this.registers);
  }

  memoryPoke(physical: number, value: number): boolean {
    if (this.plain && physical >= TEXT.first) return false;
    const offset = this.windowOffset(physical);
    if (offset !== undefined) this.planes.write(offset, value, this.registers);
    return true;
  }

  portRead(port: number): number {
    return this.registers.read(port, this.clock.now);
  }

  portWrite(port: number, _width: number, value: number): void {
    this.registers.write(port, value);
    if (MAPPING_PORTS.has(port)) this.mapMemory();
  }

  save(): DeviceState {
    return { registers: this.registers.save(), plain: this.plain, planes: this.planes.save() };
  }

  restore(state: DeviceState): void {
    this.registers.restore(state['registers'] as DeviceState);
    this.plain = state['plain'] as boolean;
    this.planes.restore(state['planes'] as ReturnType<VgaMemory['save']>);
  }

  private picture() {
    return drawPicture(this.planes, this.registers, this.registers.raster.height);
  }

  /** Character (plane 0) or attribute (plane 1) of a cell. */
  private textByte(plane: number, cell: number): number {
    if (!this.plain) return this.planes.byte(plane, cell * 2);
    return this.video.ram[TEXT.first + ((cell * 2 + plane) % TEXT.size)] ?? 0;
  }

  /** The offset in the open window; undefined outside. */
  private windowOffset(physical: number): number | undefined {
    const map = MEMORY_MAPS[((this.registers.graphics[6] ?? 0) >> 2) & 3] ?? MEMORY_MAPS[0];
    const offset = physical - map.first;
    return this.registers.memoryOn && offset >= 0 && offset < map.size ? offset : undefined;
  }

  private readByte(physical: number): number {
    const offset = this.windowOffset(physical);
    if (offset !== undefined) return this.planes.read(offset, this.registers);
    this.reportClosed(physical);
    return 0xff;
  }

  private writeByte(physical: number, value: number): void {
    const offset = this.windowOffset(physical);
    if (offset !== undefined) this.planes.write(offset, value, this.registers);
    else this.reportClosed(physical);
  }

  private reportClosed(physical: number): void {
    this.report(`VGA memory at phys:${hex(physical & ~0x7fff, 8)}: its registers do not map it there`);
  }

  /** Makes text memory plain RAM or a device, as the registers have it, and carries over what it holds. */
  private mapMemory(): void {
    const { planes, video } = this;
    const plain = this.wantsPlainText();
    if (plain === this.plain) return;
    this.plain = plain;
    for (let at = 0; at < TEXT.size; at++) {
      if (plain) video.ram[TEXT.first + at] = planes.byte(at & 1, at & ~1);
      else planes.setByte(at & 1, at & ~1, video.ram[TEXT.first + at] ?? 0);
    }
    video.setDevicePages(TEXT.first, TEXT.last, !plain);
  }

  private wantsPlainText(): boolean {
    const { sequencer, graphics, memoryOn } = this.registers;
    const holds = (registers: readonly number[], wanted: Readonly<Record<number, number>>): boolean =>
      Object.entries(wanted).every(([index, value]) => registers[Number(index)] === value);
    return memoryOn && holds(sequencer, PLAIN_TEXT.sequencer) && holds(graphics, PLAIN_TEXT.graphics);
  }
}
