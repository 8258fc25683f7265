import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { multiboot2Fields } from './multiboot2-fields.ts';
import { findMultiboot2Header } from './multiboot2-header.ts';
import type { HeaderSearch } from './multiboot2-header.ts';
import { acceptedHeader, findTag, placeKernel } from './multiboot2-kernel.ts';
import { HEADER_TAG } from './multiboot2-layout.ts';
import { planMultiboot2 } from './multiboot2-plan.ts';
import type { Recognition } from './protocol.ts';

const LABEL = 'Multiboot 2';

/** Multiboot 2, specification 2.0. */
export const multiboot2: EntryProtocol = {
  entry: 'multiboot2',
  label: LABEL,
  recognise: (image) => {
    const search = findMultiboot2Header(image.reader);
    const common = { entry: 'multiboot2', label: LABEL, fields: multiboot2Fields(search) } as const;
    return { ...common, ...verdict(image, search) };
  },
  plan: (image, options) => {
    const header = acceptedHeader(image, findMultiboot2Header(image.reader));
    return planMultiboot2(image, header, placeKernel(image, header), options);
  },
};

function verdict(image: KernelImage, search: HeaderSearch): Omit<Recognition, 'entry' | 'label' | 'fields'> {
  try {
    const header = acceptedHeader(image, search);
    const { source, entry } = placeKernel(image, header);
    const moved = findTag(header, HEADER_TAG.relocatable) === undefined ? '' : ', relocatable';
    return {
      offered: true,
      evidence: `a Multiboot 2 header at file offset ${hex(header.offset)}`,
      summary: `Header at file offset ${hex(header.offset)}, ${header.header_length} bytes, checksum right; loaded by the ${source}, entry at physical ${hex(entry, 8)}${moved}`,
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
