import type { BitField } from './bit-field.ts';

/** MXCSR from high to low (SDM 1, 10.2.3). */
export const MXCSR_FIELDS: readonly BitField[] = [
  { name: 'FZ', bit: 15, width: 1, meaning: ['tiny results are denormals', 'tiny results become 0'] },
  {
    name: 'RC',
    bit: 13,
    width: 2,
    meaning: ['rounds to nearest', 'rounds down', 'rounds up', 'rounds towards 0'],
  },
  { name: 'PM', bit: 12, width: 1, meaning: ['inexact results raise #XM', 'inexact results masked'] },
  { name: 'UM', bit: 11, width: 1, meaning: ['underflow raises #XM', 'underflow masked'] },
  { name: 'OM', bit: 10, width: 1, meaning: ['overflow raises #XM', 'overflow masked'] },
  { name: 'ZM', bit: 9, width: 1, meaning: ['division by zero raises #XM', 'division by zero masked'] },
  { name: 'DM', bit: 8, width: 1, meaning: ['denormal operands raise #XM', 'denormal operands masked'] },
  { name: 'IM', bit: 7, width: 1, meaning: ['invalid operations raise #XM', 'invalid operations masked'] },
  { name: 'DAZ', bit: 6, width: 1, meaning: ['denormal operands count', 'denormal operands are 0'] },
  { name: 'PE', bit: 5, width: 1, meaning: 'inexact result seen' },
  { name: 'UE', bit: 4, width: 1, meaning: 'underflow seen' },
  { name: 'OE', bit: 3, width: 1, meaning: 'overflow seen' },
  { name: 'ZE', bit: 2, width: 1, meaning: 'division by zero seen' },
  { name: 'DE', bit: 1, width: 1, meaning: 'denormal operand seen' },
  { name: 'IE', bit: 0, width: 1, meaning: 'invalid operation seen' },
];

const MASKS = 0x1f80;

/** `round to nearest · all masked · PE`: rounding, masks and what was seen. */
export function describeMxcsr(value: number): string {
  const rounding = MXCSR_FIELDS.find(({ name }) => name === 'RC')?.meaning[(value >>> 13) & 3] ?? '';
  const named = (masks: boolean, set: boolean): string =>
    MXCSR_FIELDS.filter(({ name, bit }) => name.endsWith(masks ? 'M' : 'E') && ((value >>> bit) & 1) === (set ? 1 : 0))
      .map(({ name }) => name)
      .join(' ');
  const masks = (value & MASKS) === MASKS ? 'all masked' : `not masked: ${named(true, false)}`;
  const seen = named(false, true);
  return [rounding, masks, ...(seen === '' ? [] : [seen])].join(' · ');
}
