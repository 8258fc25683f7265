import { MODE_3 } from '../../video/vga-mode-3.ts';

/** What INT 10h AH=00h makes of the VGA, and what it says of it in the data area (IBM VGA Technical Reference, "Video Modes"). */
export interface VideoMode {
  /** Characters. */
  readonly columns: number;
  readonly rows: number;
  /** Scan lines. */
  readonly characterHeight: number;
  /** Bytes from one page to the next. */
  readonly pageSize: number;
  /** Where its memory begins, and what an empty word of it holds. */
  readonly memory: number;
  readonly memoryBytes: number;
  readonly blank: number;
  /** First and last line of the cursor, as of a character of 8; 0 for none. */
  readonly cursor: number;
  readonly miscellaneous: number;
  readonly sequencer: readonly number[];
  readonly crtc: readonly number[];
  readonly attribute: readonly number[];
  readonly graphics: readonly number[];
  /** Red, green, blue of each entry, 6 bits each. */
  readonly palette: readonly number[];
}

const TEXT = {
  rows: 25,
  characterHeight: 16,
  memory: 0xb8000,
  memoryBytes: 0x8000,
  blank: 0x0720,
  cursor: 0x0607,
  miscellaneous: MODE_3.miscellaneous,
  attribute: MODE_3.attribute,
  graphics: MODE_3.graphics,
  palette: MODE_3.palette,
} as const;

const TEXT_40: VideoMode = {
  ...TEXT,
  columns: 40,
  pageSize: 0x800,
  sequencer: [0x03, 0x08, 0x03, 0x00, 0x02],
  crtc: [
    0x2d, 0x27, 0x28, 0x90, 0x2b, 0xa0, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f,
    0x14, 0x1f, 0x96, 0xb9, 0xa3, 0xff,
  ],
};
const TEXT_80: VideoMode = { ...TEXT, columns: 80, pageSize: 0x1000, sequencer: MODE_3.sequencer, crtc: MODE_3.crtc };

const GRAPHICS = { memory: 0xa0000, memoryBytes: 0x10000, blank: 0, cursor: 0, columns: 80 } as const;

const PLANAR_480: VideoMode = {
  ...GRAPHICS,
  rows: 30,
  characterHeight: 16,
  pageSize: 0xa000,
  miscellaneous: 0xe3,
  sequencer: [0x03, 0x01, 0x0f, 0x00, 0x06],
  crtc: [
    0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf,
    0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff,
  ],
  attribute: [...MODE_3.attribute.slice(0, 16), 0x01, 0x00, 0x0f, 0x00, 0x00],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff],
  palette: MODE_3.palette,
};

const PACKED_200: VideoMode = {
  ...GRAPHICS,
  columns: 40,
  rows: 25,
  characterHeight: 8,
  pageSize: 0xfa00,
  miscellaneous: 0x63,
  sequencer: [0x03, 0x01, 0x0f, 0x00, 0x0e],
  crtc: [
    0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f,
    0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff,
  ],
  attribute: [...Array.from({ length: 16 }, (_, n) => n), 0x41, 0x00, 0x0f, 0x00, 0x00],
  graphics: [0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff],
  palette: colours256(),
};

/** By number. Text and colour alike, the modes of 40 and of 80 columns differ in nothing on a VGA. */
export const VIDEO_MODES: ReadonlyMap<number, VideoMode> = new Map([
  [0x00, TEXT_40],
  [0x01, TEXT_40],
  [0x02, TEXT_80],
  [0x03, TEXT_80],
  [0x12, PLANAR_480],
  [0x13, PACKED_200],
]);

/** The last of the modes that show text. */
export const LAST_TEXT_MODE = 0x03;

/** Mode 13h: the 16 colours of text, 16 greys, then three times 24 hues of three saturations, each darker; 8 black. */
function colours256(): number[] {
  const text = MODE_3.attribute.slice(0, 16).flatMap((code) => MODE_3.palette.slice(code * 3, code * 3 + 3));
  const greys = [0, 5, 8, 11, 14, 17, 20, 24, 28, 32, 36, 40, 45, 50, 56, 63].flatMap((grey) => [grey, grey, grey]);
  const ramps: readonly (readonly number[])[] = [
    ...[
      [0, 16, 31, 47, 63],
      [31, 39, 47, 55, 63],
      [45, 49, 54, 58, 63],
    ],
    ...[
      [0, 7, 14, 21, 28],
      [14, 17, 21, 24, 28],
      [20, 22, 24, 26, 28],
    ],
    ...[
      [0, 4, 8, 12, 16],
      [8, 10, 12, 14, 16],
      [11, 12, 13, 15, 16],
    ],
  ];
  return [...text, ...greys, ...ramps.flatMap(hues), ...new Array<number>(24).fill(0)];
}

/** Once round the colours from blue by red and green, four steps from each corner to the next. */
function hues(ramp: readonly number[]): number[] {
  const level = (step: number): number => {
    const place = ((step % 24) + 24) % 24;
    // Four steps up, eight at the top, four down, eight at the bottom.
    const height = place < 4 ? place : place < 12 ? 4 : place < 16 ? 16 - place : 0;
    return ramp[height] ?? 0;
  };
  return Array.from({ length: 24 }, (_, hue) => [level(hue), level(hue - 8), level(hue + 8)]).flat();
}
