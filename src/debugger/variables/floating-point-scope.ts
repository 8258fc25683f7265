import { DOUBLE } from '../../cpu/floating-point/binary-format.ts';
import { toBinary } from '../../cpu/floating-point/extended-conversion.ts';
import { unpack, type Extended } from '../../cpu/floating-point/extended.ts';
import { hex } from '../../util/hex.ts';
import { setFieldNames, type BitField } from '../../x86/bit-field.ts';
import { X87_CONTROL_FIELDS, X87_STATUS_FIELDS, X87_TAG_FIELDS } from '../../x86/x87-words.ts';
import type { Inspection } from '../inspection.ts';
import { bitRows } from './bits.ts';
import type { VariableNode } from './node.ts';

/** ST0 to ST7 and the control, status and tag words of the x87 unit. */
export function floatingPointRows(inspection: Inspection): VariableNode[] {
  return [
    ...Array.from({ length: 8 }, (_, number) => ({
      name: `ST${number}`,
      value: registerText(inspection.target.x87Register(number)),
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

/** The nearest double in decimal, and all 80 bits. */
function registerText(value: Extended | undefined): string {
  if (value === undefined) return 'empty';
  const raw = `0x${value.signExponent.toString(16).padStart(4, '0')}${value.significand.toString(16).padStart(16, '0')}`;
  return `${decimalText(value)} · ${raw}`;
}

function decimalText(value: Extended): string {
  const { kind, sign } = unpack(value);
  const minus = sign === 1 ? '-' : '';
  switch (kind) {
    case 'zero':
      return `${minus}0`;
    case 'infinity':
      return `${minus}infinity`;
    case 'quiet-nan':
      return 'quiet NaN';
    case 'signaling-nan':
      return 'signaling NaN';
    case 'unsupported':
      return 'unsupported';
    default:
      return nearestDouble(value) ?? `${kind}, beyond 64-bit numbers`;
  }
}

function nearestDouble(value: Extended): string | undefined {
  const { value: bits } = toBinary(DOUBLE, value, { rounding: 0, precision: 64, unmasked: 0 });
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  const number = view.getFloat64(0);
  return Number.isFinite(number) && number !== 0 ? String(number) : undefined;
}
