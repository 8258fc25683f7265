/**
 * Scan code set 1 of each key by its `KeyboardEvent.code`: what the keyboard controller of a PC hands to the CPU. A code above 0xff
 * has the prefix 0xe0. (IBM PS/2 technical reference, keyboard; the codes above 0x100 are those of the 101-key layout.)
 */
const EXTENDED = 0x100;

const KEYS: Readonly<Record<string, number>> = {
  Escape: 0x01,
  ...row(0x02, 'Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace Tab'),
  ...row(0x10, 'KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter ControlLeft'),
  ...row(0x1e, 'KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote ShiftLeft Backslash'),
  ...row(0x2c, 'KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight NumpadMultiply AltLeft Space'),
  ...row(0x3a, 'CapsLock F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 NumLock ScrollLock'),
  ...row(0x47, 'Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd'),
  ...row(0x4f, 'Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal'),
  IntlBackslash: 0x56,
  F11: 0x57,
  F12: 0x58,
  NumpadEnter: EXTENDED | 0x1c,
  ControlRight: EXTENDED | 0x1d,
  NumpadDivide: EXTENDED | 0x35,
  AltRight: EXTENDED | 0x38,
  Home: EXTENDED | 0x47,
  ArrowUp: EXTENDED | 0x48,
  PageUp: EXTENDED | 0x49,
  ArrowLeft: EXTENDED | 0x4b,
  ArrowRight: EXTENDED | 0x4d,
  End: EXTENDED | 0x4f,
  ArrowDown: EXTENDED | 0x50,
  PageDown: EXTENDED | 0x51,
  Insert: EXTENDED | 0x52,
  Delete: EXTENDED | 0x53,
};

function row(first: number, keys: string): Record<string, number> {
  return Object.fromEntries(keys.split(' ').map((key, index) => [key, first + index]));
}

/** The bytes that the keyboard sends when a key goes down or up; empty for a key that a PC keyboard does not have. */
export function scanCodes(key: string, down: boolean): readonly number[] {
  const code = KEYS[key];
  if (code === undefined) return [];
  const byte = (code & 0x7f) | (down ? 0 : 0x80);
  return code & EXTENDED ? [0xe0, byte] : [byte];
}
