import type { BitInput } from './bit-input.ts';
import { DamagedData } from './output.ts';

const LONGEST_CODE = 20;

/** The codes of the symbols: canonical, by length and then by symbol. */
export interface HuffmanTable {
  /** The symbol of the next code. */
  read(input: BitInput): number;
}

/** The length of each symbol's code, as differences. */
export function readCodeLengths(input: BitInput, symbols: number): number[] {
  let length = input.bits(5);
  return Array.from({ length: symbols }, () => {
    for (;;) {
      if (length < 1 || length > LONGEST_CODE)
        throw new DamagedData(input.position, `a code has ${length} bits; 1 to ${LONGEST_CODE} are possible`);
      if (input.bits(1) === 0) return length;
      length += input.bits(1) === 0 ? 1 : -1;
    }
  });
}

/** The table of these code lengths. */
export function huffmanTable(lengths: readonly number[], input: BitInput): HuffmanTable {
  const counts = new Int32Array(LONGEST_CODE + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  const symbols = lengths.map((_, symbol) => symbol).sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  // More codes than there is room for would make one the beginning of another.
  let free = 1;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    free = free * 2 - (counts[length] ?? 0);
    if (free < 0) throw new DamagedData(input.position, 'a Huffman table has more codes than fit');
  }
  return {
    read: (bits) => {
      let code = 0;
      let first = 0;
      let index = 0;
      for (let length = 1; length <= LONGEST_CODE; length++) {
        code = (code << 1) | bits.bits(1);
        const count = counts[length] ?? 0;
        if (code - first < count) return symbols[index + code - first] ?? 0;
        index += count;
        first = (first + count) << 1;
      }
      throw new DamagedData(bits.position, 'no code begins like this');
    },
  };
}
