import { StartOfDayError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };

/** Bytes of a size as QEMU writes it: `128M`, `64K`, `1G`, or a plain count of bytes. `name` is what the size is given for. */
export function parseSize(text: string, name: string): number {
  const match = /^(\d+)([KMG]?)$/i.exec(text.trim());
  const unit = UNITS[match?.[2]?.toUpperCase() ?? ''];
  if (match === null || unit === undefined)
    throw new StartOfDayError({
      code: 'size',
      blame: 'user',
      title: `"${text}" is not a size for "${name}"`,
      mend: 'Write a number with K, M or G behind it, such as 128M.',
    });
  return Number(match[1]) * unit;
}

/** A whole number as a launch configuration writes it, `0x` for hexadecimal. `name` is what it is given for. */
export function parseNumber(text: string, name: string): bigint {
  const match = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text.trim());
  if (match !== null) return match[1] === '-' ? -BigInt(match[2] ?? 0) : BigInt(match[2] ?? 0);
  throw new StartOfDayError({
    code: 'number',
    blame: 'user',
    title: `"${text}" is not a number for "${name}"`,
    mend: 'Write it in decimal, or in hexadecimal with 0x.',
  });
}
