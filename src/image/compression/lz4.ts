import { Input } from './input.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';

/** Of a legacy frame (lz4_Frame_format.md, "Legacy frame"), little-endian. */
const LEGACY_MAGIC = 0x184c2102;
/** Bytes of a match whose length field is 0. */
const LEAST_MATCH = 4;
/** A length field with this value goes on in further bytes. */
const LENGTH_GOES_ON = 15;

/** An LZ4 legacy frame, as `lz4 -l` writes it for kernels: blocks with their size, to the end of the data. */
export function decompressLz4(bytes: Uint8Array, output: Output): void {
  const input = new Input(bytes);
  while (!input.ended()) {
    const at = input.position;
    const size = input.u32();
    // A frame may follow another.
    if (size === LEGACY_MAGIC) continue;
    if (at === 0) throw new DamagedData(at, 'no LZ4 legacy frame begins here');
    decodeBlock(input.take(size), output, input.position - size);
  }
}

/** One block (lz4_Block_format.md): literals and matches in turn; the last sequence has no match. `offset` is that of the block. */
function decodeBlock(block: Uint8Array, output: Output, offset: number): void {
  const input = new Input(block);
  const start = output.length;
  while (!input.ended()) {
    const token = input.u8();
    output.append(input.take(extended(token >> 4, input)), offset + input.position);
    if (input.ended()) return;
    const distance = input.u16();
    if (distance === 0) throw new DamagedData(offset + input.position - 2, 'a match reaches 0 bytes back');
    output.copy(distance, LEAST_MATCH + extended(token & 15, input), offset + input.position, start);
  }
}

function extended(length: number, input: Input): number {
  if (length !== LENGTH_GOES_ON) return length;
  let total = length;
  for (let more = 255; more === 255; total += more) more = input.u8();
  return total;
}
