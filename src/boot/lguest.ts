import { indexOfBytes } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';

const LABEL = 'lguest';
const SIGNATURE = new TextEncoder().encode('GenuineLguest');

/** Recognised by the text that the launcher of Linux 2.6.23 looks for; the entry is the byte behind it. */
export const lguest: EntryProtocol = {
  entry: 'lguest',
  label: LABEL,
  recognise: (image) => {
    const common = { entry: 'lguest', label: LABEL } as const;
    const offset = findSignature(image);
    if (offset !== undefined)
      return {
        ...common,
        offered: true,
        evidence: `the text "GenuineLguest" at file offset ${hex(offset)}`,
        summary: `"GenuineLguest" at file offset ${hex(offset)}; the entry is the byte behind it`,
        fields: [
          { name: 'signature', offset, value: '"GenuineLguest"', meaning: 'the entry follows', verdict: 'right' },
        ],
      };
    return {
      ...common,
      offered: false,
      summary: 'No text "GenuineLguest" in a PT_LOAD segment',
      mend: 'Build Linux 2.6.23 with CONFIG_LGUEST_GUEST.',
      fields: [],
    };
  },
};

/** File offset of the signature in what is loaded. A segment that reaches past the end of the file is searched as far as it goes. */
function findSignature({ elf, bytes }: KernelImage): number | undefined {
  if (elf instanceof StartOfDayError || elf.bits === 64) return undefined;
  for (const { offset, fileSize } of elf.loads) {
    const at = indexOfBytes(bytes.subarray(offset, offset + fileSize), SIGNATURE);
    if (at >= 0) return offset + at;
  }
  return undefined;
}
