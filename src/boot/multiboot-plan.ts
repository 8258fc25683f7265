import { hex } from '../util/hex.ts';
import { encodeCString } from '../util/bytes.ts';
import { placeSectionTable } from './elf-section-table.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { FLAT_GDT, flatState } from './flat-state.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { MemoryLayout } from './memory-layout.ts';
import type { MultibootHeader } from './multiboot-header.ts';
import { HEADER_FLAG } from './multiboot-header.ts';
import { leaveBios, MEM_LOWER, memUpper, placeLow, placeModule } from './multiboot-placement.ts';
import type { PlacedModule } from './multiboot-placement.ts';
import { multibootPromises } from './multiboot-promises.ts';
import type { ElfSymbolTable, InformationValues } from './multiboot-structure.ts';
import {
  encodeInformation,
  encodeMemoryMap,
  encodeModules,
  INFORMATION_SIZE,
  informationFlags,
  MULTIBOOT_BOOTLOADER_MAGIC,
} from './multiboot-structure.ts';
import type { LoadOptions } from './protocol.ts';

/** 80 by 25 characters of two bytes at the colour text memory (3.3, framebuffer_type 2). */
const EGA_TEXT = {
  framebuffer_addr: 0xb8000,
  framebuffer_pitch: 160,
  framebuffer_width: 80,
  framebuffer_height: 25,
  framebuffer_bpp: 16,
  framebuffer_type: 2,
} as const;

/** Where a kernel is entered and with which magic number. */
interface MultibootEntry {
  readonly kernel: KernelPlacement;
  /** EAX instead of the specified value: the boot by a hypervisor of the proposal of 2006. */
  readonly magic?: number;
  /** File offset of the paravirt header that names the entry. */
  readonly header?: number | undefined;
}

/**
 * Lays out memory for a Multiboot kernel: the kernel where its headers say; modules on pages of their own behind it, whether or not
 * flags bit 0 asks; behind them the section headers with what of the file the kernel does not load itself. The information structure and
 * what it points to go into conventional memory. The command line is exactly what the user gave, "" when nothing was given: a
 * general loader leaves it to the user "independently of other factors like image name" (3.3). There is no boot device, because nothing
 * was read from a disk.
 */
export function planMultiboot(
  image: KernelImage,
  header: MultibootHeader,
  { kernel, magic, header: paravirtHeader }: MultibootEntry,
  options: LoadOptions,
): ProtocolPlan {
  const layout = new MemoryLayout(options.memory);
  leaveBios(layout);
  layout.claim(kernel.regions);
  const modules = options.modules.map((module) => placeModule(module, layout));
  const symbols = header.addresses === undefined ? placeSectionTable(elfOf(image), layout, layout.end) : undefined;
  const information = placeInformation(header, options, { modules, symbols, layout });
  const gdt = options.poison ? undefined : placeLow(layout, 'GDT', FLAT_GDT);
  return {
    regions: layout.regions,
    state: flatState({
      eip: kernel.entry,
      registers: { eax: magic ?? MULTIBOOT_BOOTLOADER_MAGIC, ebx: information },
      gdt,
    }),
    promises: multibootPromises(kernel.entry, magic),
    information: { kind: 'multiboot_info', register: 'ebx', address: information },
    physicalBias: kernel.bias,
    ...(magic === undefined ? {} : { remark: paravirtRemark(magic, paravirtHeader) }),
  };
}

function paravirtRemark(magic: number, header: number | undefined): string {
  const entry =
    header === undefined
      ? 'it has no paravirt header, so its own entry is used'
      : `entered by the paravirt header at file offset ${hex(header)}`;
  return `EAX is ${hex(magic, 8)} as "paravirtMagic" asks; ${entry}.`;
}

/** Writes the information structure and what it points to; its physical address. */
function placeInformation(
  header: MultibootHeader,
  options: LoadOptions,
  given: {
    readonly modules: readonly PlacedModule[];
    readonly symbols: ElfSymbolTable | undefined;
    readonly layout: MemoryLayout;
  },
): number {
  const { modules, symbols, layout } = given;
  const structure = new Uint8Array(INFORMATION_SIZE);
  const address = placeLow(layout, 'multiboot_info', structure);
  const string = (name: string, text: string): number => placeLow(layout, name, encodeCString(text), 1);
  const map = encodeMemoryMap(layout.map);
  const video = (header.flags & HEADER_FLAG.videoMode) !== 0;
  const values: InformationValues = {
    flags:
      informationFlags('MEMORY', 'CMDLINE', 'MODS', 'MMAP', 'LOADER_NAME') |
      (symbols === undefined ? 0 : informationFlags('ELF_SHDR')) |
      (video ? informationFlags('FRAMEBUFFER_INFO') : 0),
    mem_lower: MEM_LOWER,
    mem_upper: memUpper(options.memory),
    mmap_length: map.length,
    mmap_addr: placeLow(layout, 'memory map', map),
    mods_count: modules.length,
    mods_addr: modules.length === 0 ? 0 : placeModuleList(layout, modules, string),
    cmdline: string('command line', options.cmdline),
    boot_loader_name: string('boot loader name', options.bootLoaderName),
    syms: symbols,
    ...(video ? EGA_TEXT : {}),
  };
  structure.set(encodeInformation(values));
  return address;
}

function placeModuleList(
  layout: MemoryLayout,
  modules: readonly PlacedModule[],
  string: (name: string, text: string) => number,
): number {
  const list = encodeModules(
    modules.map(({ start, end, cmdline }) => ({ start, end, string: string('module command line', cmdline) })),
  );
  return placeLow(layout, 'module list', list);
}
