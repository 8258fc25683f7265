import type { ElfFile } from '../image/elf.ts';
import type { ElfNote } from '../image/elf-notes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeSegment } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import type { RecognisedField } from './protocol.ts';
import { planPvh } from './pvh-plan.ts';
import { noteAddress, noteNumber, XEN_NOTE, xenNoteName, xenNotes } from './xen-notes.ts';

const COMMON = { entry: 'pvh', label: 'PVH' } as const;
const MEND = 'Add a note of the owner "Xen", type 18, with the physical address of the entry.';
/** XEN_ELFNOTE_PHYS32_RELOC (xen/include/public/elfnote.h). */
const RELOCATION = 19;

/** Recognised by the ELF note PHYS32_ENTRY (Xen docs/misc/pvh.pandoc). */
export const pvh: EntryProtocol = {
  ...COMMON,
  takesInitrd: true,
  throughPayload: true,
  recognise: (image) => {
    const { notes, none } = xenNotes(image);
    const note = entryNote(notes);
    if (note === undefined)
      return {
        ...COMMON,
        offered: false,
        summary: none ?? 'No ELF note 18 (PHYS32_ENTRY) of the owner "Xen"',
        mend: MEND,
        fields: [],
      };
    const at = `ELF note 18 (PHYS32_ENTRY) at file offset ${hex(note.offset)}`;
    try {
      const { entry } = place(image);
      return {
        ...COMMON,
        offered: true,
        evidence: `an ${at}`,
        summary: `${at}: entry at physical ${hex(entry, 8)}`,
        fields: fieldsOf(notes),
      };
    } catch (error) {
      if (!(error instanceof StartOfDayError)) throw error;
      const { code, blame, title, detail, mend } = error;
      const problem = { code, blame, title, detail, mend };
      return { ...COMMON, offered: false, problem, summary: detail ?? title, mend, fields: fieldsOf(notes) };
    }
  },
  blocked: ({ elf }) =>
    !(elf instanceof StartOfDayError) && elf.bits === 64 ? 'the machine has no long mode' : undefined,
  plan: (image, options) => planPvh(place(image), options),
};

function entryNote(notes: readonly ElfNote[]): ElfNote | undefined {
  return notes.find(({ type }) => type === XEN_NOTE.physicalEntry);
}

function fieldsOf(notes: readonly ElfNote[]): readonly RecognisedField[] {
  return notes
    .filter(({ type }) => type === XEN_NOTE.physicalEntry || type === RELOCATION)
    .map((note) => ({
      name: xenNoteName(note.type),
      offset: note.offset,
      value: noteAddress(note) ?? bytesText(note),
      meaning: note.type === RELOCATION ? 'alignment, lowest and highest address' : 'physical address of the entry',
      verdict: note.type === RELOCATION ? 'information' : noteAddress(note) === undefined ? 'wrong' : 'right',
    }));
}

/** Segments by p_paddr, entered where the note says. Throws what in the image is wrong. */
function place(image: KernelImage): KernelPlacement {
  const elf = elfOf(image);
  const note = entryNote(xenNotes(image).notes);
  if (note === undefined)
    throw refuse(image, 'pvh-no-note', 'has no PVH entry', 'No ELF note 18 (PHYS32_ENTRY) of the owner "Xen"');
  const at = `PHYS32_ENTRY, ELF note 18 at file offset ${hex(note.offset)},`;
  const number = noteNumber(note);
  if (number === undefined)
    throw refuse(image, 'pvh-note-size', 'has a damaged PVH note', `${at} has ${note.desc.length} bytes, needs 4 or 8`);
  const segment = elf.loads.find(({ physical, size }) => number >= physical && number < physical + BigInt(size));
  if (segment === undefined)
    throw refuse(
      image,
      'pvh-entry',
      'has its PVH entry in no segment',
      `${at} is ${hex(number, 8)}; ${segmentsText(elf)}`,
    );
  const regions = elf.loads.map((load) => placeSegment(elf, load, Number(load.physical)));
  const bias = Number(BigInt.asUintN(32, segment.address - segment.physical));
  return { regions, entry: Number(number), bias, source: 'ELF program headers' };
}

function segmentsText({ loads }: ElfFile): string {
  if (loads.length === 0) return 'there is no PT_LOAD segment';
  return loads
    .slice(0, 4)
    .map(
      ({ index, physical, size }) =>
        `PT_LOAD ${index} is at physical ${hex(physical, 8)} … ${hex(physical + BigInt(size) - 1n, 8)}`,
    )
    .join(', ');
}

function bytesText({ desc }: ElfNote): string {
  return [...desc.subarray(0, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function refuse({ name }: KernelImage, code: string, what: string, detail: string): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title: `${name} ${what}`, detail, mend: MEND });
}
