/**
 * The contents of an MMX or XMM register, or of a memory operand: 32-bit words as signed numbers, lowest first. MMX registers have
 * two, XMM registers four.
 */
export type Words = readonly number[];

/** Width in bits of the elements that an instruction works on. */
export type LaneWidth = 8 | 16 | 32;

/** A function of two vectors. */
export type Combine = (a: Words, b: Words) => Words;

/** Elements of a vector, lowest first. */
export function unsignedLanes(width: LaneWidth, words: Words): number[] {
  const lanes: number[] = [];
  for (const word of words)
    for (let at = 0; at < 32; at += width) lanes.push((word << (32 - width - at)) >>> (32 - width));
  return lanes;
}

/** Elements of a vector as signed numbers, lowest first. */
export function signedLanes(width: LaneWidth, words: Words): number[] {
  const lanes: number[] = [];
  for (const word of words)
    for (let at = 0; at < 32; at += width) lanes.push((word << (32 - width - at)) >> (32 - width));
  return lanes;
}

/** The vector of these elements, each taken modulo 2^width. */
export function fromLanes(width: LaneWidth, lanes: readonly number[]): Words {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  const perWord = 32 / width;
  const words: number[] = [];
  for (let first = 0; first < lanes.length; first += perWord) {
    let word = 0;
    for (let n = 0; n < perWord; n++) word |= ((lanes[first + n] ?? 0) & mask) << (n * width);
    words.push(word);
  }
  return words;
}

/** A function of two unsigned elements, applied to each pair. */
export function unsigned(width: LaneWidth, f: (a: number, b: number) => number): Combine {
  return (a, b) => {
    const others = unsignedLanes(width, b);
    return fromLanes(
      width,
      unsignedLanes(width, a).map((lane, n) => f(lane, others[n] ?? 0)),
    );
  };
}

/** A function of two signed elements, applied to each pair. */
export function signed(width: LaneWidth, f: (a: number, b: number) => number): Combine {
  return (a, b) => {
    const others = signedLanes(width, b);
    return fromLanes(
      width,
      signedLanes(width, a).map((lane, n) => f(lane, others[n] ?? 0)),
    );
  };
}

/** A function of two words, applied to each pair: logic has no elements. */
export function bitwise(f: (a: number, b: number) => number): Combine {
  return (a, b) => a.map((word, n) => f(word, b[n] ?? 0));
}

/** A function of two quadwords, each as its low and high word, applied to each pair. */
export function quadwords(f: (a: Quadword, b: Quadword) => Quadword): Combine {
  return (a, b) => {
    const result: number[] = [];
    for (let n = 0; n < a.length; n += 2) result.push(...f(quadword(a, n), quadword(b, n)));
    return result;
  };
}
export type Quadword = readonly [low: number, high: number];

/** The quadword whose low word is number `n`. */
export function quadword(words: Words, n: number): Quadword {
  return [words[n] ?? 0, words[n + 1] ?? 0];
}

/** `value` moved into the range of an unsigned element. */
export function saturateUnsigned(width: 8 | 16, value: number): number {
  return Math.min(Math.max(value, 0), 2 ** width - 1);
}

/** `value` moved into the range of a signed element. */
export function saturateSigned(width: 8 | 16, value: number): number {
  return Math.min(Math.max(value, -(2 ** (width - 1))), 2 ** (width - 1) - 1);
}
