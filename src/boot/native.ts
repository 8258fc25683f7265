import { hasElfMagic } from '../image/elf-header.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { EntryProtocol } from './entry-protocol.ts';
import { FLAT_GDT, flatState } from './flat-state.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeElf } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { MemoryLayout } from './memory-layout.ts';
import type { EntryPromise } from './protocol.ts';

const LABEL = 'Native';
const LOW_MEMORY = 0x1000;
const ELF64 = 'native-elf64';

/** No protocol: 32-bit protected mode at an address, with nothing promised in registers. */
export const native: EntryProtocol = {
  entry: 'native',
  label: LABEL,
  recognise: (image) => {
    const common = { entry: 'native', label: LABEL, fields: [] } as const;
    try {
      const { entry } = place(image, undefined);
      return {
        ...common,
        offered: true,
        evidence: 'a 32-bit x86 ELF header',
        summary: `32-bit x86 ELF, entry at physical ${hex(entry, 8)}`,
      };
    } catch (error) {
      if (!(error instanceof StartOfDayError)) throw error;
      const { code, blame, title, detail } = error;
      const damaged = hasElfMagic(image.bytes) && code !== ELF64;
      const problem = damaged ? { code, blame, title, detail, mend: error.mend } : undefined;
      const mend = damaged
        ? error.mend
        : 'Give a 32-bit ELF file, or "entry": "native" with "entryAddress" for a raw image.';
      return { ...common, offered: false, problem, summary: detail ?? title, mend };
    }
  },
  plan: (image, options) => {
    const kernel = place(image, options.entryAddress);
    const layout = new MemoryLayout(options.memory);
    layout.claim(kernel.regions);
    const gdt = options.poison ? undefined : layout.place('GDT', FLAT_GDT, 8, LOW_MEMORY);
    return {
      regions: layout.regions,
      state: flatState({ eip: kernel.entry, registers: {}, gdt }),
      promises: PROMISES,
      information: undefined,
      physicalBias: kernel.bias,
    };
  },
};

const NOT_PROMISED = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI', 'GDTR', 'IDTR'];
const PROMISES: readonly EntryPromise[] = NOT_PROMISED.map((item) => ({
  item,
  promise: undefined,
  source: 'no entry protocol',
}));

/** An ELF file by its program headers; anything else lies at the entry address and starts with its first byte. */
function place(image: KernelImage, entryAddress: number | undefined): KernelPlacement {
  const raw = image.elf instanceof StartOfDayError && image.elf.code === 'not-elf';
  if (raw && entryAddress !== undefined) {
    const region = { name: 'raw image', address: entryAddress, bytes: image.bytes, size: image.bytes.length };
    return { regions: [region], entry: entryAddress, bias: 0, source: 'entry address' };
  }
  const elf = elfOf(image);
  if (elf.bits === 64)
    throw new StartOfDayError({
      code: ELF64,
      blame: 'user',
      title: `${image.name} is a 64-bit ELF file, and a native kernel is entered in 32-bit mode`,
      detail: 'e_ident[EI_CLASS] at file offset 0x4 is 2; needed: 1 (32-bit)',
      mend: 'Convert it with objcopy -O elf32-i386.',
    });
  const kernel = placeElf(elf);
  return entryAddress === undefined ? kernel : { ...kernel, entry: entryAddress };
}
