import type { DeviceState } from '../device.ts';
import { MODE_3 } from './vga-mode-3.ts';
import { inputStatus, rasterOf, type Raster } from './vga-timing.ts';

/** Writable bits of the registers of sequencer and graphics controller. */
const SEQUENCER_BITS: readonly number[] = [0x03, 0x3d, 0x0f, 0x3f, 0x0e];
const GRAPHICS_BITS: readonly number[] = [0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff];
/** Miscellaneous output: registers at 0x3d., not at 0x3b.; the CPU may reach the memory. */
const MISCELLANEOUS = { colour: 0x01, memoryOn: 0x02 } as const;
/** Clocking mode (sequencer 1): nothing is shown. */
const SCREEN_OFF = 0x20;
/** Bit of the attribute controller's index: the palette belongs to the screen, not to the CPU. */
const PALETTE_TO_SCREEN = 0x20;
const RETRACE_END = 0x11;

/** An index register and what it chooses from. */
type Bank = { index: number; registers: number[] };

type RegisterState = {
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

/** The registers of a VGA as its ports reach them (IBM VGA Technical Reference); at power-on those of mode 3. */
export class VgaRegisters {
  private state = powerOn();
  /** Found when it is asked for after a register was written. */
  private knownRaster: Raster | undefined;

  /** CRT controller, by index. */
  get crtc(): readonly number[] {
    return this.state.crtc.registers;
  }
  get sequencer(): readonly number[] {
    return this.state.sequencer.registers;
  }
  get graphics(): readonly number[] {
    return this.state.graphics.registers;
  }
  get attribute(): readonly number[] {
    return this.state.attribute.registers;
  }
  /** Six bits for each of red, green, blue of 256 entries. */
  get palette(): readonly number[] {
    return this.state.palette.bytes;
  }
  get paletteMask(): number {
    return this.state.palette.mask;
  }

  get graphicsMode(): boolean {
    return ((this.graphics[6] ?? 0) & 0x01) !== 0;
  }

  /** Whether the CPU reaches the memory at all. */
  get memoryOn(): boolean {
    return (this.state.miscellaneous & MISCELLANEOUS.memoryOn) !== 0;
  }

  /** Whether anything but the border is shown: the sequencer shows it and the attribute controller has its palette. */
  get displayOn(): boolean {
    return ((this.sequencer[1] ?? 0) & SCREEN_OFF) === 0 && (this.state.attribute.index & PALETTE_TO_SCREEN) !== 0;
  }

  get raster(): Raster {
    return (this.knownRaster ??= rasterOf(this.crtc, this.sequencer[1] ?? 0, this.state.miscellaneous));
  }

  /** What a port reads at tick `now`. */
  read(port: number, now: number): number {
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
        return inputStatus(this.raster, now);
      default:
        return 0xff;
    }
  }

  write(port: number, value: number): void {
    const { state } = this;
    this.knownRaster = undefined;
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
  }

  save(): DeviceState {
    return structuredClone(this.state);
  }

  restore(state: DeviceState): void {
    this.state = structuredClone(state as RegisterState);
    this.knownRaster = undefined;
  }

  /** The registers that monochrome adapters had at 0x3b. are there or at 0x3d.; 0 for the place where they are not. */
  private decode(port: number): number {
    const group = port & 0xff0;
    if (group === 0x3c0) return port;
    const colour = (this.state.miscellaneous & MISCELLANEOUS.colour) !== 0;
    return colour === (group === 0x3d0) ? (port & 0x00f) | 0x3d0 : 0;
  }

  private writeCrtc(value: number): void {
    const { crtc } = this.state;
    const isProtected = crtc.index < 8 && ((this.crtc[RETRACE_END] ?? 0) & 0x80) !== 0;
    if (!isProtected) select(crtc, value);
    // Line compare bit 8 is all that the protection of registers 0..7 leaves writable.
    else if (crtc.index === 7) select(crtc, ((this.crtc[7] ?? 0) & ~0x10) | (value & 0x10));
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

function powerOn(): RegisterState {
  return {
    crtc: { index: 0, registers: [...MODE_3.crtc] },
    sequencer: { index: 0, registers: [...MODE_3.sequencer] },
    graphics: { index: 0, registers: [...MODE_3.graphics] },
    attribute: { index: PALETTE_TO_SCREEN, registers: [...MODE_3.attribute] },
    attributeData: false,
    miscellaneous: MODE_3.miscellaneous,
    feature: 0,
    palette: { mask: 0xff, read: 0, write: 0, reading: false, bytes: [...MODE_3.palette] },
  };
}
