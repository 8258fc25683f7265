import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { findMultibootHeader } from './multiboot-header.ts';
import type { HeaderSearch } from './multiboot-header.ts';
import { multibootFields } from './multiboot-fields.ts';
import { acceptedHeader, placeKernel } from './multiboot-kernel.ts';
import { planMultiboot } from './multiboot-plan.ts';
import { enterParavirt, paravirtFields } from './multiboot-paravirt.ts';
import type { Recognition } from './protocol.ts';

const LABEL = 'Multiboot 1';

/** Multiboot 1, specification 0.6.96. */
export const multiboot: EntryProtocol = {
  entry: 'multiboot',
  label: LABEL,
  recognise: (image) => {
    const search = findMultibootHeader(image.reader);
    const common = {
      entry: 'multiboot',
      label: LABEL,
      fields: [...multibootFields(search), ...paravirtFields(image.reader)],
    } as const;
    return { ...common, ...verdict(image, search) };
  },
  plan: (image, options) => {
    const header = acceptedHeader(image, findMultibootHeader(image.reader));
    const kernel = placeKernel(image, header);
    const { paravirtMagic: magic } = options;
    return planMultiboot(
      image,
      header,
      magic === undefined ? { kernel } : { magic, ...enterParavirt(image, kernel) },
      options,
    );
  },
};

function verdict(image: KernelImage, search: HeaderSearch): Omit<Recognition, 'entry' | 'label' | 'fields'> {
  try {
    const header = acceptedHeader(image, search);
    const { source, entry } = placeKernel(image, header);
    return {
      offered: true,
      evidence: `a Multiboot 1 header at file offset ${hex(header.offset)}`,
      summary: `Header at file offset ${hex(header.offset)}, flags ${hex(header.flags)}, checksum right; loaded by the ${source}, entry at physical ${hex(entry, 8)}`,
    };
  } catch (error) {
    if (!(error instanceof StartOfDayError)) throw error;
    const { code, blame, title, detail, mend } = error;
    const traced = search.header !== undefined || search.near !== undefined;
    return {
      offered: false,
      problem: traced ? { code, blame, title, detail, mend } : undefined,
      summary: detail ?? title,
      mend,
    };
  }
}
