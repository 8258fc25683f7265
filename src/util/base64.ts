import { StartOfDayError } from './errors.ts';

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  // Function arguments are limited, so the string of bytes is made piece by piece.
  for (let at = 0; at < bytes.length; at += 0x2000) text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
  return btoa(text);
}

/** Bytes of a base64 text. Throws on anything else. */
export function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new StartOfDayError({ code: 'base64', blame: 'user', title: 'The data is not base64' }, { cause });
  }
}
