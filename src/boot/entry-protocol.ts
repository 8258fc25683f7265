import type { KernelImage } from './kernel-image.ts';
import type { EntryName, LoadOptions, LoadPlan, Recognition } from './protocol.ts';

/** A plan before somebody says why this entry was chosen. */
export type ProtocolPlan = Omit<LoadPlan, 'entry' | 'label' | 'chosen'>;

/** One way into a kernel. */
export interface EntryProtocol {
  readonly entry: EntryName;
  /** "Multiboot 1". */
  readonly label: string;
  /** Hands an initial RAM disk to the kernel. */
  readonly takesInitrd?: true;
  /** Never throws: what is wrong with the image is part of the answer. */
  recognise(image: KernelImage): Recognition;
  /** Throws StartOfDayError with what the image or the options lack. Absent: recognised, but this version cannot enter by it. */
  readonly plan?: (image: KernelImage, options: LoadOptions) => ProtocolPlan;
}
