import {
  indefinite,
  infinity,
  quiet,
  SINGLE,
  unpack,
  zero,
  type FloatResult,
} from '../floating-point/binary-format.ts';
import type { LaneFunction } from './float-lanes.ts';

/** Significant bits of the results: the nearest such number is off by 2^-12 of the exact one at most; allowed is 1.5 * 2^-12. */
const PRECISION = 12;

/** The single-precision number nearest to a positive one among those with {@link PRECISION} bits; tiny ones become 0. */
function approximate(sign: 0 | 1, value: number): bigint {
  const exponent = Math.floor(Math.log2(value));
  const unit = 2 ** (exponent - PRECISION + 1);
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, Math.round(value / unit) * unit);
  const pattern = BigInt(view.getUint32(0));
  return zero(SINGLE, sign) | (unpack(SINGLE, pattern).kind === 'normal' ? pattern : 0n);
}

/** The magnitude of a normal number. */
function magnitude(exponent: number, significand: bigint): number {
  return Number(significand) * 2 ** exponent;
}

const exactly = (value: bigint): FloatResult => ({ value, flags: 0 });

/** RCPPS: raises nothing, takes denormals for zeros and makes no denormals, whatever MXCSR says (SDM 2, RCPPS). */
export const reciprocal: LaneFunction = (_format, _a, b) => {
  const x = unpack(SINGLE, b);
  switch (x.kind) {
    case 'quiet-nan':
    case 'signaling-nan':
      return exactly(quiet(SINGLE, b));
    case 'infinity':
      return exactly(zero(SINGLE, x.sign));
    case 'normal':
      return exactly(approximate(x.sign, 1 / magnitude(x.exponent, x.significand)));
    case 'zero':
    case 'denormal':
      return exactly(infinity(SINGLE, x.sign));
  }
};

/** RSQRTPS: as RCPPS; a negative number that counts has no root (SDM 2, RSQRTPS). */
export const reciprocalSquareRoot: LaneFunction = (_format, _a, b) => {
  const x = unpack(SINGLE, b);
  switch (x.kind) {
    case 'quiet-nan':
    case 'signaling-nan':
      return exactly(quiet(SINGLE, b));
    case 'infinity':
      return exactly(x.sign === 1 ? indefinite(SINGLE) : zero(SINGLE, 0));
    case 'normal':
      if (x.sign === 1) return exactly(indefinite(SINGLE));
      return exactly(approximate(0, 1 / Math.sqrt(magnitude(x.exponent, x.significand))));
    case 'zero':
    case 'denormal':
      return exactly(infinity(SINGLE, x.sign));
  }
};
