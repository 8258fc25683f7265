import { fromLanes, unsignedLanes, type Words } from './words.ts';

/** The low word of the source over that of the destination (MOVSS between registers). */
export const mergeLow32 = ([, d1 = 0, d2 = 0, d3 = 0]: Words, [s0 = 0]: Words): Words => [s0, d1, d2, d3];
/** The low quadword of the source over that of the destination (MOVSD between registers, MOVLPS, MOVLPD). */
export const mergeLow64 = ([, , d2 = 0, d3 = 0]: Words, [s0 = 0, s1 = 0]: Words): Words => [s0, s1, d2, d3];
/** The low quadword of the source over the high one of the destination (MOVHPS, MOVHPD, MOVLHPS). */
export const mergeHigh64 = ([d0 = 0, d1 = 0]: Words, [s0 = 0, s1 = 0]: Words): Words => [d0, d1, s0, s1];
/** The high quadword of the source over the low one of the destination (MOVHLPS). */
export const highToLow64 = ([, , d2 = 0, d3 = 0]: Words, [, , s2 = 0, s3 = 0]: Words): Words => [s2, s3, d2, d3];
/** The low quadword (MOVQ, MOVDQ2Q, MOVQ2DQ). */
export const low64 = (_destination: Words, [s0 = 0, s1 = 0]: Words): Words => [s0, s1];
/** The high quadword (MOVHPS to memory). */
export const high64 = (_destination: Words, [, , s2 = 0, s3 = 0]: Words): Words => [s2, s3];

/** PINSRW: the low word of the source at one of the places of the destination. */
export function insertWord(destination: Words, [word = 0]: Words, place: number): Words {
  const lanes = unsignedLanes(16, destination);
  lanes[place % lanes.length] = word;
  return fromLanes(16, lanes);
}

/** PEXTRW, zero-extended. */
export function extractWord(_destination: Words, source: Words, place: number): Words {
  const lanes = unsignedLanes(16, source);
  return [lanes[place % lanes.length] ?? 0];
}

/** The sign bits of the elements, lowest first (PMOVMSKB, MOVMSKPS). */
export const signMask =
  (width: 8 | 32) =>
  (_destination: Words, source: Words): Words => [
    unsignedLanes(width, source).reduce((mask, lane, n) => mask | ((lane >>> (width - 1)) << n), 0),
  ];

/** The sign bits of two doubles (MOVMSKPD). */
export const signMaskOfDoubles = (_destination: Words, [, s1 = 0, , s3 = 0]: Words): Words => [
  (s1 >>> 31) | ((s3 >>> 31) << 1),
];
