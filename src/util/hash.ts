/**
 * Hashes for comparing large states, not for security: 53 bits from two 32-bit lanes that are multiplied and mixed word by word
 * (public-domain construction known as cyrb53, fed with words instead of characters).
 */
export class Hash53 {
  private first = 0xdeadbeef;
  private second = 0x41c6ce57;

  word(word: number): void {
    this.first = Math.imul(this.first ^ word, 2654435761);
    this.second = Math.imul(this.second ^ word, 1597334677);
    // Without this a change in the upper bits would never reach the lower ones.
    this.first ^= this.first >>> 15;
    this.second ^= this.second >>> 13;
  }

  /** Little-endian words; a rest of up to three bytes counts as a word, and the length as another. */
  bytes(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const whole = bytes.length & ~3;
    for (let at = 0; at < whole; at += 4) this.word(view.getInt32(at, true));
    let rest = 0;
    for (let at = whole; at < bytes.length; at++) rest = (rest << 8) | (bytes[at] ?? 0);
    if (whole < bytes.length) this.word(rest);
    this.word(bytes.length);
  }

  /** UTF-16 code units. */
  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.word(text.charCodeAt(at));
    this.word(text.length);
  }

  /** 14 hexadecimal digits. */
  digest(): string {
    let first = Math.imul(this.first ^ (this.first >>> 16), 2246822507);
    first ^= Math.imul(this.second ^ (this.second >>> 13), 3266489909);
    let second = Math.imul(this.second ^ (this.second >>> 16), 2246822507);
    second ^= Math.imul(first ^ (first >>> 13), 3266489909);
    return (4294967296 * (2097151 & second) + (first >>> 0)).toString(16).padStart(14, '0');
  }
}
