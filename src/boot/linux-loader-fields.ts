import { protocolVersion } from '../image/setup-header.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { memoryMend } from './memory-layout.ts';
import type { MemoryLayout } from './memory-layout.ts';
import type { LoadOptions, ModuleFile } from './protocol.ts';

/** What every loader of Linux tells the kernel, by whichever entry. */

const PAGE = 4096;
const VERSION_SUBARCH = 0x207;

/** Bytes at a physical address. */
export interface Placed {
  readonly address: number;
  readonly size: number;
}

/**
 * Places the initial RAM disk as high as memory and initrd_addr_max allow: "it may otherwise get overwritten by the early kernel
 * initialization" (boot.rst). Throws `module-not-taken` and `module-too-large`.
 */
export function placeRamdisk(layout: MemoryLayout, initrdMax: number, options: LoadOptions): Placed | undefined {
  const ramdisk = ramdiskOf(options);
  if (ramdisk === undefined) return undefined;
  const { name, bytes } = ramdisk;
  const end = Math.min(layout.memory, initrdMax + 1);
  const address = layout.placeHigh(`initial RAM disk ${name}`, bytes, PAGE, end);
  if (address !== undefined) return { address, size: bytes.length };
  throw new StartOfDayError({
    code: 'module-too-large',
    blame: 'user',
    title: `${name} does not fit in ${binarySize(layout.memory)}`,
    detail: `It has ${count(bytes.length)} bytes; memory behind the kernel is ${hex(layout.end, 8)} … ${hex(layout.memory - 1, 8)}, and initrd_addr_max is ${hex(initrdMax, 8)}`,
    mend: memoryMend(layout.end + bytes.length + PAGE),
  });
}

/** Without an initrd, a module is taken for one; no other is. */
function ramdiskOf({ initrd, modules }: LoadOptions): Pick<ModuleFile, 'name' | 'bytes'> | undefined {
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

/** `hardware_subarch` for a kernel of a version of the boot protocol. Throws `hardware-subarch`. */
export function hardwareSubarch(version: number, { hardwareSubarch = 0 }: LoadOptions): number {
  if (hardwareSubarch === 0 || (version >= VERSION_SUBARCH && hardwareSubarch <= 0xffffffff)) return hardwareSubarch;
  throw new StartOfDayError({
    code: 'hardware-subarch',
    blame: 'user',
    title: 'This kernel cannot be told a hardware_subarch',
    detail:
      version < VERSION_SUBARCH
        ? `version at file offset 0x206 is ${protocolVersion(version)}; hardware_subarch came with 2.07`
        : `"hardwareSubarch" is ${hardwareSubarch}; the field at 0x23c has 32 bits`,
    mend: 'Remove "hardwareSubarch" from the launch configuration.',
  });
}
