import type { ElfFile } from '../image/elf.ts';
import { HEADER_MAGIC, BOOT_FLAG, SETUP_FIELDS, SETUP_HEADER, SetupHeader } from '../image/setup-header.ts';
import type { SetupFieldName } from '../image/setup-header.ts';
import { alignUp, indexOfBytes } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import { elfOf } from './kernel-image.ts';
import type { KernelImage } from './kernel-image.ts';
import { placeElf } from './kernel-segments.ts';
import type { LoadedRegion } from './protocol.ts';

/** A Linux kernel as it will lie in memory, and what its setup header asks of a loader. */
export interface LinuxKernel {
  readonly regions: readonly LoadedRegion[];
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** Linked minus physical address; 0 for a bzImage, whose own code runs anywhere. */
  readonly bias: number;
  /** Of the boot protocol: 0x020c for 2.12. */
  readonly version: number;
  /** The setup header, to be copied to offset 0x1f1 of boot_params. */
  readonly header: Uint8Array;
  /** Longest command line, without its end. */
  readonly commandLineSize: number;
  /** Highest physical address that the initial RAM disk may have. */
  readonly initrdMax: number;
}

const LOADED_HIGH = 1;
/** Where boot.rst, "Loading The Rest of The Kernel", has a kernel go with and without LOADED_HIGH. */
const HIGH_KERNEL = 0x100000;
const LOW_KERNEL = 0x10000;
/** Before 2.06 and 2.03. */
const OLD_COMMAND_LINE = 255;
const OLD_INITRD_MAX = 0x37ffffff;
/** COMMAND_LINE_SIZE of Linux for x86, without the end. */
const VMLINUX_COMMAND_LINE = 2047;
const VMLINUX_VERSION = 0x20f;
/** init/version.c: what every kernel prints first. */
const BANNER = new TextEncoder().encode('Linux version ');
const BANNER_LENGTH = 128;

/** Where the kernel goes. Throws what in the file says that it cannot be entered in 32-bit mode. */
export function placeLinux(image: KernelImage): LinuxKernel {
  return image.setup instanceof SetupHeader ? placeBzImage(image, image.setup) : placeVmlinux(elfOf(image));
}

/**
 * The first words of the banner in what is loaded, with their file offset: how a vmlinux is known, together with an entry that is a physical
 * address, as vmlinux.lds.S has it. Kernels with drivers of Linux have the text alone.
 */
export function findBanner({
  elf,
  bytes,
}: KernelImage): { readonly text: string; readonly offset: number } | undefined {
  if (elf instanceof StartOfDayError) return undefined;
  const { entry } = elf.header;
  if (elf.loads.some(({ address, size }) => entry >= address && entry < address + BigInt(size))) return undefined;
  for (const { offset, fileSize } of elf.loads) {
    const loaded = bytes.subarray(offset, offset + fileSize);
    for (let at = indexOfBytes(loaded, BANNER); at >= 0; at = indexOfBytes(loaded, BANNER, at + 1)) {
      const text = new TextDecoder('latin1').decode(loaded.subarray(at, at + BANNER_LENGTH));
      const [found] = /^Linux version \d+\.\d+[^\s\0]*(?= \()/.exec(text) ?? [];
      if (found !== undefined) return { text: found, offset: offset + at };
    }
  }
  return undefined;
}

function placeBzImage(image: KernelImage, setup: SetupHeader): LinuxKernel {
  const { codeOffset, bytes: header } = setup;
  const code = image.bytes.subarray(codeOffset);
  if (header === undefined)
    throw refuse('linux-header-size', `The setup header of ${image.name} has an impossible size`, {
      detail: `jump at file offset 0x200 ends it at ${hex(setup.end)}; a short jump forward reaches to 0x281`,
      mend: 'Give the bzImage that the Linux build leaves in arch/x86/boot.',
    });
  if (code.length === 0)
    throw refuse('linux-no-code', `${image.name} has no protected-mode code`, {
      detail: `setup_sects at file offset 0x1f1 puts it at file offset ${hex(codeOffset)}; the file has ${count(image.bytes.length)} bytes`,
      mend: 'Give the whole bzImage.',
    });
  const { address, entry } = loadAddress(image, setup, code.length);
  return {
    regions: [
      { name: 'protected-mode kernel', address, bytes: code, size: code.length },
      ...workingMemory(setup, address, address + code.length),
    ],
    entry,
    bias: 0,
    version: setup.version,
    header,
    commandLineSize: setup.field('cmdline_size') ?? OLD_COMMAND_LINE,
    initrdMax: setup.field('initrd_addr_max') ?? OLD_INITRD_MAX,
  };
}

/**
 * Where the code goes and starts. code32_start is where the kernel's own setup code would jump to. A kernel without LOADED_HIGH is moved by that
 * code from 0x10000 to the address it was linked for, which code32_start says.
 */
function loadAddress(
  image: KernelImage,
  setup: SetupHeader,
  size: number,
): { readonly address: number; readonly entry: number } {
  const start = setup.field('code32_start') ?? 0;
  const high = ((setup.field('loadflags') ?? 0) & LOADED_HIGH) !== 0;
  if (!high) {
    const address = start === 0 || start >= HIGH_KERNEL ? LOW_KERNEL : start;
    return { address, entry: address };
  }
  if (start >= HIGH_KERNEL && start < HIGH_KERNEL + size) return { address: HIGH_KERNEL, entry: start };
  throw refuse('linux-code32-start', `${image.name} cannot be entered in 32-bit mode`, {
    detail: `code32_start at file offset 0x214 is ${hex(start, 8)}; the protected-mode code is loaded at ${hex(HIGH_KERNEL, 8)} … ${hex(HIGH_KERNEL + size - 1, 8)}`,
    mend: 'Enter it by "linux16": its setup code does the rest.',
  });
}

/**
 * What the kernel uses from its runtime start address on before it looks at the memory map (boot.rst, "init_size"), less the code itself. A
 * relocatable kernel for 32 bits never runs below the address it was configured for (arch/x86/boot/compressed/head_32.S).
 */
function workingMemory(setup: SetupHeader, codeStart: number, codeEnd: number): LoadedRegion[] {
  const size = setup.field('init_size') ?? 0;
  const preferred = setup.field('pref_address') ?? 0;
  const alignment = Math.max(1, setup.field('kernel_alignment') ?? 1);
  const relocatable = (setup.field('relocatable_kernel') ?? 0) !== 0;
  const start = relocatable
    ? Math.max(alignUp(codeStart, alignment), preferred)
    : preferred === 0
      ? codeStart
      : preferred;
  const parts = [
    [start, Math.min(start + size, codeStart)],
    [Math.max(start, codeEnd), start + size],
  ] as const;
  return parts.flatMap(([from, to]) =>
    to > from ? [{ name: 'memory of the kernel', address: from, bytes: new Uint8Array(), size: to - from }] : [],
  );
}

/** A vmlinux has no setup header: the kernel reads what a loader writes into one, and little else. */
function placeVmlinux(elf: ElfFile): LinuxKernel {
  if (elf.bits === 64)
    throw refuse('linux-elf64', `${elf.name} is a 64-bit ELF file, and the machine has no long mode`, {
      detail: 'e_ident[EI_CLASS] at file offset 0x4 is 2; needed: 1 (32-bit)',
      mend: 'Build the kernel without CONFIG_64BIT.',
    });
  const { regions, entry, bias } = placeElf(elf);
  const start = Math.min(...regions.map(({ address }) => address));
  const end = Math.max(...regions.map(({ address, size }) => address + size));
  const header = headerOf({
    boot_flag: BOOT_FLAG,
    header: HEADER_MAGIC,
    version: VMLINUX_VERSION,
    loadflags: start >= HIGH_KERNEL ? LOADED_HIGH : 0,
    code32_start: entry,
    initrd_addr_max: OLD_INITRD_MAX,
    kernel_alignment: 0x1000,
    cmdline_size: VMLINUX_COMMAND_LINE,
    pref_address: start,
    init_size: end - start,
  });
  return {
    regions,
    entry,
    bias,
    version: VMLINUX_VERSION,
    header,
    commandLineSize: VMLINUX_COMMAND_LINE,
    initrdMax: OLD_INITRD_MAX,
  };
}

/** A setup header with these fields, the others 0. */
function headerOf(fields: Partial<Record<SetupFieldName, number>>): Uint8Array {
  const last = SETUP_FIELDS.kernel_info_offset;
  const bytes = new Uint8Array(last.offset + 4 - SETUP_HEADER);
  const view = new DataView(bytes.buffer);
  for (const [name, value] of Object.entries(fields) as [SetupFieldName, number][]) {
    const { offset, type } = SETUP_FIELDS[name];
    const at = offset - SETUP_HEADER;
    if (type === 'u8') view.setUint8(at, value);
    else if (type === 'u16') view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  }
  return bytes;
}

function refuse(code: string, title: string, parts: { detail: string; mend: string }): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, ...parts });
}
