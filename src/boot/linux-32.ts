import { ACPI_ROOT_POINTER } from '../machine/firmware/acpi-tables.ts';
import { protocolVersion, SetupHeader } from '../image/setup-header.ts';
import { encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import type { KernelImage } from './kernel-image.ts';
import { linux32Promises, linux32State } from './linux-32-state.ts';
import { BOOT_PARAMS_SIZE, encodeBootParams, encodeMoreMap } from './linux-boot-params.ts';
import { placeLinux } from './linux-kernel.ts';
import type { LinuxKernel } from './linux-kernel.ts';
import { hardwareSubarch, placeRamdisk } from './linux-loader-fields.ts';
import { MemoryLayout, MIB } from './memory-layout.ts';
import type { LoadOptions } from './protocol.ts';

const PAGE = 4096;
/** Below are the BIOS data and what firmware uses. */
const LOWEST = 0x10000;
/** Kernels before 2.02 want the zero page and the command line here, in one segment of 64 KiB. */
const OLD_BOOT_PARAMS = 0x90000;
const VERSION_COMMAND_LINE = 0x202;
/** Null, null, flat code, flat data. */
const BOOT_GDT = new Uint8Array(new BigUint64Array([0n, 0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn]).buffer);

/**
 * Lays out memory for the 32-bit boot protocol (Linux Documentation/arch/x86/boot.rst): the kernel where its header or its program
 * headers say, the initial RAM disk as high as the kernel allows, and below 640 KiB the zero page, the command line and a GDT.
 */
export function planLinux32(image: KernelImage, options: LoadOptions): ProtocolPlan {
  if (typeof image.setup === 'string' && image.elf instanceof StartOfDayError) throw notOffered(image, image.setup);
  const kernel = placeLinux(image);
  const layout = new MemoryLayout(options.memory);
  layout.claim(kernel.regions);
  const bootParams = placeBootParams(layout, kernel, options);
  const gdt = placeLow(layout, 'GDT', BOOT_GDT, 8);
  return {
    regions: layout.regions,
    state: linux32State(kernel.entry, bootParams, { base: gdt, limit: BOOT_GDT.length - 1 }, options.poison),
    promises: linux32Promises(kernel.entry, image.setup instanceof SetupHeader),
    information: { kind: 'boot_params', register: 'esi', address: bootParams },
    physicalBias: kernel.bias,
  };
}

/** Puts the zero page and what it points to into memory; its physical address. */
export function placeBootParams(layout: MemoryLayout, kernel: LinuxKernel, options: LoadOptions): number {
  const zeroPage = new Uint8Array(BOOT_PARAMS_SIZE);
  const old = kernel.version < VERSION_COMMAND_LINE;
  const address = old ? placeOld(layout, zeroPage) : placeLow(layout, 'boot_params', zeroPage, PAGE);
  const commandLine = placeCommandLine(layout, kernel, options.cmdline, old ? address : LOWEST);
  const moreMap = encodeMoreMap(layout.map);
  zeroPage.set(
    encodeBootParams({
      version: kernel.version,
      setupHeader: kernel.header,
      map: layout.map,
      memory: layout.memory,
      address,
      code32Start: kernel.entry,
      commandLine,
      rootPointer: ACPI_ROOT_POINTER,
      ramdisk: placeRamdisk(layout, kernel.initrdMax, options),
      setupData: moreMap === undefined ? 0 : placeLow(layout, 'setup_data SETUP_E820_EXT', moreMap, 16),
      hardwareSubarch: hardwareSubarch(kernel.version, options),
    }),
  );
  return address;
}

function placeOld(layout: MemoryLayout, zeroPage: Uint8Array): number {
  layout.claim([{ name: 'boot_params', address: OLD_BOOT_PARAMS, bytes: zeroPage, size: zeroPage.length }]);
  return OLD_BOOT_PARAMS;
}

function placeCommandLine(
  layout: MemoryLayout,
  { commandLineSize, version }: LinuxKernel,
  text: string,
  lowest: number,
): number {
  const bytes = encodeCString(text);
  if (bytes.length - 1 <= commandLineSize) return placeLow(layout, 'command line', bytes, 1, lowest);
  throw new StartOfDayError({
    code: 'command-line-too-long',
    blame: 'user',
    title: 'The command line is too long for this kernel',
    detail: `It has ${count(bytes.length - 1)} bytes; ${version < 0x206 ? `boot protocol ${protocolVersion(version)}` : 'cmdline_size at file offset 0x238'} allows ${count(commandLineSize)}`,
    mend: 'Shorten "cmdline".',
  });
}

function placeLow(layout: MemoryLayout, name: string, bytes: Uint8Array, alignment: number, lowest = LOWEST): number {
  const address = layout.place(name, bytes, alignment, lowest);
  if (address !== undefined && address < MIB) return address;
  throw new StartOfDayError({
    code: 'information-too-large',
    blame: 'user',
    title: 'The boot information does not fit below 640 KiB',
    detail: `The ${name} needs ${count(bytes.length)} bytes in physical ${hex(lowest)} … 0x9fbff, beside the kernel and what was placed before`,
    mend: 'Shorten the command line.',
  });
}

function notOffered({ name }: KernelImage, missing: string): StartOfDayError {
  return new StartOfDayError({
    code: 'entry-not-offered',
    blame: 'user',
    title: `${name} does not offer linux32`,
    detail: `${missing}, and it is no ELF file`,
    mend: 'Give the bzImage or the vmlinux that the Linux build leaves.',
  });
}
