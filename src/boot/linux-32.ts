import { encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { flatState } from './flat-state.ts';
import type { KernelImage } from './kernel-image.ts';
import { BOOT_PARAMS_SIZE, encodeBootParams, SETUP_HEADER, SETUP_HEADER_JUMP } from './linux-boot-params.ts';
import { ramdiskOf } from './linux-ramdisk.ts';
import { memoryMend, MemoryLayout, MIB } from './memory-layout.ts';
import type { EntryPromise, EntryState, LoadOptions } from './protocol.ts';

/** Fields of the setup header that the 32-bit entry needs (Linux Documentation/arch/x86/boot.rst), by file offset. */
const LAYOUT = {
  setup_sects: [0x1f1, 'u8'],
  version: [0x206, 'u16'],
  loadflags: [0x211, 'u8'],
  code32_start: [0x214, 'u32'],
} as const;
const CMDLINE_SIZE = 0x238;
const INIT_SIZE = 0x260;
const SECTOR = 512;
const PAGE = 4096;
const LOADED_HIGH = 1;
/** Where a kernel without LOADED_HIGH goes. */
const LOW_KERNEL = 0x10000;
/** Setup sectors where the field is 0. */
const DEFAULT_SETUP_SECTORS = 4;
/** Longest command line before 2.06, without its end. */
const OLD_COMMAND_LINE = 255;
const BOOT_CS = 0x10;
const BOOT_DS = 0x18;
/** Null, null, flat code, flat data. */
const BOOT_GDT = new Uint8Array(new BigUint64Array([0n, 0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn]).buffer);
const LOWEST = 0x10000;

/** What the 32-bit entry needs to know of the file. */
interface SetupHeader {
  /** File offset of the protected-mode code. */
  readonly codeOffset: number;
  /** Physical address it goes to and starts at. */
  readonly loadAddress: number;
  /** Bytes of memory that it needs from there on; 0 where the header does not say. */
  readonly initSize: number;
  /** Longest command line, without its end. */
  readonly commandLineSize: number;
}

function readSetupHeader({ reader }: KernelImage): SetupHeader {
  const { setup_sects, version, loadflags, code32_start } = reader.fields(LAYOUT, 0, 'the setup header');
  const since = (needed: number, offset: number, name: string): number | undefined =>
    version >= needed && reader.has(offset, 4) ? reader.u32(offset, name) : undefined;
  return {
    codeOffset: ((setup_sects === 0 ? DEFAULT_SETUP_SECTORS : setup_sects) + 1) * SECTOR,
    loadAddress: (loadflags & LOADED_HIGH) === 0 ? LOW_KERNEL : code32_start,
    initSize: since(0x20a, INIT_SIZE, 'init_size') ?? 0,
    commandLineSize: since(0x206, CMDLINE_SIZE, 'cmdline_size') ?? OLD_COMMAND_LINE,
  };
}

/**
 * Lays out memory for the 32-bit boot protocol: the protected-mode code where its header says, the first module behind it as the initial
 * RAM disk, and below 640 KiB the zero page, the command line and a GDT.
 */
export function planLinux32(image: KernelImage, options: LoadOptions): ProtocolPlan {
  const setup = readSetupHeader(image);
  const code = image.bytes.subarray(setup.codeOffset);
  if (code.length === 0) throw noCode(image, setup.codeOffset);
  const layout = new MemoryLayout(options.memory);
  const kernelSize = Math.max(code.length, setup.initSize);
  layout.claim([{ name: 'protected-mode kernel', address: setup.loadAddress, bytes: code, size: kernelSize }]);
  const zeroPage = new Uint8Array(BOOT_PARAMS_SIZE);
  const address = placeLow(layout, 'boot_params', zeroPage, PAGE);
  zeroPage.set(
    encodeBootParams({
      setupHeader: image.bytes.subarray(SETUP_HEADER, 0x202 + (image.bytes[SETUP_HEADER_JUMP] ?? 0)),
      map: layout.map,
      code32Start: setup.loadAddress,
      commandLine: placeCommandLine(layout, options.cmdline, setup.commandLineSize),
      ramdisk: placeRamdisk(layout, options),
    }),
  );
  const gdt = placeLow(layout, 'GDT', BOOT_GDT, 8);
  return {
    regions: layout.regions,
    state: entryState(setup.loadAddress, address, gdt, options.poison),
    promises: linux32Promises(setup.loadAddress),
    information: undefined,
    physicalBias: 0,
  };
}

function entryState(eip: number, bootParams: number, gdt: number, poison: boolean): EntryState {
  const registers = { esi: bootParams, ebx: 0, ebp: 0, edi: 0 };
  const flat = flatState({ eip, registers, gdt: poison ? undefined : gdt });
  const data = { ...flat.segments.ds, selector: BOOT_DS };
  return {
    ...flat,
    gdtr: { base: gdt, limit: BOOT_GDT.length - 1 },
    segments: {
      ...flat.segments,
      cs: { ...flat.segments.cs, selector: BOOT_CS },
      ...{ ds: data, es: data, ss: data, fs: data, gs: data },
    },
  };
}

/** What boot.rst says of each item, in "32-bit Boot Protocol"; undefined where it promises nothing. */
function linux32Promises(entry: number): readonly EntryPromise[] {
  const data = '__BOOT_DS, 0x18: flat 4 GiB read/write data';
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EIP', `start of the protected-mode code, ${hex(entry, 8)}`],
    ['ESI', 'physical address of boot_params'],
    ['EBX', '0'],
    ['EBP', '0'],
    ['EDI', '0'],
    ['CS', '__BOOT_CS, 0x10: flat 4 GiB execute/read code'],
    ['DS', data],
    ['ES', data],
    ['SS', data],
    ['GDTR', 'a table with __BOOT_CS and __BOOT_DS'],
    ['CR0.PE', '1'],
    ['CR0.PG', '0'],
    ['EFLAGS.IF', '0'],
    ['FS', undefined],
    ['GS', undefined],
    ['EFLAGS.DF', undefined],
    ['ESP', undefined],
    ['IDTR', undefined],
    ['EAX', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
  ];
  return table.map(([item, promise]) => ({ item, promise, source: 'Linux boot.rst, 32-bit Boot Protocol' }));
}

function placeCommandLine(layout: MemoryLayout, text: string, longest: number): number {
  const bytes = encodeCString(text);
  if (bytes.length - 1 <= longest) return placeLow(layout, 'command line', bytes, 1);
  throw new StartOfDayError({
    code: 'command-line-too-long',
    blame: 'user',
    title: 'The command line is too long for this kernel',
    detail: `It has ${count(bytes.length - 1)} bytes; cmdline_size at file offset ${hex(CMDLINE_SIZE)} allows ${count(longest)}`,
    mend: 'Shorten "cmdline".',
  });
}

function placeRamdisk(
  layout: MemoryLayout,
  options: LoadOptions,
): { readonly address: number; readonly size: number } | undefined {
  const ramdisk = ramdiskOf(options);
  if (ramdisk === undefined) return undefined;
  const address = layout.place(`initial RAM disk ${ramdisk.name}`, ramdisk.bytes, PAGE, layout.end);
  if (address !== undefined) return { address, size: ramdisk.bytes.length };
  throw new StartOfDayError({
    code: 'module-too-large',
    blame: 'user',
    title: `${ramdisk.name} does not fit in ${binarySize(layout.memory)}`,
    detail: `It has ${count(ramdisk.bytes.length)} bytes; memory behind the kernel is ${hex(layout.end, 8)} … ${hex(layout.memory - 1, 8)}`,
    mend: memoryMend(layout.end + ramdisk.bytes.length + PAGE),
  });
}

function placeLow(layout: MemoryLayout, name: string, bytes: Uint8Array, alignment: number): number {
  const address = layout.place(name, bytes, alignment, LOWEST);
  if (address !== undefined && address < MIB) return address;
  throw new StartOfDayError({
    code: 'information-too-large',
    blame: 'user',
    title: 'The boot information does not fit below 640 KiB',
    detail: `The ${name} needs ${count(bytes.length)} bytes in physical ${hex(LOWEST)} … 0x9fbff, beside the kernel and what was placed before`,
    mend: 'Shorten the command line.',
  });
}

function noCode(image: KernelImage, offset: number): StartOfDayError {
  return new StartOfDayError({
    code: 'linux-no-code',
    blame: 'user',
    title: `${image.name} has no protected-mode code`,
    detail: `setup_sects at file offset 0x1f1 puts it at file offset ${hex(offset)}; the file has ${count(image.bytes.length)} bytes`,
    mend: 'Give the whole bzImage.',
  });
}
