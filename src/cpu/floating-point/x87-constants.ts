import { ROUNDING, type Rounding } from './environment.ts';
import { ONE, zero, type Extended } from './extended.ts';

/** A positive constant: its 64-bit significand rounded to nearest and down, and its biased exponent. */
interface Constant {
  readonly exponent: number;
  readonly nearest: bigint;
  readonly down: bigint;
}

/** In opcode order D9 E9..ED: log2(10), log2(e), pi, log10(2), ln(2) (SDM 1, 8.3.8). */
const CONSTANTS: readonly Constant[] = [
  { exponent: 0x4000, nearest: 0xd49a_784b_cd1b_8afen, down: 0xd49a_784b_cd1b_8afen },
  { exponent: 0x3fff, nearest: 0xb8aa_3b29_5c17_f0bcn, down: 0xb8aa_3b29_5c17_f0bbn },
  { exponent: 0x4000, nearest: 0xc90f_daa2_2168_c235n, down: 0xc90f_daa2_2168_c234n },
  { exponent: 0x3ffd, nearest: 0x9a20_9a84_fbcf_f799n, down: 0x9a20_9a84_fbcf_f798n },
  { exponent: 0x3ffe, nearest: 0xb172_17f7_d1cf_79acn, down: 0xb172_17f7_d1cf_79abn },
];

/** The constant that D9 E8 + `number` loads, rounded as the control word says. Raises nothing. */
export function loadConstant(number: number, rounding: Rounding): Extended {
  const constant = CONSTANTS[number - 1];
  if (constant === undefined) return number === 0 ? ONE : zero(0);
  const { exponent, nearest, down } = constant;
  if (rounding === ROUNDING.nearest) return { signExponent: exponent, significand: nearest };
  return { signExponent: exponent, significand: rounding === ROUNDING.up ? down + 1n : down };
}
