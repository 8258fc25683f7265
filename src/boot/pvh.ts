import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import { noteAddress, XEN_NOTE, xenNotes } from './xen-notes.ts';

const LABEL = 'PVH';

/** Recognised by the ELF note PHYS32_ENTRY (Xen docs/misc/pvh.pandoc). */
export const pvh: EntryProtocol = {
  entry: 'pvh',
  label: LABEL,
  recognise: (image) => {
    const common = { entry: 'pvh', label: LABEL } as const;
    const { notes, none } = xenNotes(image);
    const note = notes.find(({ type }) => type === XEN_NOTE.physicalEntry);
    const address = note === undefined ? undefined : noteAddress(note);
    if (note !== undefined && address !== undefined)
      return {
        ...common,
        offered: true,
        evidence: `an ELF note 18 (PHYS32_ENTRY) at file offset ${hex(note.offset)}`,
        summary: `ELF note 18 (PHYS32_ENTRY) at file offset ${hex(note.offset)}: entry at physical ${address}`,
        fields: [
          {
            name: 'PHYS32_ENTRY',
            offset: note.offset,
            value: address,
            meaning: 'physical address of the entry',
            verdict: 'right',
          },
        ],
      };
    return {
      ...common,
      offered: false,
      summary:
        note === undefined
          ? (none ?? 'No ELF note 18 (PHYS32_ENTRY) of the owner "Xen"')
          : `ELF note 18 (PHYS32_ENTRY) at file offset ${hex(note.offset)} has ${note.desc.length} bytes, needs 4 or 8`,
      mend: 'Add a note of the owner "Xen", type 18, with the physical address of the entry.',
      fields: [],
    };
  },
};
