import type { Fields, Layout } from '../util/bytes.ts';
import { ByteReader, decodeCString, layoutSize } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';

/** Bytes of guest physical memory. Throws StartOfDayError where there is none. */
export type ReadPhysical = (address: number, length: number) => Uint8Array;

/** Longest text that is read: a string without an end must not fill a view. */
const STRING_LIMIT = 4096;
const CHUNK = 64;

/** Guest memory for the decoder: undefined where there is none. */
export class GuestMemory {
  private readonly readPhysical: ReadPhysical;

  constructor(readPhysical: ReadPhysical) {
    this.readPhysical = readPhysical;
  }

  bytes(address: number, length: number): Uint8Array | undefined {
    try {
      return this.readPhysical(address, length);
    } catch (error) {
      if (error instanceof StartOfDayError) return undefined;
      throw error;
    }
  }

  fields<L extends Layout>(layout: L, address: number): Fields<L> | undefined {
    const bytes = this.bytes(address, layoutSize(layout));
    return bytes === undefined ? undefined : new ByteReader('memory', bytes).fields(layout, 0, 'structure');
  }

  /** The C string at an address, at most 4096 bytes of it; undefined where no byte of it is in memory. */
  string(address: number): string | undefined {
    const found: number[] = [];
    // Chunks end at multiples of their size, so that none reaches past the end of memory.
    for (let at = address; found.length < STRING_LIMIT;) {
      const chunk = this.bytes(at, CHUNK - (at % CHUNK));
      if (chunk === undefined) return found.length === 0 ? undefined : decodeCString(Uint8Array.from(found));
      found.push(...chunk);
      if (chunk.includes(0)) break;
      at += chunk.length;
    }
    return decodeCString(Uint8Array.from(found));
  }
}

/** `"text"`, or why there is none. */
export function quoted(text: string | undefined): string {
  return text === undefined ? '· outside memory' : `"${text}"`;
}
