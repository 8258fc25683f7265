import { StartOfDayError } from '../../util/errors.ts';
import { didYouMean } from '../../util/nearest-name.ts';
import type { BitField } from '../../x86/bit-field.ts';

/** The bits that a field covers, in place. */
export function fieldMask(field: BitField): bigint {
  return ((1n << BigInt(field.width)) - 1n) << BigInt(field.bit);
}

/** `value` with one field replaced. Throws when the new value does not fit the field. */
export function withField(value: bigint, field: BitField, bits: bigint): bigint {
  if (bits < 0n || bits >= 1n << BigInt(field.width))
    throw new StartOfDayError({
      code: 'value-range',
      blame: 'user',
      title: `${field.name} cannot be ${bits}`,
      detail: `It has ${field.width === 1 ? '1 bit' : `${field.width} bits`}`,
    });
  return (value & ~fieldMask(field)) | (bits << BigInt(field.bit));
}

/**
 * Flag words change the named flags and leave the rest: `IF` sets, `-IF` clears, `ZF PF` sets both. Undefined when the text is not made of
 * words alone, so that it is an expression.
 */
export function applyFlagWords(text: string, value: bigint, fields: readonly BitField[]): bigint | undefined {
  const words = text.trim().split(/\s+/);
  const known = (word: string): BitField | undefined =>
    fields.find(({ name, width }) => width === 1 && name === word.replace(/^[-+]/, '').toUpperCase());
  if (!words.some((word) => known(word) !== undefined)) return undefined;
  return words.reduce((result, word) => {
    const field = known(word);
    if (field === undefined)
      throw new StartOfDayError({
        code: 'flag-word',
        blame: 'user',
        title: `There is no flag "${word}"`,
        mend: didYouMean(
          word,
          fields.map(({ name }) => name),
        ),
      });
    return withField(result, field, word.startsWith('-') ? 0n : 1n);
  }, value);
}
