import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { planParavirt } from './paravirt-plan.ts';
import type { RecognisedField } from './protocol.ts';

const LABEL = 'Linux 2.6.20 paravirt';
const SECTION = '.paravirtprobe';
const POINTER_SIZE = 4;
/** Most probe functions that are listed one by one. */
const LISTED = 32;
const MEND = 'Build Linux 2.6.20 or 2.6.21 with CONFIG_PARAVIRT.';

/** The generic entry of Linux 2.6.20, recognised by the table of probe functions that `startup_paravirt` walks (arch/i386/kernel/head.S). */
export const paravirt: EntryProtocol = {
  entry: 'paravirt',
  label: LABEL,
  takesInitrd: true,
  recognise: (image) => {
    const common = { entry: 'paravirt', label: LABEL } as const;
    try {
      const { offset, probes } = probeTable(image);
      return {
        ...common,
        offered: true,
        evidence: `a section ${SECTION} at file offset ${hex(offset)}`,
        summary: `Section ${SECTION} at file offset ${hex(offset)}: ${count(probes.length)} probe functions`,
        fields: probes.slice(0, LISTED).map((probe, index) => probeField(image, probe, offset, index)),
      };
    } catch (error) {
      if (!(error instanceof StartOfDayError)) throw error;
      const { title, detail, mend } = error;
      return { ...common, offered: false, summary: detail ?? title, mend: mend ?? MEND, fields: [] };
    }
  },
  plan: (image, options) => {
    probeTable(image);
    return planParavirt(image, options);
  },
};

interface ProbeTable {
  /** In the file, in bytes. */
  readonly offset: number;
  /** Linear addresses. */
  readonly probes: readonly number[];
}

/** Throws what the image lacks. */
function probeTable({ elf, name }: KernelImage): ProbeTable {
  const section = elf instanceof StartOfDayError || elf.bits === 64 ? undefined : elf.section(SECTION);
  if (section === undefined)
    throw refuse(`${name} has no section ${SECTION}`, `No section ${SECTION} in a 32-bit ELF file`);
  const { bytes, offset, size } = section;
  if (bytes.length === 0 || size % POINTER_SIZE !== 0)
    throw refuse(
      `Section ${SECTION} of ${name} is no table of functions`,
      `Section ${SECTION} at file offset ${hex(offset)} has ${hex(bytes.length)} bytes; needed: pointers of ${POINTER_SIZE} bytes, at least one`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const probes = Array.from({ length: Math.floor(bytes.length / POINTER_SIZE) }, (_, index) =>
    view.getUint32(index * POINTER_SIZE, true),
  );
  return { offset, probes };
}

function probeField({ elf }: KernelImage, probe: number, offset: number, index: number): RecognisedField {
  const loads = elf instanceof StartOfDayError ? [] : elf.loads;
  const inside = loads.some(({ address, size }) => BigInt(probe) >= address && BigInt(probe) < address + BigInt(size));
  return {
    name: `probe[${index}]`,
    offset: offset + index * POINTER_SIZE,
    value: hex(probe, 8),
    meaning: inside ? 'linear address of a probe function' : 'points outside the kernel',
    verdict: inside ? 'right' : 'wrong',
  };
}

function refuse(title: string, detail: string): StartOfDayError {
  return new StartOfDayError({ code: 'paravirt-no-probes', blame: 'user', title, detail, mend: MEND });
}
