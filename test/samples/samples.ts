import { join } from 'node:path';

export const SAMPLES = join(import.meta.dirname, '..', '..', 'samples');
export const SAMPLE_NAMES = ['multiboot', 'paravirt', 'triple-fault', 'keyboard', 'hypervisor'] as const;
export type SampleName = (typeof SAMPLE_NAMES)[number];

/** Path of the committed kernel. */
export function samplePath(name: SampleName): string {
  return join(SAMPLES, name, `${name}.elf`);
}
