import { encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { placeSectionTable } from './elf-section-table.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { FLAT_GDT, flatState } from './flat-state.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { memoryMend, MemoryLayout, MIB } from './memory-layout.ts';
import type { MultibootHeader } from './multiboot-header.ts';
import { HEADER_FLAG } from './multiboot-header.ts';
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
import type { LoadOptions, ModuleFile } from './protocol.ts';

const PAGE = 4096;
/** Where the information structure goes when the kernel leaves it free: where QEMU has it, too. */
const INFORMATION_ADDRESS = 0x9500;
/** INT 12h on a PC with an extended BIOS data area of 1 KiB. */
const MEM_LOWER = 639;
/** 80 by 25 characters of two bytes at the colour text memory (3.3, framebuffer_type 2). */
const EGA_TEXT = {
  framebuffer_addr: 0xb8000,
  framebuffer_pitch: 160,
  framebuffer_width: 80,
  framebuffer_height: 25,
  framebuffer_bpp: 16,
  framebuffer_type: 2,
} as const;

interface PlacedModule {
  readonly start: number;
  readonly end: number;
  readonly cmdline: string;
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
  kernel: KernelPlacement,
  options: LoadOptions,
): ProtocolPlan {
  const layout = new MemoryLayout(options.memory);
  layout.claim(kernel.regions);
  const modules = options.modules.map((module) => placeModule(module, layout));
  const symbols = header.addresses === undefined ? placeSectionTable(elfOf(image), layout, layout.end) : undefined;
  const information = placeInformation(header, options, { modules, symbols, layout });
  const gdt = options.poison ? undefined : placeLow(layout, 'GDT', FLAT_GDT);
  return {
    regions: layout.regions,
    state: flatState({ eip: kernel.entry, registers: { eax: MULTIBOOT_BOOTLOADER_MAGIC, ebx: information }, gdt }),
    promises: multibootPromises(kernel.entry),
    information: { kind: 'multiboot_info', register: 'ebx', address: information },
    physicalBias: kernel.bias,
  };
}

function placeModule(module: ModuleFile, layout: MemoryLayout): PlacedModule {
  const kernelEnd = layout.end;
  const start = layout.place(`module ${module.name}`, module.bytes, PAGE, kernelEnd);
  if (start !== undefined) return { start, end: start + module.bytes.length, cmdline: module.cmdline };
  throw new StartOfDayError({
    code: 'module-too-large',
    blame: 'user',
    title: `${module.name} does not fit in ${binarySize(layout.memory)}`,
    detail: `The module has ${count(module.bytes.length)} bytes; memory behind the kernel and the modules before it is ${hex(kernelEnd, 8)} … ${hex(layout.memory - 1, 8)}`,
    mend: memoryMend(kernelEnd + module.bytes.length + PAGE),
  });
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
    mem_upper: Math.floor((options.memory - MIB) / 1024),
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

function placeLow(layout: MemoryLayout, name: string, bytes: Uint8Array, alignment = 8): number {
  const address = layout.place(name, bytes, alignment, INFORMATION_ADDRESS);
  if (address !== undefined && address < MIB) return address;
  throw new StartOfDayError({
    code: 'information-too-large',
    blame: 'user',
    title: 'The boot information does not fit below 640 KiB',
    detail: `The ${name} needs ${count(bytes.length)} bytes in physical ${hex(INFORMATION_ADDRESS)} … 0x9fbff, beside the kernel and what was placed before`,
    mend: 'Shorten the command lines, or link the kernel at 1 MiB or above.',
  });
}
