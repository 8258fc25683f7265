/** Rounding modes by the encoding of RC in the x87 control word and in MXCSR (SDM 1, 4.8.4). */
export const ROUNDING = { nearest: 0, down: 1, up: 2, truncate: 3 } as const;
export type Rounding = (typeof ROUNDING)[keyof typeof ROUNDING];

/** Exceptions at their places in the x87 status word and in MXCSR (SDM 1, 4.9.1). */
export const EXCEPTION = { invalid: 1, denormal: 2, zeroDivide: 4, overflow: 8, underflow: 16, precision: 32 } as const;

/** The rounding mode that a two-bit RC field names. */
export function roundingOf(field: number): Rounding {
  return (field & 3) as Rounding;
}
