import { XEN_NOTE, xenNoteName } from '../abi/xen/elf-notes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol, ProtocolPlan } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import type { LoadOptions, RecognisedField, Recognition } from './protocol.ts';
import { acceptXenGuest, XenRefusal } from './xen-acceptance.ts';
import type { XenKernel } from './xen-acceptance.ts';
import { planXenDomain } from './xen-domain.ts';
import { fieldOf, findXenGuest } from './xen-guest.ts';
import type { GuestField, XenGuest } from './xen-guest.ts';
import { noteText, xenNotes } from './xen-notes.ts';

const LABEL = 'Xen PV';
const COMMON = { entry: 'xen-pv', label: LABEL } as const;
const MEND = 'Add a note of the owner "Xen", type 1 (ENTRY), with the linear address of the entry.';

/** Recognised by the ELF notes of Xen, or without any by the section `__xen_guest` (Xen tools, libelf-dominfo.c). */
export const xenPv: EntryProtocol = {
  ...COMMON,
  takesInitrd: true,
  plan: planXenPv,
  recognise: (image) => {
    const guest = findXenGuest(image);
    if (guest === undefined || isForPvhAlone(guest)) {
      const summary = absence(image, guest);
      return { ...COMMON, offered: false, summary, mend: MEND, fields: [] };
    }
    return { ...COMMON, ...verdict(image, guest) };
  },
};

/** Throws what the image or the options lack. */
export function planXenPv(image: KernelImage, options: LoadOptions): ProtocolPlan {
  const guest = findXenGuest(image);
  if (guest === undefined || isForPvhAlone(guest))
    throw new StartOfDayError({
      code: 'entry-not-offered',
      blame: 'user',
      title: `${image.name} does not offer xen-pv`,
      detail: absence(image, guest),
      mend: MEND,
    });
  return planXenDomain(acceptXenGuest(image, guest), options);
}

/** Kernels that kept their notes when their PV entry was taken out have a PVH entry, and no ENTRY. */
function isForPvhAlone(guest: XenGuest): boolean {
  return (
    guest.source === 'notes' &&
    fieldOf(guest, XEN_NOTE.entry) === undefined &&
    fieldOf(guest, XEN_NOTE.physicalEntry) !== undefined
  );
}

function absence(image: KernelImage, guest: XenGuest | undefined): string {
  const { notes, none } = xenNotes(image);
  if (guest === undefined) return none ?? 'No ELF note of the owner "Xen" and no section __xen_guest';
  const version = notes.find(({ type }) => type === XEN_NOTE.xenVersion);
  const first = notes.slice(0, 3).map(({ type }) => xenNoteName(type));
  const which = version === undefined ? first.join(', ') : `XEN_VERSION ${noteText(version)}`;
  return `The ELF notes name Xen (${which}) without note 1 (ENTRY)`;
}

function verdict(image: KernelImage, guest: XenGuest): Omit<Recognition, 'entry' | 'label'> {
  try {
    const kernel = acceptXenGuest(image, guest);
    const place = guest.source === 'notes' ? 'ELF notes' : 'a section __xen_guest';
    return {
      offered: true,
      evidence: `${place} of Xen at file offset ${hex(guest.offset)}`,
      summary: summaryOf(guest, kernel),
      fields: rows(guest, undefined),
    };
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    const { code, blame, title, detail, mend } = error;
    const wrong = error instanceof XenRefusal ? error.field : undefined;
    const problem = { code, blame, title, detail, mend };
    return { offered: false, problem, summary: `${title}: ${detail ?? ''}`, mend, fields: rows(guest, wrong) };
  }
}

function summaryOf(guest: XenGuest, { entry, base, pae }: XenKernel): string {
  const found =
    guest.string === undefined
      ? `ELF notes of Xen at file offset ${hex(guest.offset)}`
      : `Section __xen_guest at file offset ${hex(guest.offset)}: "${guest.string}"`;
  return `${found}: entry at linear ${hex(entry, 8)}, VIRT_BASE ${hex(base, 8)}, ${pae ? 'PAE' : 'without PAE'}`;
}

function rows(guest: XenGuest, wrong: GuestField | undefined): RecognisedField[] {
  return guest.fields.map((field) => ({
    name: field.name === '' ? '(empty)' : field.name,
    offset: field.offset,
    value: field.number === undefined || guest.source === 'string' ? `"${field.text}"` : hex(field.number, 8),
    meaning: [meaning(guest, field), field.remark].filter((part) => part !== undefined).join('; '),
    verdict: field === wrong ? 'wrong' : fieldOf(guest, XEN_NOTE.entry) === field ? 'right' : 'information',
  }));
}

function meaning(guest: XenGuest, { note }: GuestField): string {
  if (note === undefined) return 'no loader reads it';
  return guest.source === 'notes' ? `ELF note ${note}` : `as note ${note}, ${xenNoteName(note)}`;
}
