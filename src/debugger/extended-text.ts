import { DOUBLE } from '../cpu/floating-point/binary-format.ts';
import { toBinary } from '../cpu/floating-point/extended-conversion.ts';
import { unpack, type Extended } from '../cpu/floating-point/extended.ts';

/** An x87 register: the nearest double in decimal, and all 80 bits; `empty` for one that holds nothing. */
export function extendedText(value: Extended | undefined): string {
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
