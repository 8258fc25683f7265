import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { lguestEvidence, type LguestEvidence } from './lguest-evidence.ts';
import { planLguest } from './lguest-plan.ts';
import type { LoadOptions, Recognition } from './protocol.ts';
import { StartOfDayError } from '../util/errors.ts';

const COMMON = { entry: 'lguest', label: 'lguest' } as const;
const NOTHING =
  'Neither the text "GenuineLguest" nor the hypercall LGUEST_INIT in a PT_LOAD segment of a 32-bit ELF file';
const MEND = 'Build Linux 2.6.23 to 4.13 for i386 with CONFIG_LGUEST_GUEST and give its vmlinux.';

/**
 * lguest in its historic protocols: 2.6.23 and its candidates by the text that their launcher looks for, later ones by the Linux entry
 * with hardware_subarch 1. The image's own code says which.
 */
export const lguest: EntryProtocol = {
  ...COMMON,
  takesInitrd: true,
  throughPayload: true,
  recognise: (image) => {
    const evidence = lguestEvidence(image);
    return evidence === undefined
      ? { ...COMMON, offered: false, summary: NOTHING, mend: MEND, fields: [] }
      : recognition(evidence);
  },
  plan: (image: KernelImage, options: LoadOptions) => {
    const evidence = lguestEvidence(image);
    if (evidence !== undefined) return planLguest(image, evidence, options);
    throw new StartOfDayError({
      code: 'entry-not-offered',
      blame: 'user',
      title: `${image.name} does not offer lguest`,
      detail: NOTHING,
      mend: MEND,
    });
  },
};

function recognition({ by, revision, text, offset, fields }: LguestEvidence): Recognition {
  const how =
    by === 'signature'
      ? `"GenuineLguest" at file offset ${hex(offset)}; the entry is the byte behind it`
      : `LGUEST_INIT at file offset ${hex(offset)}; the entry is that of Linux, with hardware_subarch 1`;
  return { ...COMMON, offered: true, evidence: text, summary: `${how}; interface of Linux ${revision}`, fields };
}
