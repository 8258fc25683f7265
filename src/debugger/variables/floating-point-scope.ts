import { hex } from '../../util/hex.ts';
import { setFieldNames, type BitField } from '../../x86/bit-field.ts';
import { X87_CONTROL_FIELDS, X87_STATUS_FIELDS, X87_TAG_FIELDS } from '../../x86/x87-words.ts';
import { extendedText } from '../extended-text.ts';
import type { Inspection } from '../inspection.ts';
import { bitRows } from './bits.ts';
import type { VariableNode } from './node.ts';

/** ST0 to ST7 and the control, status and tag words of the x87 unit. */
export function floatingPointRows(inspection: Inspection): VariableNode[] {
  return [
    ...Array.from({ length: 8 }, (_, number) => ({
      name: `ST${number}`,
      value: extendedText(inspection.target.x87Register(number)),
      type: 'float80',
    })),
    wordRow(inspection, 'fctrl', X87_CONTROL_FIELDS),
    wordRow(inspection, 'fstat', X87_STATUS_FIELDS),
    wordRow(inspection, 'ftag', X87_TAG_FIELDS),
  ];
}

function wordRow(inspection: Inspection, name: string, fields: readonly BitField[]): VariableNode {
  const value = inspection.number(name);
  const names = setFieldNames(fields, value).join(' ');
  return {
    name: name.toUpperCase(),
    value: `${hex(value, 4)}${names === '' ? '' : ` · ${names}`}`,
    type: 'uint16',
    evaluateName: `$${name}`,
    children: () =>
      bitRows(inspection, name, fields).map(({ name: field, value: text, type }) => ({
        name: field,
        value: text,
        type,
      })),
  };
}
