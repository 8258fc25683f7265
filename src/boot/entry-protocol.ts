import type { KernelImage } from './kernel-image.ts';
import type { EntryName, LoadOptions, LoadPlan, Recognition } from './protocol.ts';

/** A plan before somebody says why this entry was chosen. */
export interface ProtocolPlan extends Omit<LoadPlan, 'entry' | 'label' | 'chosen'> {
  /** What the user should know of the plan, a sentence: "Loaded at physical 0x07c00000 instead of 0x00200000." */
  readonly remark?: string;
}

/** One way into a kernel. */
export interface EntryProtocol {
  readonly entry: EntryName;
  /** "Multiboot 1". */
  readonly label: string;
  /** Hands an initial RAM disk to the kernel. */
  readonly takesInitrd?: true;
  /** Never throws: what is wrong with the image is part of the answer. */
  recognise(image: KernelImage): Recognition;
  /** Why this machine cannot run the image when it is entered so: "the machine has no long mode". */
  readonly blocked?: (image: KernelImage) => string | undefined;
  /** A bzImage offers it through the vmlinux inside, to those who ask for it by name. */
  readonly throughPayload?: true;
  /** Throws StartOfDayError with what the image or the options lack. Absent: recognised, but this version cannot enter by it. */
  readonly plan?: (image: KernelImage, options: LoadOptions) => ProtocolPlan;
}
