import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { ColumnReader, ColumnWriter } from './columns.ts';

/**
 * What the CPU of a computer did with instances that a seed stands for, as the bytes by which the record of each differs from one that
 * says what would be if it did nothing.
 *
 *     bytes 0-3   "SODF"
 *     byte  4     version, 1
 *     bytes 5-    brotli of the header's length in 4 bytes, the header as JSON, and four columns (see `columns.ts`): runs of each record,
 *                 offsets of the runs, their lengths, their bytes
 */
const MAGIC = 'SODF';
const VERSION = 1;
const WIDTHS = [2, 2, 1, 1] as const;

export interface RecordsHeader {
  readonly seed: number;
  readonly count: number;
  /** SHA-1 of all instances: they are made anew from the seed, and must be the same. */
  readonly instances: string;
  /** Encodings by iced-x86's names; the instances take them in turn. */
  readonly names: readonly string[];
}

/** Collects records and writes them. */
export class RecordsWriter {
  private readonly columns = WIDTHS.map((width) => new ColumnWriter(width));

  /** `unchanged` and `record` have one length, below 64 KiB. */
  add(unchanged: Uint8Array, record: Uint8Array): void {
    const [runs, places, lengths, bytes] = this.columns;
    let count = 0;
    for (let start = 0; start < record.length; start++) {
      let end = start;
      while (end < record.length && record[end] !== unchanged[end] && end - start < 255) end++;
      if (end === start) continue;
      count++;
      places?.push(start);
      lengths?.push(end - start);
      bytes?.push(...record.subarray(start, end));
      start = end - 1;
    }
    runs?.push(count);
  }

  toBytes(header: RecordsHeader): Buffer {
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const content = Buffer.concat([length, json, ...this.columns.map((column) => column.toBytes())]);
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
    return Buffer.concat([Buffer.from(MAGIC), Buffer.from([VERSION]), brotliCompressSync(content, { params })]);
  }
}

/** Reads a file of records; `next` makes the next record out of the unchanged one. Throws an error that says what is wrong with it. */
export function readRecords(file: Uint8Array): { header: RecordsHeader; next: (unchanged: Uint8Array) => Buffer } {
  const magic = Buffer.from(file.subarray(0, 4)).toString('latin1');
  if (magic !== MAGIC || file[4] !== VERSION) throw new Error(`no records of version ${VERSION}`);
  const content = brotliDecompressSync(file.subarray(5));
  let at = 4 + content.readUInt32LE(0);
  const header = JSON.parse(content.toString('utf8', 4, at)) as RecordsHeader;
  const column = (width: 1 | 2 | 4): ColumnReader => {
    const reader = new ColumnReader(content.subarray(at), width);
    at += reader.size;
    return reader;
  };
  const [runs, places, lengths, bytes] = [
    column(WIDTHS[0]),
    column(WIDTHS[1]),
    column(WIDTHS[2]),
    column(WIDTHS[3]),
  ] as const;
  const next = (unchanged: Uint8Array): Buffer => {
    const record = Buffer.from(unchanged);
    for (let run = runs.next(); run > 0; run--) {
      const start = places.next();
      const length = lengths.next();
      for (let n = 0; n < length; n++) record[start + n] = bytes.next();
    }
    return record;
  };
  return { header, next };
}
