/** A set of interrupt vectors as ISR, IRR and TMR keep it: eight words, vector 32·n + b in bit b of word n. */
export class VectorSet {
  private words: number[] = new Array<number>(8).fill(0);

  /** Word 0..7, 32 bits. */
  word(index: number): number {
    return (this.words[index] ?? 0) >>> 0;
  }

  has(vector: number): boolean {
    return (this.word(vector >> 5) & (1 << (vector & 31))) !== 0;
  }

  set(vector: number, member: boolean): void {
    const bit = 1 << (vector & 31);
    const word = this.word(vector >> 5);
    this.words[vector >> 5] = (member ? word | bit : word & ~bit) >>> 0;
  }

  /** The highest vector; -1 for none. */
  highest(): number {
    for (let index = 7; index >= 0; index--) {
      const word = this.word(index);
      if (word !== 0) return index * 32 + 31 - Math.clz32(word);
    }
    return -1;
  }

  clear(): void {
    this.words.fill(0);
  }

  save(): readonly number[] {
    return [...this.words];
  }

  restore(words: readonly number[]): void {
    this.words = [...words];
  }
}
