/** Where the HPET answers. */
export const HPET_ADDRESS = 0xfed00000;

/** Low half of the capabilities (HPET 1.0a, 2.3.4): Intel, revision 1, three 64-bit comparators, legacy replacement. */
export const HPET_CAPABILITIES = 0x8086a201;

/** Main counter period in femtoseconds: one tick, 10 ns. */
export const HPET_PERIOD = 10_000_000;
