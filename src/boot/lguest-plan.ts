import {
  LGUEST_ABOVE_MEMORY,
  LGUEST_BOOT_INFO_COMMAND_LINE_SIZE,
  LGUEST_CONSOLE_DEVICE,
  LGUEST_INTERFACES,
  LGUEST_KERNEL_CS,
  LGUEST_KERNEL_DS,
} from '../abi/lguest.ts';
import { ACCESS } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import { alignUp, encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { elfOf, type KernelImage } from './kernel-image.ts';
import { placeElf, type KernelPlacement } from './kernel-segments.ts';
import type { LguestEvidence } from './lguest-evidence.ts';
import { encodeLguestBootInfo, encodeLguestBootParams, type LguestBoot } from './lguest-information.ts';
import { identityDirectory, linearPageTables, type PageTables } from './lguest-page-tables.ts';
import { wantsPae } from './lguest-revision.ts';
import { lguestPromises, type LguestMapping } from './lguest-promises.ts';
import { BOOT_PARAMS_SIZE } from './linux-boot-params.ts';
import { memoryMend } from './memory-layout.ts';
import type { BootInformation, EntryState, LoadedRegion, LoadOptions } from './protocol.ts';

const PAGE = 4096;
/** PAGE_OFFSET where the image does not tell. */
const USUAL_PAGE_OFFSET = 0xc0000000;
/** Where a PC has video memory and ROM: plain memory for an lguest guest, and zero as all that its launcher maps. */
const PC_HOLE = { start: 0xa0000, end: 0x100000 } as const;
/** PG, AM, WP, NE, ET, MP, PE: as Linux leaves them to its guest. TS comes with LHCALL_TS. */
const CR0 = 0x80050033;
const CR4_PSE = 1 << 4;
const EFLAGS_IF_AND_ONE = 0x202;

const FLAT =
  ACCESS.accessed |
  ACCESS.readWrite |
  ACCESS.codeOrData |
  ACCESS.present |
  ACCESS.big |
  ACCESS.granularity |
  (1 << ACCESS.dplShift);
const CODE: SegmentCache = { selector: LGUEST_KERNEL_CS, base: 0, limit: 0xffffffff, access: FLAT | ACCESS.code };
const DATA: SegmentCache = { selector: LGUEST_KERNEL_DS, base: 0, limit: 0xffffffff, access: FLAT };
const NULL: SegmentCache = { selector: 0, base: 0, limit: 0, access: 0 };
const TR: SegmentCache = { selector: 0, base: 0, limit: 0xffff, access: 0x8b00 };

/**
 * Lays out memory as lguest's launcher and host do: the kernel by its physical addresses, the boot information at 0, the initial RAM disk
 * at the end of memory, the first page tables directly below it, a page of device descriptors above.
 */
export function planLguest(image: KernelImage, evidence: LguestEvidence, options: LoadOptions): ProtocolPlan {
  const { revision } = evidence;
  if (wantsPae(image)) throw pae(image);
  const kernel = placeElf(elfOf(image));
  const bias = Number(BigInt.asUintN(32, evidence.segment.address - evidence.segment.physical));
  if (evidence.by === 'signature') checkOneBias(image, bias);
  const ramdisk = placeRamdisk(options);
  const boot = { memory: options.memory, commandLine: options.cmdline, ramdiskSize: ramdisk?.size ?? 0 };
  const { tables, mapping, placed } = firstTables(evidence, boot, bias);
  const { regions: information, described } = bootInformation(evidence, boot);
  const eip = entryOf(evidence, kernel, bias);
  const top = [...(ramdisk === undefined ? [] : [ramdisk]), ...(placed === undefined ? [] : [placed])];
  checkFits(kernel, information, top, boot.memory);
  return {
    regions: [
      {
        name: 'memory without devices',
        address: PC_HOLE.start,
        bytes: new Uint8Array(),
        size: PC_HOLE.end - PC_HOLE.start,
      },
      ...information,
      ...kernel.regions,
      ...top,
      ...aboveMemory(evidence, boot.memory, placed === undefined ? tables : undefined),
    ],
    state: entryState(eip, tables.directory),
    promises: lguestPromises(eip, evidence, mapping),
    information: described,
    physicalBias: evidence.by === 'signature' ? 0 : kernel.bias,
    hypervisor: 'lguest',
    reservedMemory: LGUEST_ABOVE_MEMORY.size,
    revision,
  };
}

function entryState(eip: number, directory: number): EntryState {
  return {
    registers: { eax: 0, ecx: 0, edx: 0, ebx: 0, esp: 0, ebp: 0, esi: 0, edi: 0 },
    eip,
    eflags: EFLAGS_IF_AND_ONE,
    segments: { es: DATA, cs: CODE, ss: DATA, ds: DATA, fs: NULL, gs: NULL, ldtr: NULL, tr: TR },
    gdtr: { base: 0, limit: 0 },
    idtr: { base: 0, limit: 0 },
    cr0: CR0,
    cr3: directory,
    cr4: CR4_PSE,
    cpl: 1,
  };
}

/** The byte behind the signature, at its linear address; or the ELF entry, at its physical one. */
function entryOf({ by, segment, offset, signatureEnd }: LguestEvidence, kernel: KernelPlacement, bias: number): number {
  if (by === 'subarch') return kernel.entry;
  return (Number(segment.physical) + (offset - segment.offset) + signatureEnd + bias) >>> 0;
}

/** The page tables of the first instruction; `placed` is where they take guest memory. */
function firstTables(
  { by, revision, copiesDirectory }: LguestEvidence,
  { memory, ramdiskSize }: LguestBoot,
  bias: number,
): { readonly tables: PageTables; readonly mapping: LguestMapping; readonly placed?: LoadedRegion } {
  if (LGUEST_INTERFACES[revision].startsLinear) {
    const limit = memory + LGUEST_ABOVE_MEMORY.devices + PAGE;
    return { tables: identityDirectory(memory + LGUEST_ABOVE_MEMORY.linearDirectory, limit), mapping: 'none yet' };
  }
  const pageOffset = bias === 0 ? USUAL_PAGE_OFFSET : bias;
  const mapping: LguestMapping =
    by === 'signature' ? 'PAGE_OFFSET' : copiesDirectory ? 'identity' : 'identity and PAGE_OFFSET';
  const bases = { PAGE_OFFSET: [pageOffset], identity: [0], 'identity and PAGE_OFFSET': [0, pageOffset] }[mapping];
  // Above PAGE_OFFSET there is room for 4 GiB less PAGE_OFFSET; the launcher of 2.6.23 maps no more than that.
  const mapped = by === 'signature' ? Math.min(memory, 2 ** 32 - pageOffset) : memory;
  const tables = linearPageTables(mapped / PAGE, bases, memory - ramdiskSize);
  const { address, bytes } = tables;
  return { tables, mapping, placed: { name: 'first page tables', address, bytes, size: bytes.length } };
}

function bootInformation(
  { revision, by, information }: LguestEvidence,
  boot: LguestBoot,
): { readonly regions: readonly LoadedRegion[]; readonly described: BootInformation } {
  if (information === 'lguest_boot_info') {
    checkCommandLine(boot.commandLine, LGUEST_BOOT_INFO_COMMAND_LINE_SIZE - 1);
    const bytes = encodeLguestBootInfo(boot);
    return {
      regions: [{ name: 'lguest_boot_info', address: 0, bytes, size: bytes.length }],
      described: { kind: 'lguest_boot_info', register: 'esi', address: 0 },
    };
  }
  const commandLine = encodeCString(boot.commandLine);
  checkCommandLine(boot.commandLine, PAGE - 1);
  const params = encodeLguestBootParams(boot, BOOT_PARAMS_SIZE, by === 'signature' ? undefined : revision);
  return {
    regions: [
      { name: 'boot_params', address: 0, bytes: params, size: params.length },
      { name: 'command line', address: BOOT_PARAMS_SIZE, bytes: commandLine, size: commandLine.length },
    ],
    described: { kind: 'boot_params', register: 'esi', address: 0 },
  };
}

/** The page of device descriptors: 2.6.23 has a console in it, later ones virtio devices, which this lguest does not have. */
function aboveMemory({ by }: LguestEvidence, memory: number, tables: PageTables | undefined): LoadedRegion[] {
  const { devices, linearDirectory, size } = LGUEST_ABOVE_MEMORY;
  const described = by === 'signature' ? LGUEST_CONSOLE_DEVICE : new Uint8Array();
  const host = tables?.bytes ?? new Uint8Array();
  return [
    { name: 'lguest devices', address: memory + devices, bytes: described, size: PAGE },
    { name: 'lguest host', address: memory + linearDirectory, bytes: host, size: size - linearDirectory },
  ];
}

/** At the end of memory, in whole pages. */
function placeRamdisk({ memory, initrd, modules }: LoadOptions): LoadedRegion | undefined {
  const [ramdisk, other] = [...(initrd === undefined ? [] : [initrd]), ...modules];
  if (other !== undefined)
    throw new StartOfDayError({
      code: 'module-not-taken',
      blame: 'user',
      title: 'lguest takes one module, the initial RAM disk',
      detail: `${ramdisk?.name ?? ''} is the initial RAM disk; nothing takes ${other.name}`,
      mend: 'Join the archives to one file: the kernel unpacks archives that follow each other.',
    });
  if (ramdisk === undefined) return undefined;
  const size = alignUp(ramdisk.bytes.length, PAGE);
  if (size >= memory)
    throw new StartOfDayError({
      code: 'module-too-large',
      blame: 'user',
      title: `${ramdisk.name} does not fit in ${binarySize(memory)}`,
      detail: `It has ${count(ramdisk.bytes.length)} bytes`,
      mend: memoryMend(size * 2),
    });
  return { name: `initial RAM disk ${ramdisk.name}`, address: memory - size, bytes: ramdisk.bytes, size };
}

/** The kernel lies between the boot information and what the launcher put at the end of memory. */
function checkFits(
  kernel: KernelPlacement,
  information: readonly LoadedRegion[],
  top: readonly LoadedRegion[],
  memory: number,
): void {
  const lowest = Math.max(...information.map(({ address, size }) => address + size));
  const highest = Math.min(memory, ...top.map(({ address }) => address));
  for (const { name, address, size } of kernel.regions) {
    const range = `${name} covers physical ${hex(address, 8)} … ${hex(address + size - 1, 8)}`;
    if (address < lowest)
      throw new StartOfDayError({
        code: 'image-no-memory',
        blame: 'user',
        title: `${name} lies where lguest puts the boot information`,
        detail: `${range}; the boot information and the command line end at ${hex(lowest, 8)}`,
        mend: 'Link the kernel at 1 MiB or above.',
      });
    if (address + size > highest)
      throw new StartOfDayError({
        code: 'image-too-large',
        blame: 'user',
        title: `The kernel does not fit in ${binarySize(memory)}`,
        detail: `${range}; the first page tables and the initial RAM disk begin at ${hex(Math.max(0, highest), 8)}`,
        mend: memoryMend(address + size + (memory - highest)),
      });
  }
}

/** The launcher of 2.6.23 knows one PAGE_OFFSET: "Page offset of section %i different". */
function checkOneBias(image: KernelImage, bias: number): void {
  for (const { index, address, physical } of elfOf(image).loads) {
    const own = Number(BigInt.asUintN(32, address - physical));
    if (own === bias) continue;
    throw new StartOfDayError({
      code: 'lguest-page-offset',
      blame: 'user',
      title: `PT_LOAD ${index} of ${image.name} has a page offset of its own`,
      detail: `p_vaddr less p_paddr is ${hex(own, 8)} there and ${hex(bias, 8)} where "GenuineLguest" is; the launcher of 2.6.23 wants one for all`,
      mend: 'Give every segment the same distance between linked and load address with AT() in the linker script.',
    });
  }
}

function checkCommandLine(text: string, longest: number): void {
  const length = encodeCString(text).length - 1;
  if (length <= longest) return;
  throw new StartOfDayError({
    code: 'command-line-too-long',
    blame: 'user',
    title: 'The command line is too long for lguest',
    detail: `It has ${count(length)} bytes; there is room for ${count(longest)}`,
    mend: 'Shorten "cmdline".',
  });
}

function pae(image: KernelImage): StartOfDayError {
  return new StartOfDayError({
    code: 'lguest-pae',
    blame: 'user',
    title: `${image.name} is an lguest kernel with PAE`,
    detail:
      'Its symbol table has lguest_pmd_clear; lguest wants guest and host alike, and this one has page tables of two levels',
    mend: 'Build the kernel without CONFIG_X86_PAE (CONFIG_HIGHMEM4G or CONFIG_NOHIGHMEM).',
  });
}
