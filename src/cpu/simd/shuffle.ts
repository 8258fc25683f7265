import {
  fromLanes,
  saturateSigned,
  saturateUnsigned,
  signedLanes,
  unsignedLanes,
  type Combine,
  type LaneWidth,
  type Words,
} from './words.ts';

/** Elements of the low halves of both, by turns. */
const unpackLow =
  (width: LaneWidth): Combine =>
  (a, b) =>
    interleave(width, a, b, 0);

/** Elements of the high halves of both, by turns. */
const unpackHigh =
  (width: LaneWidth): Combine =>
  (a, b) =>
    interleave(width, a, b, (a.length * 32) / width / 2);

function interleave(width: LaneWidth, a: Words, b: Words, first: number): Words {
  const [left, right] = [unsignedLanes(width, a), unsignedLanes(width, b)];
  const half = left.slice(first, first + left.length / 2);
  return fromLanes(
    width,
    half.flatMap((lane, n) => [lane, right[first + n] ?? 0]),
  );
}

/** Signed elements of the first operand, then of the second, at half their width. */
const pack =
  (width: 16 | 32, saturate: (lane: number) => number): Combine =>
  (a, b) =>
    fromLanes(width === 32 ? 16 : 8, [...signedLanes(width, a), ...signedLanes(width, b)].map(saturate));

/** Elements that `order` names in two bits each, lowest first. */
function select(lanes: readonly number[], order: number): number[] {
  return lanes.map((_, n) => lanes[(order >>> (2 * n)) & 3] ?? 0);
}

/** PUNPCK and PACK with the same meaning for MMX and XMM registers. */
export const INTERLEAVE = {
  Punpckhbw: unpackHigh(8),
  Punpckhwd: unpackHigh(16),
  Punpckhdq: unpackHigh(32),
  Packsswb: pack(16, (lane) => saturateSigned(8, lane)),
  Packuswb: pack(16, (lane) => saturateUnsigned(8, lane)),
  Packssdw: pack(32, (lane) => saturateSigned(16, lane)),
} as const satisfies Readonly<Record<string, Combine>>;

/** PUNPCKL: from memory the MMX forms read their low half only. */
export const INTERLEAVE_LOW = {
  Punpcklbw: unpackLow(8),
  Punpcklwd: unpackLow(16),
  Punpckldq: unpackLow(32),
} as const satisfies Readonly<Record<string, Combine>>;

const lowQuadwords: Combine = ([a0 = 0, a1 = 0], [b0 = 0, b1 = 0]) => [a0, a1, b0, b1];
const highQuadwords: Combine = ([, , a2 = 0, a3 = 0], [, , b2 = 0, b3 = 0]) => [a2, a3, b2, b3];

/** Interleaving of XMM registers only. */
export const INTERLEAVE_XMM = {
  Punpcklqdq: lowQuadwords,
  Punpckhqdq: highQuadwords,
  Unpcklps: unpackLow(32),
  Unpckhps: unpackHigh(32),
  Unpcklpd: lowQuadwords,
  Unpckhpd: highQuadwords,
} as const satisfies Readonly<Record<string, Combine>>;

/** Shuffles by an immediate byte: PSHUFW of MMX registers, the others of XMM registers. */
export const SHUFFLE = {
  Pshufw: (_a: Words, b: Words, order: number): Words => fromLanes(16, select(unsignedLanes(16, b), order)),
  Pshufd: (_a: Words, b: Words, order: number): Words => select(b, order),
  Pshuflw: (_a: Words, [b0 = 0, b1 = 0, b2 = 0, b3 = 0]: Words, order: number): Words => [
    ...SHUFFLE.Pshufw([], [b0, b1], order),
    b2,
    b3,
  ],
  Pshufhw: (_a: Words, [b0 = 0, b1 = 0, b2 = 0, b3 = 0]: Words, order: number): Words => [
    b0,
    b1,
    ...SHUFFLE.Pshufw([], [b2, b3], order),
  ],
  Shufps: (a: Words, b: Words, order: number): Words => [...select(a, order).slice(0, 2), ...select(b, order).slice(2)],
  Shufpd: (a: Words, b: Words, order: number): Words => {
    const [first, second] = [(order & 1) * 2, (order & 2) * 1];
    return [a[first] ?? 0, a[first + 1] ?? 0, b[second] ?? 0, b[second + 1] ?? 0];
  },
} as const;
