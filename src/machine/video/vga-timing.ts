import { cyclesAt } from '../clock.ts';

/** What the CRT controller scans: lines of pixels, in pixels and lines. */
export interface Raster {
  /** Dot clock in Hz. */
  readonly dotClock: number;
  /** Pixels of a line that are shown, and all of it with its blanking. */
  readonly width: number;
  readonly lineTotal: number;
  /** Lines of a frame that are shown, at which the vertical retrace begins and ends, and all. */
  readonly height: number;
  readonly retraceStart: number;
  readonly retraceEnd: number;
  readonly frameTotal: number;
}

/** By bits 2 and 3 of the miscellaneous output register; an external clock (2, 3) is none here. */
const DOT_CLOCKS: readonly number[] = [25_175_000, 28_322_000];

/** The raster of the CRT controller's registers (IBM VGA Technical Reference, "CRT Controller"). */
export function rasterOf(crtc: readonly number[], clockingMode: number, miscellaneous: number): Raster {
  const register = (index: number): number => crtc[index] ?? 0;
  const overflow = register(0x07);
  const bit = (from: number, to: number): number => ((overflow >> from) & 1) << to;
  const characterWidth = clockingMode & 0x01 ? 8 : 9;
  const retraceStart = register(0x10) | bit(2, 8) | bit(7, 9);
  const retraceLength = (register(0x11) - retraceStart) & 0x0f || 16;
  const dotClock = DOT_CLOCKS[(miscellaneous >> 2) & 3] ?? DOT_CLOCKS[0] ?? 0;
  return {
    dotClock: clockingMode & 0x08 ? dotClock / 2 : dotClock,
    width: (register(0x01) + 1) * characterWidth,
    lineTotal: (register(0x00) + 5) * characterWidth,
    height: (register(0x12) | bit(1, 8) | bit(6, 9)) + 1,
    retraceStart,
    retraceEnd: retraceStart + retraceLength,
    frameTotal: (register(0x06) | bit(0, 8) | bit(5, 9)) + 2,
  };
}

/** Input status 1 at `tick`: bit 0 display off, bit 3 vertical retrace. */
export function inputStatus(raster: Raster, tick: number): number {
  const pixel = cyclesAt(tick, raster.dotClock);
  const line = Math.floor(pixel / raster.lineTotal) % raster.frameTotal;
  const retrace = line >= raster.retraceStart && line < raster.retraceEnd;
  const blank = line >= raster.height || pixel % raster.lineTotal >= raster.width;
  return (retrace ? 0x08 : 0) | (blank ? 0x01 : 0);
}
