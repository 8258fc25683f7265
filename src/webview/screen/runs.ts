/** Neighbouring cells of a row that look alike. */
export interface Run {
  readonly text: string;
  /** VGA attribute: foreground in bits 0 to 3, background in bits 4 to 6, blinking or a bright background in bit 7. */
  readonly attribute: number;
  /** The cell under the cursor stands alone. */
  readonly cursor: boolean;
}

/** Splits a row of characters into runs. `cursor` is a column, or undefined when the cursor is elsewhere. */
export function runsOf(text: string, attributes: Uint8Array, cursor: number | undefined): readonly Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (let column = 1; column <= text.length; column++) {
    const ends =
      column === text.length || attributes[column] !== attributes[start] || column === cursor || column - 1 === cursor;
    if (!ends) continue;
    runs.push({ text: text.slice(start, column), attribute: attributes[start] ?? 0, cursor: start === cursor });
    start = column;
  }
  return runs;
}

/** The style classes of an attribute. `blinks` tells what its bit 7 is for. */
export function classesOf(attribute: number, blinks: boolean): string {
  const colours = `f${attribute & 0xf} b${(attribute >> 4) & (blinks ? 0x7 : 0xf)}`;
  return blinks && attribute & 0x80 ? `${colours} blink` : colours;
}
