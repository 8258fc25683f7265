import { Inflate } from 'fflate';
import { crc32 } from './crc32.ts';
import { Input } from './input.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';
import { pushPieces } from './pieces.ts';

const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16 } as const;
const DEFLATE = 8;
/** CRC32 and size of what comes out (RFC 1952, 2.3.1). */
const TRAILER_SIZE = 8;

/** A gzip member (RFC 1952). The CRC is compared when the trailer stands at the end of the data. */
export function decompressGzip(bytes: Uint8Array, output: Output): void {
  const input = new Input(bytes, 2);
  const method = input.u8();
  if (method !== DEFLATE) throw new DamagedData(2, `the gzip method is ${method}, and only 8 (deflate) is defined`);
  const flags = input.u8();
  // Time, extra flags, system.
  input.take(6);
  if ((flags & FLAG.extra) !== 0) input.take(input.u16());
  for (const flag of [FLAG.name, FLAG.comment]) if ((flags & flag) !== 0) while (input.u8() !== 0);
  if ((flags & FLAG.headerCrc) !== 0) input.u16();
  let at = input.position;
  const inflate = new Inflate((chunk) => output.append(chunk, at));
  pushPieces(bytes, input.position, (piece, last, position) => {
    at = position;
    inflate.push(piece, last);
  });
  const trailerAt = bytes.length - TRAILER_SIZE;
  const trailer = new Input(bytes, Math.max(trailerAt, 0));
  const [crc, size] = [trailer.u32(), trailer.u32()];
  if (size === output.length && crc !== crc32(output.bytes))
    throw new DamagedData(trailerAt, 'the CRC32 of what came out is another one');
}
