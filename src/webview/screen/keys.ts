import { pressAndRelease } from '../../machine/input/scan-codes.ts';

/** `KeyboardEvent.code` of the keys that the machine's keyboard knows by their character. */
const CHARACTERS: Readonly<Record<string, string>> = {
  Backquote: '`',
  Backslash: '\\',
  BracketLeft: '[',
  BracketRight: ']',
  Comma: ',',
  Equal: '=',
  Minus: '-',
  Period: '.',
  Quote: "'",
  Semicolon: ';',
  Slash: '/',
};

/**
 * The bytes that the machine's keyboard sends when a key goes down or up; empty for a key that it does not have. The place of the key
 * decides (`KeyboardEvent.code`), not the layout of the host: the guest has a layout of its own.
 */
export function scanCodes(key: string, down: boolean): readonly number[] {
  const letterOrDigit = /^(?:Key|Digit)(.)$/.exec(key)?.[1]?.toLowerCase();
  const stroke = strokeOf(letterOrDigit ?? CHARACTERS[key] ?? key);
  // As many bytes say that a key went down as that it went up.
  return down ? stroke.slice(0, stroke.length / 2) : stroke.slice(stroke.length / 2);
}

function strokeOf(key: string): readonly number[] {
  try {
    return pressAndRelease(key);
  } catch {
    // Keys of today's keyboards that the machine's does not have stay silent.
    return [];
  }
}
