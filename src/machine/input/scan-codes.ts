import { StartOfDayError } from '../../util/errors.ts';

/**
 * Codes of the US keyboard in scan code set 1 (IBM PC/AT Technical Reference, "Keyboard"), and the 8042's own table between
 * set 2, which the keyboard sends, and set 1, which the CPU reads.
 */

/** Keys whose make code is one byte, row by row from the first code of the row. */
const CHARACTER_KEYS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ' '],
];

const NAMED_KEYS: Readonly<Record<string, number>> = {
  Escape: 0x01,
  Backspace: 0x0e,
  Tab: 0x0f,
  Enter: 0x1c,
  ControlLeft: 0x1d,
  ShiftLeft: 0x2a,
  ShiftRight: 0x36,
  AltLeft: 0x38,
  Space: 0x39,
  CapsLock: 0x3a,
  F1: 0x3b,
  F2: 0x3c,
  F3: 0x3d,
  F4: 0x3e,
  F5: 0x3f,
  F6: 0x40,
  F7: 0x41,
  F8: 0x42,
  F9: 0x43,
  F10: 0x44,
  NumLock: 0x45,
  ScrollLock: 0x46,
  F11: 0x57,
  F12: 0x58,
  IntlBackslash: 0x56,
  NumpadMultiply: 0x37,
  Numpad7: 0x47,
  Numpad8: 0x48,
  Numpad9: 0x49,
  NumpadSubtract: 0x4a,
  Numpad4: 0x4b,
  Numpad5: 0x4c,
  Numpad6: 0x4d,
  NumpadAdd: 0x4e,
  Numpad1: 0x4f,
  Numpad2: 0x50,
  Numpad3: 0x51,
  Numpad0: 0x52,
  NumpadDecimal: 0x53,
};

/** Keys that the AT keyboard added: their codes come after the prefix 0xe0. */
const EXTENDED_KEYS: Readonly<Record<string, number>> = {
  NumpadEnter: 0x1c,
  ControlRight: 0x1d,
  NumpadDivide: 0x35,
  AltRight: 0x38,
  Home: 0x47,
  ArrowUp: 0x48,
  PageUp: 0x49,
  ArrowLeft: 0x4b,
  ArrowRight: 0x4d,
  End: 0x4f,
  ArrowDown: 0x50,
  PageDown: 0x51,
  Insert: 0x52,
  Delete: 0x53,
  MetaLeft: 0x5b,
  MetaRight: 0x5c,
  ContextMenu: 0x5d,
};

const CONTROL_CHARACTERS: Readonly<Record<string, string>> = {
  '\n': 'Enter',
  '\r': 'Enter',
  '\t': 'Tab',
  '\b': 'Backspace',
  '\u001b': 'Escape',
};

const SHIFT = 0x2a;
const BREAK = 0x80;
const EXTENDED = 0xe0;

/** What the keyboard sends while a key is pressed and released: by its name ("Enter", "ArrowLeft") or character. Throws `no-such-key`. */
export function pressAndRelease(key: string): readonly number[] {
  const named = NAMED_KEYS[key];
  if (named !== undefined) return [named, named | BREAK];
  const extended = EXTENDED_KEYS[key];
  if (extended !== undefined) return [EXTENDED, extended, EXTENDED, extended | BREAK];
  const typed = characterKey(key);
  if (typed === undefined) throw noSuchKey(key);
  const stroke = [typed.code, typed.code | BREAK];
  return typed.shifted ? [SHIFT, ...stroke, SHIFT | BREAK] : stroke;
}

/** What the keyboard sends while a text is typed. Throws `no-such-key`. */
export function typedText(text: string): readonly number[] {
  return Array.from(text).flatMap((character) => pressAndRelease(CONTROL_CHARACTERS[character] ?? character));
}

function noSuchKey(key: string): StartOfDayError {
  return new StartOfDayError({
    code: 'no-such-key',
    blame: 'user',
    title: `The keyboard has no key for ${JSON.stringify(key)}`,
    detail: 'It is a US keyboard: a key is named by its character or as "Enter", "ArrowLeft", "F1"',
    mend: 'Name one of its keys.',
  });
}

function characterKey(character: string): { readonly code: number; readonly shifted: boolean } | undefined {
  if (character.length !== 1) return undefined;
  for (const [first, plain, shifted] of CHARACTER_KEYS) {
    const at = plain.indexOf(character);
    if (at >= 0) return { code: first + at, shifted: false };
    const shiftedAt = shifted.indexOf(character);
    if (shiftedAt >= 0) return { code: first + shiftedAt, shifted: true };
  }
  return undefined;
}

/** Set 1 make code of each set 2 make code: the table in the 8042's ROM. */
// prettier-ignore
const TRANSLATION: readonly number[] = [
  0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
  0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
  0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
  0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
  0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
  0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
  0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
  0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
  0x80, 0x81, 0x82, 0x41, 0x54,
];

/** What sets 2 and 3 send before the code of a released key. */
export const BREAK_PREFIX = 0xf0;

/** One byte of set 2 as the controller translates it; bytes past the table (replies, prefixes) stay. */
export function translateToSet1(code: number): number {
  return TRANSLATION[code] ?? code;
}

/** The set 2 bytes that the controller would translate to these bytes of set 1; 0x00 and 0x80 are no key's and are left out. */
export function toSet2(set1: readonly number[]): readonly number[] {
  return set1.flatMap((code) => {
    if (code === EXTENDED || code === 0xe1) return [code];
    // From the end: F7 (0x83) and SysRq (0x84) lie past the codes that the table gives a second time.
    const make = TRANSLATION.lastIndexOf(code & ~BREAK);
    if (make < 0) return [];
    return code & BREAK ? [BREAK_PREFIX, make] : [make];
  });
}

/**
 * Set 3 codes of the keys whose code differs from set 2, by their code in set 1 with 0xe000 for the prefix 0xe0 (IBM PS/2 Technical
 * Reference, "Keyboard": set 3 has one byte for every key).
 */
// prettier-ignore
const SET_3: Readonly<Record<number, number>> = {
  0x01: 0x08, 0x1d: 0x11, 0x2b: 0x5c, 0x37: 0x7e, 0x38: 0x19, 0x3a: 0x14, 0x3b: 0x07, 0x3c: 0x0f, 0x3d: 0x17, 0x3e: 0x1f,
  0x3f: 0x27, 0x40: 0x2f, 0x41: 0x37, 0x42: 0x3f, 0x43: 0x47, 0x44: 0x4f, 0x45: 0x76, 0x46: 0x5f, 0x4a: 0x84, 0x4e: 0x7c,
  0x56: 0x13, 0x57: 0x56, 0x58: 0x5e,
  0xe01c: 0x79, 0xe01d: 0x58, 0xe035: 0x77, 0xe038: 0x39, 0xe047: 0x6e, 0xe048: 0x63, 0xe049: 0x6f, 0xe04b: 0x61, 0xe04d: 0x6a,
  0xe04f: 0x65, 0xe050: 0x60, 0xe051: 0x6d, 0xe052: 0x67, 0xe053: 0x64, 0xe05b: 0x8b, 0xe05c: 0x8c, 0xe05d: 0x8d,
};

/** Every set 3 code that the keyboard can send. */
export function allSet3Keys(): readonly number[] {
  const plain = Array.from({ length: 0x59 }, (_, set1) => set1).flatMap((set1) => toSet3([set1]));
  return [...new Set([...plain.map(({ code }) => code), ...Object.values(SET_3)])];
}

/** The strokes of set 3 that mean these bytes of set 1. */
export function toSet3(set1: readonly number[]): readonly { readonly code: number; readonly release: boolean }[] {
  return set1.flatMap((byte, index) => {
    if (byte === EXTENDED) return [];
    const make = byte & ~BREAK;
    const extended = set1[index - 1] === EXTENDED;
    const code = SET_3[extended ? 0xe000 | make : make] ?? TRANSLATION.lastIndexOf(make);
    return code > 0 ? [{ code, release: (byte & BREAK) !== 0 }] : [];
  });
}
