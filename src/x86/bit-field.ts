/** One named field of a register: where it is and what its values mean. */
export interface BitField {
  readonly name: string;
  /** Lowest bit of the field. */
  readonly bit: number;
  /** Width in bits. */
  readonly width: number;
  /** One text for every value, or one per value; empty when the number says it all. */
  readonly meaning: string | readonly string[];
}

/** The field's bits of `value`, shifted down. */
export function fieldValue(field: BitField, value: number): number {
  return (value >>> field.bit) & ((1 << field.width) - 1);
}

/** The row of one field: `0 · bit 9, interrupts off`, `3 · bits 12-13`. */
export function describeField(field: BitField, value: number): string {
  const bits = fieldValue(field, value);
  const place = field.width === 1 ? `bit ${field.bit}` : `bits ${field.bit}-${field.bit + field.width - 1}`;
  const meaning = typeof field.meaning === 'string' ? field.meaning : (field.meaning[bits] ?? '');
  return `${bits} · ${place}${meaning === '' ? '' : `, ${meaning}`}`;
}

/** Names of the one-bit fields that are set in `value`, in the order of the table. */
export function setFieldNames(fields: readonly BitField[], value: number): string[] {
  return fields.filter((field) => field.width === 1 && fieldValue(field, value) === 1).map((field) => field.name);
}
