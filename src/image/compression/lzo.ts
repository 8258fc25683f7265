import { Input } from './input.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';

/** Bytes of the magic number of lzop. */
const MAGIC_SIZE = 9;
/** First version of lzop whose header has the version needed to extract, the level and a 64-bit time. */
const NEWER_HEADER = 0x940;
const FLAG = { adlerOut: 1, adlerIn: 2, extraField: 0x40, crcOut: 0x100, crcIn: 0x200, filter: 0x800 } as const;

/** A file of lzop: blocks with both their sizes, to a size of 0. Its checksums are not compared, as the kernel does not. */
export function decompressLzo(bytes: Uint8Array, output: Output): void {
  const input = new Input(bytes);
  const flags = readHeader(input);
  const has = (flag: number): boolean => (flags & flag) !== 0;
  for (;;) {
    const size = input.u32be();
    if (size === 0) return;
    const at = input.position;
    const stored = input.u32be();
    if (stored > size) throw new DamagedData(at, `a block of ${size} bytes has ${stored} compressed`);
    for (const flag of [FLAG.adlerOut, FLAG.crcOut]) if (has(flag)) input.u32();
    if (stored < size) for (const flag of [FLAG.adlerIn, FLAG.crcIn]) if (has(flag)) input.u32();
    const block = input.take(stored);
    const start = output.length;
    if (stored === size) output.append(block, at);
    else decodeLzo1x(block, output, input.position - stored);
    if (output.length - start !== size)
      throw new DamagedData(at, `a block has ${output.length - start} bytes, and says ${size}`);
  }
}

/** The flags of the header. */
function readHeader(input: Input): number {
  input.take(MAGIC_SIZE);
  const version = input.u16be();
  // The version of the library, and the one needed to extract.
  input.take(version >= NEWER_HEADER ? 4 : 2);
  // Method and level.
  input.take(version >= NEWER_HEADER ? 2 : 1);
  const flags = input.u32be();
  if ((flags & FLAG.filter) !== 0) input.u32();
  // File mode and time.
  input.take(version >= NEWER_HEADER ? 12 : 8);
  input.take(input.u8());
  input.u32();
  if ((flags & FLAG.extraField) !== 0) input.take(input.u32be() + 4);
  return flags;
}

/**
 * LZO1X (Documentation/staging/lzo.rst of Linux, "LZO stream format"), version 0. An instruction is a match with up to three literals behind it,
 * or a run of literals; what an instruction below 16 means depends on how many literals came before.
 */
function decodeLzo1x(block: Uint8Array, output: Output, offset: number): void {
  const input = new Input(block);
  const start = output.length;
  const literals = (count: number): void => output.append(input.take(count), offset + input.position);
  const copy = (distance: number, length: number): void =>
    output.copy(distance, length, offset + input.position, start);
  /** Literals behind the last instruction: 0 to 3, or 4 for a run. */
  let before = 0;
  const [first = 0] = block;
  if (first > 17) {
    input.u8();
    literals(first - 17);
    before = Math.min(first - 17, 4);
  }
  for (;;) {
    const instruction = input.u8();
    /** The two low bits of the last byte that has any: how many literals follow. */
    let trailing = instruction & 3;
    if (instruction < 16 && before === 0) {
      literals(3 + longCount(instruction, 15, input));
      before = 4;
      continue;
    } else if (instruction < 16) {
      const distance = (instruction >> 2) + (input.u8() << 2) + 1;
      if (before === 4) copy(distance + 2048, 3);
      else copy(distance, 2);
    } else if (instruction < 32) {
      const length = 2 + longCount(instruction & 7, 7, input);
      const word = input.u16();
      trailing = word & 3;
      const distance = 0x4000 + ((instruction & 8) << 11) + (word >> 2);
      if (distance === 0x4000) return;
      copy(distance, length);
    } else if (instruction < 64) {
      const length = 2 + longCount(instruction & 31, 31, input);
      const word = input.u16();
      trailing = word & 3;
      copy((word >> 2) + 1, length);
    } else {
      const length = instruction < 128 ? 3 + ((instruction >> 5) & 1) : 5 + ((instruction >> 5) & 3);
      copy((input.u8() << 3) + ((instruction >> 2) & 7) + 1, length);
    }
    literals(trailing);
    before = trailing;
  }
}

/** A count in the low bits of an instruction; 0 there means that it goes on: each zero byte 255 more. */
function longCount(low: number, most: number, input: Input): number {
  if (low !== 0) return low;
  let count = most;
  for (;;) {
    const byte = input.u8();
    count += byte === 0 ? 255 : byte;
    if (byte !== 0) return count;
  }
}
