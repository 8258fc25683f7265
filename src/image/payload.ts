import { ByteReader } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import { compressionOf, COMPRESSIONS, decompress } from './compression/compression.ts';
import type { Compression } from './compression/compression.ts';
import { hasElfMagic } from './elf-header.ts';
import type { SetupHeader } from './setup-header.ts';

/** The kernel inside a bzImage, usually compressed. */
export interface Payload {
  /** "xz payload at file offset 0x5094". */
  readonly description: string;
  /** Its bytes, an ELF file. Takes seconds. Throws StartOfDayError with what is damaged and where. */
  unpack(): Uint8Array;
}

/** Version of the boot protocol with payload_offset and payload_length. */
const VERSION_PAYLOAD = 0x208;
/** The Linux build appends the size of what comes out, but to gzip, which has it at its end anyway. */
const SIZE_FIELD = 4;
/** A kernel larger than this is none. */
const LARGEST_KERNEL = 0x40000000;
/** Places tried in a file that does not say where its payload is. */
const MOST_CANDIDATES = 32;

/** Where the payload of a kernel file is. Throws StartOfDayError when there is none or the header is wrong about it. */
export function findPayload(reader: ByteReader, header: SetupHeader): Payload {
  return header.version >= VERSION_PAYLOAD ? payloadByHeader(reader, header) : payloadByMagic(reader, header);
}

function payloadByHeader(reader: ByteReader, header: SetupHeader): Payload {
  const [relative = 0, length = 0] = [header.field('payload_offset'), header.field('payload_length')];
  if (relative === 0)
    throw noPayload(
      reader,
      'payload_offset at file offset 0x248 is 0x0; a kernel that was compressed says where it is',
    );
  const offset = header.codeOffset + relative;
  if (length <= SIZE_FIELD || !reader.has(offset, length))
    throw new StartOfDayError({
      code: 'payload-outside',
      blame: 'user',
      title: `${reader.name} ends inside its payload`,
      detail: `payload_offset at file offset 0x248 is ${hex(relative)} and payload_length at 0x24c is ${hex(length)}: file offset ${hex(offset)} … ${hex(offset + length - 1)}; the file has ${count(reader.length)} bytes`,
      mend: 'Build or copy the file again: it is cut short, or its header is damaged.',
    });
  const bytes = reader.slice(offset, length, 'the payload');
  if (hasElfMagic(bytes)) return { description: `ELF payload at file offset ${hex(offset)}`, unpack: () => bytes };
  const compression = compressionOf(bytes);
  if (compression === undefined)
    throw new StartOfDayError({
      code: 'payload-format',
      blame: 'user',
      title: `The payload of ${reader.name} is compressed in an unknown way`,
      detail: `At file offset ${hex(offset)} stands ${[...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}; known are ${COMPRESSIONS.map(({ name }) => name).join(', ')}`,
      mend: 'Choose another CONFIG_KERNEL_ compression.',
    });
  return {
    description: describe(compression, offset),
    unpack: () => unpackSized(reader, compression, offset, length),
  };
}

/** Unpacks a payload that ends with its size. */
function unpackSized(reader: ByteReader, compression: Compression, offset: number, length: number): Uint8Array {
  const sizeAt = offset + length - SIZE_FIELD;
  const size = reader.u32(sizeAt, 'the size of the payload');
  const wrong = (what: string): StartOfDayError =>
    new StartOfDayError({
      code: 'payload-size',
      blame: 'user',
      title: `The ${compression.name} payload of ${reader.name} has a wrong size`,
      detail: `Its last four bytes, at file offset ${hex(sizeAt)}, say ${count(size)} bytes; ${what}`,
      mend: 'Build or copy the file again.',
    });
  if (size > LARGEST_KERNEL) throw wrong(`a kernel has at most ${count(LARGEST_KERNEL)}`);
  const end = compression.name === 'gzip' ? sizeAt + SIZE_FIELD : sizeAt;
  const data = { file: reader.name, bytes: reader.slice(offset, end - offset, 'the payload'), offset };
  const unpacked = decompress(compression, data, size);
  if (unpacked.length !== size) throw wrong(`${count(unpacked.length)} came out`);
  return unpacked;
}

/** Before 2.08 nothing says where the payload is: the first place from which an ELF file comes out. */
function payloadByMagic(reader: ByteReader, header: SetupHeader): Payload {
  const { bytes, name: file } = reader;
  let tried = 0;
  for (let offset = header.codeOffset; offset < bytes.length && tried < MOST_CANDIDATES; offset++) {
    const compression = compressionOf(bytes.subarray(offset, offset + 16));
    if (compression === undefined) continue;
    tried++;
    try {
      const data = { file, bytes: bytes.subarray(offset), offset };
      const unpacked = decompress(compression, data, LARGEST_KERNEL / 4);
      if (hasElfMagic(unpacked)) return { description: describe(compression, offset), unpack: () => unpacked };
    } catch (error) {
      // The magic number of three bytes stood there by chance.
      if (!(error instanceof StartOfDayError)) throw error;
    }
  }
  throw noPayload(
    reader,
    `Boot protocol ${header.versionText} does not say where the payload is, and none of ${tried} places from file offset ${hex(header.codeOffset)} on that begin like one unpacks to an ELF file`,
  );
}

function describe({ name }: Compression, offset: number): string {
  return `${name} payload at file offset ${hex(offset)}`;
}

function noPayload({ name }: ByteReader, detail: string): StartOfDayError {
  return new StartOfDayError({
    code: 'no-payload',
    blame: 'user',
    title: `${name} has no kernel inside`,
    detail,
    mend: 'Give the vmlinux that the Linux build leaves beside its bzImage.',
  });
}
