import type { ElfSection } from '../image/elf.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';

const LABEL = 'Linux 2.6.20 paravirt';
const SECTION = '.paravirtprobe';

/** Recognised by the table of probe functions that `startup_paravirt` walks (Linux 2.6.20, arch/i386/kernel/head.S). */
export const paravirt: EntryProtocol = {
  entry: 'paravirt',
  label: LABEL,
  recognise: (image) => {
    const common = { entry: 'paravirt', label: LABEL } as const;
    const section = probeSection(image);
    if (section !== undefined)
      return {
        ...common,
        offered: true,
        evidence: `a section ${SECTION} at file offset ${hex(section.offset)}`,
        summary: `Section ${SECTION} at file offset ${hex(section.offset)}: ${Math.floor(section.size / 4)} probe functions`,
        fields: [
          {
            name: SECTION,
            offset: section.offset,
            value: hex(section.size),
            meaning: 'bytes of probe function pointers',
            verdict: 'right',
          },
        ],
      };
    return {
      ...common,
      offered: false,
      summary: `No section ${SECTION} in a 32-bit ELF file`,
      mend: 'Build Linux 2.6.20 or 2.6.21 with CONFIG_PARAVIRT.',
      fields: [],
    };
  },
};

function probeSection({ elf }: KernelImage): ElfSection | undefined {
  try {
    return elf instanceof StartOfDayError || elf.bits === 64 ? undefined : elf.section(SECTION);
  } catch (error) {
    if (error instanceof StartOfDayError) return undefined;
    throw error;
  }
}
