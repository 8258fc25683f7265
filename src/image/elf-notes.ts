import { ByteReader, alignUp, decodeCString } from '../util/bytes.ts';

/** One ELF note (System V ABI, chapter 5, "Note Section"). */
export interface ElfNote {
  /** Owner, without its zero byte: "Xen". */
  readonly name: string;
  readonly type: number;
  readonly desc: Uint8Array;
  /** Of the note in the file, in bytes. */
  readonly offset: number;
}

const HEADER = { namesz: [0, 'u32'], descsz: [4, 'u32'], type: [8, 'u32'] } as const;
const HEADER_SIZE = 12;

/**
 * The notes in the contents of a note segment or section that starts at file offset `start`. A note whose lengths reach past the
 * end ends the list: what comes behind it cannot be found.
 */
export function notesIn(bytes: Uint8Array, start: number, segmentAlign: number): ElfNote[] {
  const reader = new ByteReader('note', bytes);
  const align = segmentAlign === 8 ? 8 : 4;
  const notes: ElfNote[] = [];
  let at = 0;
  while (reader.has(at, HEADER_SIZE)) {
    const { namesz, descsz, type } = reader.fields(HEADER, at, 'note');
    const nameAt = at + HEADER_SIZE;
    const descAt = alignUp(nameAt + namesz, align);
    if (!reader.has(descAt, descsz)) break;
    const name = decodeCString(bytes.subarray(nameAt, nameAt + namesz));
    notes.push({ name, type, desc: bytes.subarray(descAt, descAt + descsz), offset: start + at });
    at = alignUp(descAt + descsz, align);
  }
  return notes;
}
