import type { ElfNote } from '../image/elf-notes.ts';
import type { ElfSection } from '../image/elf.ts';
import { decodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { noteAddress, noteText, XEN_NOTE, xenNoteName, xenNotes } from './xen-notes.ts';

const LABEL = 'Xen PV';

/** Recognised by the ELF note ENTRY, or without Xen notes by the section `__xen_guest` (Xen tools, libelf-dominfo.c). */
export const xenPv: EntryProtocol = {
  entry: 'xen-pv',
  label: LABEL,
  recognise: (image) => {
    const common = { entry: 'xen-pv', label: LABEL } as const;
    const { notes, none } = xenNotes(image);
    const entry = notes.find(({ type }) => type === XEN_NOTE.entry);
    const address = entry === undefined ? undefined : noteAddress(entry);
    if (entry !== undefined && address !== undefined)
      return {
        ...common,
        offered: true,
        evidence: `an ELF note 1 (ENTRY) at file offset ${hex(entry.offset)}`,
        summary: `ELF note 1 (ENTRY) at file offset ${hex(entry.offset)}: entry at linear ${address}`,
        fields: notes.map((note) => ({
          name: xenNoteName(note.type),
          offset: note.offset,
          value: noteAddress(note) ?? noteText(note),
          meaning: `ELF note ${note.type}`,
          verdict: note === entry ? 'right' : 'information',
        })),
      };
    const legacy = notes.length === 0 ? legacySection(image) : undefined;
    if (legacy !== undefined) {
      const value = decodeCString(legacy.bytes);
      return {
        ...common,
        offered: true,
        evidence: `a section __xen_guest at file offset ${hex(legacy.offset)}`,
        summary: `Section __xen_guest at file offset ${hex(legacy.offset)}: "${value}"`,
        fields: [
          {
            name: '__xen_guest',
            offset: legacy.offset,
            value,
            meaning: 'guest section of Xen before 3.0.3',
            verdict: 'right',
          },
        ],
      };
    }
    return {
      ...common,
      offered: false,
      summary:
        notes.length > 0 ? withoutEntry(notes) : (none ?? 'No ELF note of the owner "Xen" and no section __xen_guest'),
      mend: 'Add a note of the owner "Xen", type 1 (ENTRY), with the linear address of the entry.',
      fields: [],
    };
  },
};

function withoutEntry(notes: readonly ElfNote[]): string {
  const version = notes.find(({ type }) => type === XEN_NOTE.xenVersion);
  const which =
    version === undefined
      ? notes
          .slice(0, 3)
          .map(({ type }) => xenNoteName(type))
          .join(', ')
      : `XEN_VERSION ${noteText(version)}`;
  return `The ELF notes name Xen (${which}) without note 1 (ENTRY)`;
}

function legacySection(image: KernelImage): ElfSection | undefined {
  try {
    const section = image.elf instanceof StartOfDayError ? undefined : image.elf.section('__xen_guest');
    return section !== undefined && section.bytes.length > 0 ? section : undefined;
  } catch (error) {
    if (error instanceof StartOfDayError) return undefined;
    throw error;
  }
}
