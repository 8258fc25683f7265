/** By the last three bytes: whether an operand among them may be converted, and which of its bytes decides. */
const ALLOWED = [true, true, true, false, true, false, false, false];
const DECIDING_BYTE = [0, 1, 2, 2, 3, 3, 3, 3];
const OPCODE_MASK = 0xfe;
/** CALL; JMP is one more. */
const CALL = 0xe8;

/**
 * Undoes the x86 branch filter of .xz files (xz-file-format.txt, 5.3.2) in place: operands of CALL and JMP were made absolute. `start` is the
 * address of the first byte.
 */
export function undoX86Filter(bytes: Uint8Array, start: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** Bit n: n + 1 bytes ago stood what looked like an opcode and was not converted. */
  let mask = 0;
  let previous = -1;
  for (let at = 0; at < bytes.length - 4; at++) {
    if (((bytes[at] ?? 0) & OPCODE_MASK) !== CALL) continue;
    const distance = at - previous;
    previous = at;
    mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
    const inDoubt = mask !== 0 && (ALLOWED[mask] !== true || isSign(bytes[at + 4 - (DECIDING_BYTE[mask] ?? 0)]));
    if (inDoubt || !isSign(bytes[at + 4])) {
      mask = (mask << 1) | 1;
      continue;
    }
    view.setUint32(at + 1, relative(view.getUint32(at + 1, true), start + at + 5, mask), true);
    at += 4;
  }
}

/** The operand that the filter made of this one; `next` is the address behind the instruction. */
function relative(operand: number, next: number, mask: number): number {
  let source = operand;
  for (;;) {
    const value = (source - next) >>> 0;
    const shift = (DECIDING_BYTE[mask] ?? 0) * 8;
    if (mask === 0 || !isSign((value >>> (24 - shift)) & 0xff)) return ((value << 7) >> 7) >>> 0;
    source = (value ^ (2 ** (32 - shift) - 1)) >>> 0;
  }
}

/** True for the top byte of an operand below 16 MiB in size. */
function isSign(byte: number | undefined): boolean {
  return byte === 0 || byte === 0xff;
}
