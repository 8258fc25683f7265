import type { BitField } from './bit-field.ts';

const mask = (name: string, bit: number, exception: string): BitField => ({
  name,
  bit,
  width: 1,
  meaning: [`${exception} pends`, `${exception} masked`],
});
const flag = (name: string, bit: number, exception: string): BitField => ({ name, bit, width: 1, meaning: exception });

/** The x87 control word, from high to low (SDM 1, 8.1.5). */
export const X87_CONTROL_FIELDS: readonly BitField[] = [
  { name: 'RC', bit: 10, width: 2, meaning: ['to nearest', 'down', 'up', 'toward zero'] },
  { name: 'PC', bit: 8, width: 2, meaning: ['24 bits', 'reserved', '53 bits', '64 bits'] },
  mask('PM', 5, 'precision'),
  mask('UM', 4, 'underflow'),
  mask('OM', 3, 'overflow'),
  mask('ZM', 2, 'division by zero'),
  mask('DM', 1, 'denormal operand'),
  mask('IM', 0, 'invalid operation'),
];

/** The x87 status word, from high to low (SDM 1, 8.1.3). */
export const X87_STATUS_FIELDS: readonly BitField[] = [
  flag('B', 15, 'busy, as ES'),
  flag('C3', 14, 'condition'),
  { name: 'TOP', bit: 11, width: 3, meaning: 'register that is ST0' },
  flag('C2', 10, 'condition'),
  flag('C1', 9, 'condition'),
  flag('C0', 8, 'condition'),
  { name: 'ES', bit: 7, width: 1, meaning: ['no exception pends', 'an unmasked exception pends'] },
  flag('SF', 6, 'stack fault'),
  flag('PE', 5, 'precision'),
  flag('UE', 4, 'underflow'),
  flag('OE', 3, 'overflow'),
  flag('ZE', 2, 'division by zero'),
  flag('DE', 1, 'denormal operand'),
  flag('IE', 0, 'invalid operation'),
];

/** The x87 tag word: two bits for each physical register (SDM 1, 8.1.7). */
export const X87_TAG_FIELDS: readonly BitField[] = Array.from({ length: 8 }, (_, n) => ({
  name: `R${7 - n}`,
  bit: (7 - n) * 2,
  width: 2,
  meaning: ['valid', 'zero', 'special', 'empty'],
}));
