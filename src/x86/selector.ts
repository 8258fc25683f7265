/** A segment selector taken apart (SDM 3, 3.4.2). */
export interface Selector {
  /** Entry in the table, 0..8191. */
  readonly index: number;
  /** TI: which table. */
  readonly table: 'GDT' | 'LDT';
  /** Requested privilege level, 0..3. */
  readonly rpl: number;
}

export function decodeSelector(value: number): Selector {
  return { index: (value >>> 3) & 0x1fff, table: (value & 4) === 0 ? 'GDT' : 'LDT', rpl: value & 3 };
}

/** True for 0..3: index 0 of the GDT loads nothing, whatever the RPL. */
export function isNullSelector(value: number): boolean {
  return (value & 0xfffc) === 0;
}

/** `index 1, GDT, RPL 0`; a null selector is named. */
export function describeSelector(value: number): string {
  const { index, table, rpl } = decodeSelector(value);
  return isNullSelector(value) ? `null selector, RPL ${rpl}` : `index ${index}, ${table}, RPL ${rpl}`;
}
