import { ByteReader, alignUp, decodeCString } from '../util/bytes.ts';

/** One ELF note (System V ABI, chapter 5, "Note Section"). */
export interface ElfNote {
  /** Owner, without its zero byte: "Xen". */
  readonly name: string;
  readonly type: number;
  readonly desc: Uint8Array;
  /** Bytes that descsz counts and the segment does not have: `desc` is shorter by so many. */
  readonly missing: number;
  /** Of the note in the file, in bytes. */
  readonly offset: number;
}

const HEADER = { namesz: [0, 'u32'], descsz: [4, 'u32'], type: [8, 'u32'] } as const;
const HEADER_SIZE = 12;

/**
 * The notes in the contents of a note segment or section that starts at file offset `start`. A name that reaches past the end ends
 * the list. A descriptor that does is taken as far as it is there: GRUB's last note counts more than its segment holds, and Xen takes it.
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
    if (!reader.has(nameAt, namesz) || descAt > bytes.length) break;
    const name = decodeCString(bytes.subarray(nameAt, nameAt + namesz));
    const desc = bytes.subarray(descAt, descAt + descsz);
    notes.push({ name, type, desc, missing: descsz - desc.length, offset: start + at });
    at = alignUp(descAt + descsz, align);
  }
  return notes;
}
