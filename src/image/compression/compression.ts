import { StartOfDayError } from '../../util/errors.ts';
import { count, hex } from '../../util/hex.ts';
import { decompressBzip2 } from './bzip2.ts';
import { decompressGzip } from './gzip.ts';
import { decompressLz4 } from './lz4.ts';
import { decompressLzma } from './lzma.ts';
import { decompressLzo } from './lzo.ts';
import { DamagedData, Output } from './output.ts';
import { decompressXz } from './xz.ts';
import { decompressZstd } from './zstd.ts';

/** A way in which a kernel can be compressed. */
export interface Compression {
  /** As its tool is called: "xz". */
  readonly name: string;
  /** How its data begins. */
  readonly magic: readonly number[];
  /** Throws DamagedData. */
  readonly decompress: (bytes: Uint8Array, output: Output) => void;
}

/** The magic numbers of boot.rst, "payload_offset", as long as they are fixed. */
export const COMPRESSIONS: readonly Compression[] = [
  { name: 'gzip', magic: [0x1f, 0x8b, 0x08], decompress: decompressGzip },
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68], decompress: decompressBzip2 },
  { name: 'LZMA', magic: [0x5d, 0x00, 0x00], decompress: decompressLzma },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], decompress: decompressXz },
  { name: 'LZO', magic: [0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a], decompress: decompressLzo },
  { name: 'LZ4', magic: [0x02, 0x21, 0x4c, 0x18], decompress: decompressLz4 },
  { name: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd], decompress: decompressZstd },
];

/** How `bytes` is compressed, by its first bytes. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find(({ magic }) => magic.every((byte, index) => bytes[index] === byte));
}

/** Compressed data in a file. */
export interface CompressedData {
  /** The file's name, for messages. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Of the data in the file. */
  readonly offset: number;
}

/** What comes out, at most `limit` bytes. Throws StartOfDayError with the file offset at which the data is damaged. */
export function decompress({ name, decompress }: Compression, data: CompressedData, limit: number): Uint8Array {
  const output = new Output(limit);
  try {
    decompress(data.bytes, output);
    return output.bytes;
  } catch (cause) {
    if (!(cause instanceof DamagedData)) throw cause;
    throw new StartOfDayError(
      {
        code: 'payload-damaged',
        blame: 'user',
        title: `The ${name} data in ${data.file} is damaged`,
        detail: `At file offset ${hex(data.offset + cause.at)}: ${cause.message}; the data begins at ${hex(data.offset)}, and ${count(output.length)} bytes had come out`,
        mend: 'Build or copy the file again.',
      },
      { cause },
    );
  }
}
