import { hex } from '../util/hex.ts';
import { placeUnloadedSections } from './elf-section-table.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { FLAT_GDT, flatState } from './flat-state.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { relocate } from './kernel-relocation.ts';
import type { Relocated, RelocationWish } from './kernel-relocation.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { MemoryLayout, MIB } from './memory-layout.ts';
import { multiboot2Promises } from './multiboot-promises.ts';
import { INFORMATION_ADDRESS, leaveBios, MEM_LOWER, memUpper, placeLow, placeModule } from './multiboot-placement.ts';
import type { Multiboot2Header } from './multiboot2-header.ts';
import { field, findTag } from './multiboot2-kernel.ts';
import { HEADER_TAG, RELOCATABLE_TAG } from './multiboot2-layout.ts';
import type { InformationTag } from './multiboot2-structure.ts';
import {
  elfSectionsTag,
  encodeMultiboot2Information,
  INFORMATION_ALIGNMENT,
  INFORMATION_TYPE,
  memoryMapTag,
  moduleTag,
  MULTIBOOT2_BOOTLOADER_MAGIC,
  textFramebufferTag,
  textTag,
  wordsTag,
} from './multiboot2-structure.ts';
import type { LoadOptions } from './protocol.ts';

/** `preference` of the relocatable tag, by value; GRUB takes every other value for 0. */
const PREFERENCES: readonly RelocationWish['preference'][] = ['none', 'lowest', 'highest'];
/** The part of the RSDP that ACPI 1.0 defines, in bytes (ACPI 6.4, 5.2.5.3). */
const OLD_ROOT_POINTER_SIZE = 20;

/**
 * Lays out memory for a Multiboot 2 kernel: the kernel where its headers say, or where its relocatable tag allows; modules on pages of
 * their own; what of the file the kernel does not load itself; and the information structure, in conventional memory where it fits.
 * Its tags come in the order in which GRUB writes them.
 */
export function planMultiboot2(
  image: KernelImage,
  header: Multiboot2Header,
  linked: KernelPlacement,
  options: LoadOptions,
): ProtocolPlan {
  const layout = new MemoryLayout(options.memory);
  const wish = relocationWish(header);
  const relocated = wish === undefined ? undefined : relocate(linked, wish, layout.map, image.name);
  const kernel = relocated ?? linked;
  leaveBios(layout);
  layout.claim(kernel.regions);
  const modules = options.modules.map((module) => placeModule(module, layout));
  const byElf = findTag(header, HEADER_TAG.address) === undefined;
  const sections = byElf
    ? placeAnywhere((lowest) => placeUnloadedSections(elfOf(image), layout, lowest), layout)
    : undefined;
  const { rootPointer } = options;
  const tags: readonly InformationTag[] = [
    ...(relocated === undefined ? [] : [wordsTag(INFORMATION_TYPE.loadBase, relocated.loadBase)]),
    textTag(INFORMATION_TYPE.commandLine, options.cmdline),
    textTag(INFORMATION_TYPE.bootLoaderName, options.bootLoaderName),
    ...modules.map(({ start, end, cmdline }) => moduleTag(start, end, cmdline)),
    memoryMapTag(layout.map),
    ...(sections === undefined ? [] : [elfSectionsTag(sections)]),
    wordsTag(INFORMATION_TYPE.memory, MEM_LOWER, memUpper(options.memory)),
    textFramebufferTag(),
    ...(rootPointer === undefined
      ? []
      : [
          { type: INFORMATION_TYPE.oldAcpi, content: rootPointer.bytes.subarray(0, OLD_ROOT_POINTER_SIZE) },
          { type: INFORMATION_TYPE.newAcpi, content: rootPointer.bytes },
        ]),
  ];
  const information = placeInformation(layout, encodeMultiboot2Information(tags));
  const gdt = options.poison ? undefined : placeLow(layout, 'GDT', FLAT_GDT);
  return {
    regions: layout.regions,
    state: flatState({
      eip: kernel.entry,
      registers: { eax: MULTIBOOT2_BOOTLOADER_MAGIC, ebx: information },
      gdt,
    }),
    promises: multiboot2Promises(kernel.entry),
    information: { kind: 'multiboot2_info', register: 'ebx', address: information },
    physicalBias: kernel.bias,
    ...(relocated === undefined || wish === undefined ? {} : { remark: relocationRemark(relocated, wish) }),
  };
}

function relocationWish(header: Multiboot2Header): RelocationWish | undefined {
  const tag = findTag(header, HEADER_TAG.relocatable);
  if (tag === undefined) return undefined;
  const value = (name: keyof typeof RELOCATABLE_TAG): number => field(tag, RELOCATABLE_TAG[name][0]).value;
  return {
    lowest: value('min_addr'),
    highest: value('max_addr'),
    alignment: value('align'),
    preference: PREFERENCES[value('preference')] ?? 'none',
    offset: tag.offset,
  };
}

function relocationRemark({ linkBase, loadBase, entry }: Relocated, { preference }: RelocationWish): string {
  if (linkBase === loadBase)
    return `Its relocatable tag allows the address that it is linked for, ${hex(linkBase, 8)}.`;
  const chosen = preference === 'none' ? 'an' : `the ${preference}`;
  return `Loaded at physical ${hex(loadBase, 8)} instead of ${hex(linkBase, 8)}, ${chosen} address that its relocatable tag allows; entry at ${hex(entry, 8)}.`;
}

/** Behind everything else, or where there is room from 1 MiB on. */
function placeAnywhere<T>(place: (lowest: number) => T | undefined, layout: MemoryLayout): T | undefined {
  return place(layout.end) ?? place(MIB);
}

/** The structure may be anywhere (3.6.1): it goes where it is easily found, unless it is too large. */
function placeInformation(layout: MemoryLayout, bytes: Uint8Array): number {
  const place = (lowest: number): number | undefined =>
    layout.place('multiboot2_info', bytes, INFORMATION_ALIGNMENT, lowest);
  return place(INFORMATION_ADDRESS) ?? placeLow(layout, 'multiboot2_info', bytes);
}
