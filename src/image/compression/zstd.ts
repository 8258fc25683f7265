import { Decompress } from 'fzstd';
import { Input } from './input.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';
import { pushPieces } from './pieces.ts';

const SINGLE_SEGMENT = 0x20;
/** Largest window that a decompressor must support with --ultra, which kernels are compressed with (RFC 8878, 3.1.1.1.2). */
const LARGEST_WINDOW = 2 ** 27;
const FIRST_WINDOW_LOG = 10;

/** A Zstandard frame (RFC 8878). */
export function decompressZstd(bytes: Uint8Array, output: Output): void {
  checkWindow(bytes);
  let at = 0;
  const decompress = new Decompress((chunk) => output.append(chunk, at));
  pushPieces(bytes, 0, (piece, last, position) => {
    at = position;
    decompress.push(piece, last);
  });
}

/** The library allocates what the frame header asks for, up to 2 GiB. */
function checkWindow(bytes: Uint8Array): void {
  const input = new Input(bytes, 4);
  if ((input.u8() & SINGLE_SEGMENT) !== 0) return;
  const descriptor = input.u8();
  const base = 2 ** (FIRST_WINDOW_LOG + (descriptor >> 3));
  const window = base + (base / 8) * (descriptor & 7);
  if (window > LARGEST_WINDOW)
    throw new DamagedData(5, `the frame asks for a window of ${window} bytes; at most ${LARGEST_WINDOW} are allowed`);
}
