/**
 * Keystrokes by scan code of set 1: what INT 16h gives for a key alone, with Shift, with Control and with Alt, scan code in the high
 * byte, ASCII in the low one; 0 for none (IBM PS/2 and PC BIOS Interface Technical Reference, "Keystroke Codes").
 */
export interface Keystrokes {
  readonly plain: number;
  readonly shift: number;
  readonly control: number;
  readonly alt: number;
}

/** Low byte of a keystroke that only the functions of the enhanced keyboard (AH=10h, 11h) give. */
export const ENHANCED = 0xf0;
/** Low byte of the keys that the enhanced keyboard added. */
export const EXTENDED = 0xe0;

/** Rows of the typewriter part: first scan code, characters alone and with Shift. */
const ROWS: readonly (readonly [first: number, plain: string, shift: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
];
/** Keys of the rows that mean something with Control, beside the letters: 2 6 - [ ] \. */
const CONTROL: Readonly<Record<string, number>> = {
  '2': 0x00,
  '6': 0x1e,
  '-': 0x1f,
  '[': 0x1b,
  ']': 0x1d,
  '\\': 0x1c,
};
/** Alt with the keys from 1 to =: scan codes of their own. */
const ALT_DIGITS = 0x78;

const OTHER: readonly (readonly [code: number, ...strokes: readonly [number, number, number, number]])[] = [
  [0x01, 0x011b, 0x011b, 0x011b, 0x01f0],
  [0x0e, 0x0e08, 0x0e08, 0x0e7f, 0x0ef0],
  [0x0f, 0x0f09, 0x0f00, 0x9400, 0xa5f0],
  [0x1c, 0x1c0d, 0x1c0d, 0x1c0a, 0x1cf0],
  [0x37, 0x372a, 0x372a, 0x9600, 0x37f0],
  [0x39, 0x3920, 0x3920, 0x3920, 0x3920],
  [0x56, 0x565c, 0x567c, 0, 0],
  [0x57, 0x8500, 0x8700, 0x8900, 0x8b00],
  [0x58, 0x8600, 0x8800, 0x8a00, 0x8c00],
];
/** The numeric pad from 7 to the decimal point: digit with Shift or Num Lock, scan code with Control. */
const PAD = '789-456+1230.';
const PAD_FIRST = 0x47;
const PAD_CONTROL = [0x77, 0x8d, 0x84, 0x8e, 0x73, 0x8f, 0x74, 0x90, 0x75, 0x91, 0x76, 0x92, 0x93];

export const PAD_LAST = 0x53;
export const PAD_KEYS: readonly [first: number, last: number] = [PAD_FIRST, PAD_LAST];

/** Enter and / of the numeric pad, whose codes come behind the prefix E0h. */
const EXTENDED_KEYS: Readonly<Record<number, Keystrokes>> = {
  0x1c: { plain: 0xe00d, shift: 0xe00d, control: 0xe00a, alt: 0xa600 },
  0x35: { plain: 0xe02f, shift: 0xe02f, control: 0x9500, alt: 0xa400 },
};

/** What a key gives; undefined where it gives nothing. `extended`: its code came behind E0h. */
export function keystrokes(code: number, extended: boolean): Keystrokes | undefined {
  const own = extended ? EXTENDED_KEYS[code] : undefined;
  return own ?? otherKey(code) ?? functionKey(code) ?? padKey(code) ?? rowKey(code);
}

function otherKey(code: number): Keystrokes | undefined {
  const row = OTHER.find(([first]) => first === code);
  return row === undefined ? undefined : { plain: row[1], shift: row[2], control: row[3], alt: row[4] };
}

function functionKey(code: number): Keystrokes | undefined {
  const key = code - 0x3b;
  if (key < 0 || key > 9) return undefined;
  return { plain: code << 8, shift: (0x54 + key) << 8, control: (0x5e + key) << 8, alt: (0x68 + key) << 8 };
}

function padKey(code: number): Keystrokes | undefined {
  const key = PAD.charAt(code - PAD_FIRST);
  if (code < PAD_FIRST || key === '') return undefined;
  const control = (PAD_CONTROL[code - PAD_FIRST] ?? 0) << 8;
  const character = (code << 8) | key.charCodeAt(0);
  const sign = key === '-' || key === '+';
  return sign
    ? { plain: character, shift: character, control, alt: (code << 8) | ENHANCED }
    : { plain: code << 8, shift: character, control, alt: 0 };
}

function rowKey(code: number): Keystrokes | undefined {
  for (const [first, plain, shift] of ROWS) {
    const key = plain.charAt(code - first);
    if (code < first || key === '') continue;
    const stroke = (low: number): number => (code << 8) | low;
    const letter = /[a-z]/.test(key);
    const special = CONTROL[key];
    const control = letter ? stroke(key.charCodeAt(0) & 0x1f) : special === undefined ? 0 : stroke(special);
    const alt = first === 0x02 ? (ALT_DIGITS + code - first) << 8 : stroke(letter ? 0 : ENHANCED);
    const shifted = shift.charCodeAt(code - first);
    return { plain: stroke(key.charCodeAt(0)), shift: stroke(shifted), control, alt };
  }
  return undefined;
}
