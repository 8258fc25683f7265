import { LGUEST_INTERFACES, LGUEST_SIGNATURE, type LguestRevision } from '../abi/lguest.ts';
import type { ElfSegment } from '../image/elf.ts';
import { indexOfBytes } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import { revisionOf } from './lguest-revision.ts';
import type { RecognisedField } from './protocol.ts';

/** How lguest finds its way into an image, and what says so. */
export interface LguestEvidence {
  /** `signature`: the byte behind the text. `subarch`: the Linux entry, with hardware_subarch 1. */
  readonly by: 'signature' | 'subarch';
  readonly revision: LguestRevision;
  /** What the guest looks for at physical 0. */
  readonly information: 'lguest_boot_info' | 'boot_params';
  /** The guest's first code makes the mapping at PAGE_OFFSET itself: it copies entries of its page directory. */
  readonly copiesDirectory: boolean;
  /** File offset of what was found. */
  readonly offset: number;
  /** Bytes from {@link offset} to the first instruction of an entry by signature. */
  readonly signatureEnd: number;
  /** The segment it lies in. */
  readonly segment: ElfSegment;
  /** "the text \"GenuineLguest\" at file offset 0x1000". */
  readonly text: string;
  readonly fields: readonly RecognisedField[];
}

const SIGNATURE = new TextEncoder().encode(LGUEST_SIGNATURE);
/** mov $LHCALL_LGUEST_INIT,%eax: what lguest_entry begins with since 2.6.24 (arch/x86/lguest/i386_head.S, head_32.S). */
const MOV_EAX_INIT = Uint8Array.of(0xb8, 1, 0, 0, 0);
const MOV_EDX = 0xba;
const MOV_EBX = 0xbb;
const INT_1F = [0xcd, 0x1f] as const;
const VMCALL = [0x0f, 0x01, 0xc1] as const;
/** `mov $LHCALL_NEW_PGTABLE,%eax` behind the first call: the guest brings its page tables. */
const NEW_PGTABLE = [...INT_1F, 0xb8, 4, 0, 0, 0] as const;
/** The register that takes the address of lguest_data, and how the host is asked, by the revisions that do so. The first that fits. */
const ENTRY_FORMS = [
  { move: MOV_EDX, ask: INT_1F, revisions: ['2.6.24'] },
  { move: MOV_EBX, ask: VMCALL, revisions: ['2.6.32', '2.6.30'] },
  { move: MOV_EBX, ask: NEW_PGTABLE, revisions: ['4.4', '3.2'] },
  { move: MOV_EBX, ask: INT_1F, revisions: ['3.0'] },
] as const;
/** mov %esi,%eax behind the mov to %esp: lguest_init takes the boot header (lguest_asm.S of 2.6.23). */
const MOV_EAX_ESI = [0x89, 0xf0] as const;
/** rep movsl */
const REP_MOVSD = Uint8Array.of(0xf3, 0xa5);
/** Bytes of lguest_entry behind its hypercall in which 2.6.24 copies page directory entries. */
const COPY_WINDOW = 40;

/** What of lguest is in an image; undefined when nothing is. Never throws. */
export function lguestEvidence(image: KernelImage): LguestEvidence | undefined {
  const { elf, bytes } = image;
  if (elf instanceof StartOfDayError || elf.bits === 64) return undefined;
  // The launcher scans memory from the lowest address on.
  const segments = [...elf.loads].sort((a, b) => (a.physical < b.physical ? -1 : 1));
  for (const find of [bySignature, byEntryCode])
    for (const segment of segments) {
      const found = find(image, segment, contents(bytes, segment));
      if (found !== undefined) return found;
    }
  return undefined;
}

function bySignature(image: KernelImage, segment: ElfSegment, bytes: Uint8Array): LguestEvidence | undefined {
  const at = indexOfBytes(bytes, SIGNATURE);
  if (at < 0) return undefined;
  const entry = at + SIGNATURE.length;
  const header = matches(bytes, entry + 5, MOV_EAX_ESI);
  const { revision, fields } = revisionOf(image, header ? ['2.6.23', '2.6.23-rc'] : ['2.6.23-rc1', '2.6.23-rc']);
  const offset = segment.offset + at;
  const taken = header ? 'mov %esi,%eax: takes a Linux boot header' : 'no use of ESI: takes struct lguest_boot_info';
  return {
    by: 'signature',
    revision,
    information: header ? 'boot_params' : 'lguest_boot_info',
    copiesDirectory: false,
    signatureEnd: SIGNATURE.length,
    offset,
    segment,
    text: `the text "${LGUEST_SIGNATURE}" at file offset ${hex(offset)}`,
    fields: [
      { name: 'signature', offset, value: `"${LGUEST_SIGNATURE}"`, meaning: 'the entry follows', verdict: 'right' },
      {
        name: 'entry code',
        offset: segment.offset + entry,
        value: byteText(bytes.subarray(entry, entry + 7)),
        meaning: taken,
        verdict: 'information',
      },
      ...fields,
    ],
  };
}

function byEntryCode(image: KernelImage, segment: ElfSegment, bytes: Uint8Array): LguestEvidence | undefined {
  for (let at = indexOfBytes(bytes, MOV_EAX_INIT); at >= 0; at = indexOfBytes(bytes, MOV_EAX_INIT, at + 1)) {
    const register = bytes[at + MOV_EAX_INIT.length];
    const ask = at + MOV_EAX_INIT.length + 5;
    const form = ENTRY_FORMS.find(({ move, ask: code }) => register === move && matches(bytes, ask, code));
    if (form === undefined) continue;
    const { revision, fields } = revisionOf(image, form.revisions);
    const offset = segment.offset + at;
    const { instruction, registers } = LGUEST_INTERFACES[revision];
    return {
      by: 'subarch',
      revision,
      information: 'boot_params',
      copiesDirectory: indexOfBytes(bytes.subarray(ask, ask + COPY_WINDOW), REP_MOVSD) >= 0,
      signatureEnd: 0,
      offset,
      segment,
      text: `the hypercall LGUEST_INIT at file offset ${hex(offset)}`,
      fields: [
        {
          name: 'lguest_entry',
          offset,
          value: byteText(bytes.subarray(at, ask + 3)),
          meaning: `LGUEST_INIT by ${instruction}, its argument in ${registers[0]?.toUpperCase() ?? ''}`,
          verdict: 'right',
        },
        ...fields,
      ],
    };
  }
  return undefined;
}

/** What of a segment is in the file. One that reaches past its end is searched as far as it goes. */
function contents(file: Uint8Array, { offset, fileSize }: ElfSegment): Uint8Array {
  return file.subarray(offset, offset + fileSize);
}

function matches(bytes: Uint8Array, at: number, pattern: readonly number[]): boolean {
  return pattern.every((byte, index) => bytes[at + index] === byte);
}

function byteText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
