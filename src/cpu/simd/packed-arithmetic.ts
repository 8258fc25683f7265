import {
  bitwise,
  quadwords,
  saturateSigned,
  saturateUnsigned,
  signed,
  signedLanes,
  unsigned,
  unsignedLanes,
  type Combine,
  type Quadword,
} from './words.ts';

const add = (a: number, b: number): number => a + b;
const subtract = (a: number, b: number): number => a - b;
const average = (a: number, b: number): number => (a + b + 1) >>> 1;
const equal = (a: number, b: number): number => (a === b ? -1 : 0);
const greater = (a: number, b: number): number => (a > b ? -1 : 0);
const smallest = (a: number, b: number): number => Math.min(a, b);
const largest = (a: number, b: number): number => Math.max(a, b);

/** What fits an element after `f`. */
const withSignedSaturation = (width: 8 | 16, f: (a: number, b: number) => number): Combine =>
  signed(width, (a, b) => saturateSigned(width, f(a, b)));
const withUnsignedSaturation = (width: 8 | 16, f: (a: number, b: number) => number): Combine =>
  unsigned(width, (a, b) => saturateUnsigned(width, f(a, b)));

const addQuadwords = ([aLow, aHigh]: Quadword, [bLow, bHigh]: Quadword): Quadword => {
  const low = (aLow >>> 0) + (bLow >>> 0);
  return [low | 0, (aHigh + bHigh + (low > 0xffffffff ? 1 : 0)) | 0];
};
const subtractQuadwords = ([aLow, aHigh]: Quadword, [bLow, bHigh]: Quadword): Quadword => [
  (aLow - bLow) | 0,
  (aHigh - bHigh - (aLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0,
];

/** The 64-bit product of two unsigned words. */
function multiplyWords(a: number, b: number): Quadword {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + aLow * bHigh + ((aLow * bLow) >>> 16);
  const low = Math.imul(a, b);
  return [low, (aHigh * bHigh + Math.floor(middle / 0x10000)) | 0];
}

/** PMADDWD: products of signed words, added in pairs. */
const multiplyAndAdd: Combine = (a, b) => {
  const [left, right] = [signedLanes(16, a), signedLanes(16, b)];
  const product = (n: number): number => (left[n] ?? 0) * (right[n] ?? 0);
  return a.map((_, n) => (product(2 * n) + product(2 * n + 1)) | 0);
};

/** PSADBW: per quadword, the sum of the absolute differences of its bytes. */
const sumOfDifferences: Combine = (a, b) => {
  const [left, right] = [unsignedLanes(8, a), unsignedLanes(8, b)];
  return a.map((_, word) => {
    if (word % 2 === 1) return 0;
    let sum = 0;
    for (let n = 4 * word; n < 4 * word + 8; n++) sum += Math.abs((left[n] ?? 0) - (right[n] ?? 0));
    return sum;
  });
};

/** Bitwise logic of XMM registers that hold floating-point numbers. */
export const FLOAT_LOGIC = {
  Andps: bitwise((a, b) => a & b),
  Andpd: bitwise((a, b) => a & b),
  Andnps: bitwise((a, b) => ~a & b),
  Andnpd: bitwise((a, b) => ~a & b),
  Orps: bitwise((a, b) => a | b),
  Orpd: bitwise((a, b) => a | b),
  Xorps: bitwise((a, b) => a ^ b),
  Xorpd: bitwise((a, b) => a ^ b),
} as const satisfies Readonly<Record<string, Combine>>;

/** Integer arithmetic, comparison and logic (SDM 1, 9.4 and 11.4.2), the same for MMX and XMM registers. */
export const PACKED_ARITHMETIC = {
  Paddb: unsigned(8, add),
  Paddw: unsigned(16, add),
  Paddd: unsigned(32, add),
  Paddq: quadwords(addQuadwords),
  Paddsb: withSignedSaturation(8, add),
  Paddsw: withSignedSaturation(16, add),
  Paddusb: withUnsignedSaturation(8, add),
  Paddusw: withUnsignedSaturation(16, add),
  Psubb: unsigned(8, subtract),
  Psubw: unsigned(16, subtract),
  Psubd: unsigned(32, subtract),
  Psubq: quadwords(subtractQuadwords),
  Psubsb: withSignedSaturation(8, subtract),
  Psubsw: withSignedSaturation(16, subtract),
  Psubusb: withUnsignedSaturation(8, subtract),
  Psubusw: withUnsignedSaturation(16, subtract),
  Pmullw: signed(16, (a, b) => a * b),
  Pmulhw: signed(16, (a, b) => (a * b) >> 16),
  Pmulhuw: unsigned(16, (a, b) => (a * b) >>> 16),
  Pmuludq: quadwords(([a], [b]) => multiplyWords(a, b)),
  Pmaddwd: multiplyAndAdd,
  Psadbw: sumOfDifferences,
  Pavgb: unsigned(8, average),
  Pavgw: unsigned(16, average),
  Pminub: unsigned(8, smallest),
  Pmaxub: unsigned(8, largest),
  Pminsw: signed(16, smallest),
  Pmaxsw: signed(16, largest),
  Pcmpeqb: unsigned(8, equal),
  Pcmpeqw: unsigned(16, equal),
  Pcmpeqd: unsigned(32, equal),
  Pcmpgtb: signed(8, greater),
  Pcmpgtw: signed(16, greater),
  Pcmpgtd: signed(32, greater),
  Pand: bitwise((a, b) => a & b),
  Pandn: bitwise((a, b) => ~a & b),
  Por: bitwise((a, b) => a | b),
  Pxor: bitwise((a, b) => a ^ b),
} as const satisfies Readonly<Record<string, Combine>>;
