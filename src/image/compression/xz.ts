import { crc32 } from './crc32.ts';
import { Input } from './input.ts';
import { LzmaDecoder } from './lzma.ts';
import { DamagedData } from './output.ts';
import type { Output } from './output.ts';
import { undoX86Filter } from './x86-filter.ts';

/** The structures of xz-file-format.txt 1.1; sizes in bytes. */
const STREAM_HEADER_SIZE = 12;
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const CHECK_CRC32 = 1;
const FILTER_X86 = 4n;
const FILTER_LZMA2 = 0x21n;
const HAS_COMPRESSED_SIZE = 0x40;
const HAS_UNCOMPRESSED_SIZE = 0x80;

/** The blocks of an .xz stream, LZMA2 with or without the x86 filter before it. Of the checks CRC32 is compared, which kernels have. */
export function decompressXz(bytes: Uint8Array, output: Output): void {
  const input = new Input(bytes);
  const header = input.take(STREAM_HEADER_SIZE);
  const check = (header[7] ?? 0) & 15;
  for (;;) {
    const at = input.position;
    const size = input.u8();
    // The index follows the last block.
    if (size === 0) return;
    const { x86, start } = readBlockHeader(new Input(bytes.subarray(0, at + size * 4 + 4), at + 1), bytes, at, size);
    input.position = at + size * 4 + 4;
    const first = output.length;
    const data = input.position;
    decodeLzma2(input, output);
    const block = output.bytes.subarray(first);
    if (x86) undoX86Filter(block, start);
    // Blocks end at multiples of four.
    input.take((4 - ((input.position - data) & 3)) & 3);
    const checkAt = input.position;
    const expected = input.take(CHECK_SIZES[check] ?? 0);
    if (check === CHECK_CRC32 && new Input(expected).u32() !== crc32(block))
      throw new DamagedData(checkAt, 'the CRC32 of what came out is another one');
  }
}

interface BlockFilters {
  readonly x86: boolean;
  /** Address of the first byte, for the x86 filter. */
  readonly start: number;
}

function readBlockHeader(header: Input, bytes: Uint8Array, at: number, size: number): BlockFilters {
  const end = at + size * 4;
  if (new Input(bytes, end).u32() !== crc32(bytes.subarray(at, end)))
    throw new DamagedData(at, 'the CRC32 of a block header is another one');
  const flags = header.u8();
  if ((flags & HAS_COMPRESSED_SIZE) !== 0) variableLength(header);
  if ((flags & HAS_UNCOMPRESSED_SIZE) !== 0) variableLength(header);
  let filters: BlockFilters = { x86: false, start: 0 };
  const count = (flags & 3) + 1;
  for (let index = 0; index < count; index++) {
    const filterAt = header.position;
    const id = variableLength(header);
    const properties = new Input(header.take(Number(variableLength(header))));
    const last = index === count - 1;
    if (id === FILTER_X86 && !last) filters = { x86: true, start: properties.ended() ? 0 : properties.u32() };
    else if (id !== FILTER_LZMA2 || !last)
      throw new DamagedData(filterAt, `filter 0x${id.toString(16)} is none that a kernel for x86 has`);
  }
  return filters;
}

/** Seven bits a byte, the lowest first; at most nine bytes. */
function variableLength(input: Input): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const byte = input.u8();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new DamagedData(input.position, 'a number has more than nine bytes');
}

/** LZMA2 chunks up to the end marker. By the control byte: 1 stored with a new window, 2 stored, from 0x80 on LZMA. */
function decodeLzma2(input: Input, output: Output): void {
  const decoder = new LzmaDecoder(input, output);
  let hasProperties = false;
  for (let first = true; ; first = false) {
    const at = input.position;
    const control = input.u8();
    if (control === 0) return;
    if (control > 2 && control < 0x80) throw new DamagedData(at, `there is no LZMA2 chunk 0x${control.toString(16)}`);
    const newWindow = control === 1 || control >= 0xe0;
    if (first && !newWindow) throw new DamagedData(at, 'the first LZMA2 chunk has no new window');
    if (newWindow) decoder.resetWindow();
    if (control < 0x80) {
      output.append(input.take(input.u16be() + 1), input.position);
      continue;
    }
    const size = (((control & 0x1f) << 16) | input.u16be()) + 1;
    const compressed = input.u16be() + 1;
    if (control >= 0xc0) {
      decoder.setProperties(input.u8());
      hasProperties = true;
    }
    if (!hasProperties) throw new DamagedData(at, 'an LZMA2 chunk comes before any properties');
    if (control >= 0xa0) decoder.resetState();
    const start = input.position;
    decoder.startRange();
    if (decoder.decode(output.length + size))
      throw new DamagedData(input.position, 'an end marker stands in an LZMA2 chunk');
    decoder.finishRange();
    if (input.position !== start + compressed)
      throw new DamagedData(at, `an LZMA2 chunk has ${input.position - start} bytes, and says ${compressed}`);
  }
}
