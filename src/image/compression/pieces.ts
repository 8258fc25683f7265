import { DamagedData } from './output.ts';

/** Libraries tell no position: data goes to them in pieces of this size, and an error is in the last one. */
const PIECE = 1 << 14;

/** Pushes data piece by piece, and tells an error of the library with the piece it was in. `start` is the position of the first byte. */
export function pushPieces(
  bytes: Uint8Array,
  start: number,
  push: (piece: Uint8Array, last: boolean, at: number) => void,
): void {
  for (let at = start; at === start || at < bytes.length; at += PIECE) {
    try {
      push(bytes.subarray(at, at + PIECE), at + PIECE >= bytes.length, at);
    } catch (error) {
      if (error instanceof DamagedData) throw error;
      throw new DamagedData(at, error instanceof Error ? error.message : String(error));
    }
  }
}
