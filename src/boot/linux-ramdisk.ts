import { StartOfDayError } from '../util/errors.ts';
import type { LoadOptions, ModuleFile } from './protocol.ts';

/** The initial RAM disk of a Linux kernel: without an initrd, a module is taken for one; no other is. Throws `module-not-taken`. */
export function ramdiskOf({ initrd, modules }: LoadOptions): Pick<ModuleFile, 'name' | 'bytes'> | undefined {
  const [ramdisk, other] = [...(initrd === undefined ? [] : [initrd]), ...modules];
  if (other !== undefined)
    throw new StartOfDayError({
      code: 'module-not-taken',
      blame: 'user',
      title: 'Linux takes one module, its initial RAM disk',
      detail: `${ramdisk?.name ?? ''} is the initial RAM disk; nothing takes ${other.name}`,
      mend: 'Join the archives to one file: the kernel unpacks archives that follow each other.',
    });
  return ramdisk;
}
