import type { EntryProtocol } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { recogniseDeep } from './inner-kernel.ts';
import { lguest } from './lguest.ts';
import { linux16, linux32, linux64 } from './linux.ts';
import { multiboot } from './multiboot.ts';
import { multiboot2 } from './multiboot2.ts';
import { native } from './native.ts';
import { paravirt } from './paravirt.ts';
import type { Recognition } from './protocol.ts';
import { pvh } from './pvh.ts';
import { xenPv } from './xen-pv.ts';

/** Every entry protocol, in the order of `ENTRY_NAMES`. */
export const ENTRY_PROTOCOLS: readonly EntryProtocol[] = [
  multiboot,
  multiboot2,
  linux16,
  linux32,
  linux64,
  pvh,
  xenPv,
  lguest,
  paravirt,
  native,
];

/** What each protocol finds in the file, and in the vmlinux inside a bzImage, which takes seconds to unpack. */
export function recogniseAll(image: KernelImage): readonly Recognition[] {
  return ENTRY_PROTOCOLS.map((protocol) => recogniseDeep(protocol, image));
}
