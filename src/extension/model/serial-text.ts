/** Characters kept of what a serial port has sent, for a terminal that is opened late. */
const KEPT = 1 << 18;

/** What a guest has sent to a serial port, as a terminal wants it: UTF-8 decoded, each line ended by CR LF. */
export class SerialText {
  private readonly decoder = new TextDecoder();
  private kept = '';
  private endedWithReturn = false;

  /** Takes bytes as Latin-1 text; returns what a terminal should write. */
  receive(latin1: string): string {
    const bytes = Uint8Array.from(latin1, (character) => character.charCodeAt(0));
    const text = this.decoder.decode(bytes, { stream: true });
    let out = '';
    for (const character of text) {
      out += character === '\n' && !this.endedWithReturn ? '\r\n' : character;
      this.endedWithReturn = character === '\r';
    }
    this.kept = (this.kept + out).slice(-KEPT);
    return out;
  }

  /** Everything received, but for what was too long ago. */
  get history(): string {
    return this.kept;
  }
}

/** Typed text as the bytes that a terminal sends down the line, in Latin-1. */
export function serialBytes(typed: string): string {
  return String.fromCharCode(...new TextEncoder().encode(typed));
}
