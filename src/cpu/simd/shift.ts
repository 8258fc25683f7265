import { fromLanes, quadword, signedLanes, unsignedLanes, type Quadword, type Words } from './words.ts';

/** A vector shifted by a count of bits (bytes for PSLLDQ and PSRLDQ); any unsigned count. */
export type Shift = (words: Words, count: number) => Words;

const left =
  (width: 16 | 32): Shift =>
  (words, count) =>
    fromLanes(
      width,
      unsignedLanes(width, words).map((lane) => (count < width ? lane << count : 0)),
    );

const rightLogical =
  (width: 16 | 32): Shift =>
  (words, count) =>
    fromLanes(
      width,
      unsignedLanes(width, words).map((lane) => (count < width ? lane >>> count : 0)),
    );

const rightArithmetic =
  (width: 16 | 32): Shift =>
  (words, count) =>
    fromLanes(
      width,
      signedLanes(width, words).map((lane) => lane >> Math.min(count, width - 1)),
    );

const quadwordShift =
  (f: (value: Quadword, count: number) => Quadword): Shift =>
  (words, count) => {
    const result: number[] = [];
    for (let n = 0; n < words.length; n += 2) result.push(...(count < 64 ? f(quadword(words, n), count) : [0, 0]));
    return result;
  };

const quadwordLeft = ([low, high]: Quadword, count: number): Quadword => {
  if (count === 0) return [low, high];
  return count < 32 ? [low << count, (high << count) | (low >>> (32 - count))] : [0, low << (count - 32)];
};
const quadwordRight = ([low, high]: Quadword, count: number): Quadword => {
  if (count === 0) return [low, high];
  return count < 32
    ? [(low >>> count) | (high << (32 - count)), (high >>> count) | 0]
    : [(high >>> (count - 32)) | 0, 0];
};

/** Bytes moved up by `distance` places, down when it is negative. */
function moveBytes(words: Words, distance: number): Words {
  const bytes = unsignedLanes(8, words);
  return fromLanes(
    8,
    bytes.map((_, n) => bytes[n - distance] ?? 0),
  );
}

/** Shifts of MMX and XMM registers. */
export const SHIFT = {
  Psllw: left(16),
  Pslld: left(32),
  Psllq: quadwordShift(quadwordLeft),
  Psrlw: rightLogical(16),
  Psrld: rightLogical(32),
  Psrlq: quadwordShift(quadwordRight),
  Psraw: rightArithmetic(16),
  Psrad: rightArithmetic(32),
} as const satisfies Readonly<Record<string, Shift>>;

/** Shifts of XMM registers by bytes. */
export const BYTE_SHIFT = {
  Pslldq: (words: Words, count: number): Words => moveBytes(words, Math.min(count, 16)),
  Psrldq: (words: Words, count: number): Words => moveBytes(words, -Math.min(count, 16)),
} as const satisfies Readonly<Record<string, Shift>>;

/** The count in the low quadword of a shift's second operand; anything too large is as good as 255. */
export function shiftCount([low = 0, high = 0]: Words): number {
  return high === 0 && low >>> 0 < 255 ? low : 255;
}
