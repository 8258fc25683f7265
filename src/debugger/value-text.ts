import { registerHex } from '../util/hex.ts';
import { widthOf } from './expression/types.ts';
import type { TypedValue } from './expression/types.ts';
import type { Inspection } from './inspection.ts';

/** The result of an expression: `0x00100010 <_start>` for an address, `0x2BADB002 = 732803074` for a number, `7` for a small one. */
export function valueText(inspection: Inspection, { value, type }: TypedValue): string {
  const hexadecimal = registerHex(value, widthOf(type));
  if (type.kind === 'pointer') {
    const name = inspection.nameOf(value);
    return name === undefined ? hexadecimal : `${hexadecimal} <${name}>`;
  }
  return value >= 0n && value < 10n ? value.toString() : `${hexadecimal} = ${value}`;
}
