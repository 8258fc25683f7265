import type { SegmentCache } from '../cpu/state.ts';
import { ACPI_ROOT_POINTER } from '../machine/firmware/acpi-tables.ts';
import { encodeCString } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import type { ProtocolPlan } from './entry-protocol.ts';
import { flatState, FLAT_GDT } from './flat-state.ts';
import { encodeModuleList, encodeStartInfo, encodeStartMemoryMap, START_INFO_SIZE } from './hvm-start-info.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { memoryMend, MemoryLayout, MIB } from './memory-layout.ts';
import type { EntryPromise, EntryState, LoadOptions, ModuleFile } from './protocol.ts';

const PAGE = 4096;
/** Below are the BIOS data and what firmware uses. */
const LOWEST = 0x10000;
/** "a 32-bit TSS (active) with a base of '0' and a limit of '0x67'": present, type 11. */
const TSS: SegmentCache = { selector: 0, base: 0, limit: 0x67, access: 0x8b00 };
/** CR0.PE, and CR0.ET, which nobody can clear. */
const CR0 = 0x11;

/**
 * Lays out memory for the x86/HVM direct boot ABI (Xen docs/misc/pvh.pandoc): the kernel by its program headers; behind it the initial RAM
 * disk as module 0 and the modules; and below 640 KiB hvm_start_info with what it points to. Linux uses hvm_start_info as its first stack.
 */
export function planPvh(kernel: KernelPlacement, options: LoadOptions): ProtocolPlan {
  const layout = new MemoryLayout(options.memory);
  layout.claim(kernel.regions);
  const address = placeStartInfo(layout, options);
  const gdt = options.poison ? undefined : placeLow(layout, 'GDT', FLAT_GDT, 8);
  return {
    regions: layout.regions,
    state: pvhState(kernel.entry, address, gdt),
    promises: pvhPromises(kernel.entry),
    information: { kind: 'hvm_start_info', register: 'ebx', address },
    physicalBias: kernel.bias,
  };
}

/** Writes hvm_start_info and what it points to; its physical address. */
function placeStartInfo(layout: MemoryLayout, options: LoadOptions): number {
  const { initrd, modules, cmdline } = options;
  const structure = new Uint8Array(START_INFO_SIZE);
  const address = placeLow(layout, 'hvm_start_info', structure, 8);
  const string = (name: string, text: string): number => placeLow(layout, name, encodeCString(text), 1);
  const map = encodeStartMemoryMap(layout.map);
  const files: readonly ModuleFile[] = [...(initrd === undefined ? [] : [{ ...initrd, cmdline: '' }]), ...modules];
  const list = encodeModuleList(
    files.map((module) => ({
      address: placeModule(layout, module),
      size: module.bytes.length,
      commandLine: module.cmdline === '' ? 0 : string('module command line', module.cmdline),
    })),
  );
  structure.set(
    encodeStartInfo({
      modules: files.length,
      moduleList: files.length === 0 ? 0 : placeLow(layout, 'module list', list, 8),
      commandLine: string('command line', cmdline),
      rootPointer: ACPI_ROOT_POINTER,
      memoryMap: placeLow(layout, 'memory map', map, 8),
      memoryMapEntries: layout.map.length,
    }),
  );
  return address;
}

function placeModule(layout: MemoryLayout, { name, bytes }: ModuleFile): number {
  const behind = layout.end;
  const address = layout.place(`module ${name}`, bytes, PAGE, behind);
  if (address !== undefined) return address;
  throw new StartOfDayError({
    code: 'module-too-large',
    blame: 'user',
    title: `${name} does not fit in ${binarySize(layout.memory)}`,
    detail: `It has ${count(bytes.length)} bytes; memory behind the kernel and the modules before it is ${hex(behind, 8)} … ${hex(layout.memory - 1, 8)}`,
    mend: memoryMend(behind + bytes.length + PAGE),
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
    mend: 'Shorten the command lines, or link the kernel at 1 MiB or above.',
  });
}

/**
 * `gdt` is undefined where everything without a promise is filled with a pattern. FS and GS are flat all the same: Linux 6.1 for 32 bits reads
 * its stack canary through FS before it loads it.
 */
function pvhState(eip: number, startInfo: number, gdt: number | undefined): EntryState {
  const flat = flatState({ eip, registers: { ebx: startInfo }, gdt });
  return { ...flat, cr0: CR0, segments: { ...flat.segments, tr: TSS } };
}

/** What pvh.pandoc says of each item; undefined where it promises nothing. */
function pvhPromises(entry: number): readonly EntryPromise[] {
  const data = '32-bit read/write data, base 0, limit 0xffffffff; any selector';
  const table: readonly (readonly [item: string, promise: string | undefined])[] = [
    ['EIP', `XEN_ELFNOTE_PHYS32_ENTRY, ${hex(entry, 8)}`],
    ['EBX', 'physical address of hvm_start_info'],
    ['CR0.PE', '1'],
    ['CR0.PG', '0, as every writable bit but PE'],
    ['CR4', '0'],
    ['CS', '32-bit read/execute code, base 0, limit 0xffffffff; any selector'],
    ['DS', data],
    ['ES', data],
    ['SS', data],
    ['TR', '32-bit active TSS, base 0, limit 0x67'],
    ['EFLAGS.VM', '0'],
    ['EFLAGS.IF', '0'],
    ['EFLAGS.TF', '0'],
    ['EFLAGS.DF', undefined],
    ['FS', undefined],
    ['GS', undefined],
    ['LDTR', undefined],
    ['GDTR', undefined],
    ['IDTR', undefined],
    ['ESP', undefined],
    ['EAX', undefined],
    ['ECX', undefined],
    ['EDX', undefined],
    ['EBP', undefined],
    ['ESI', undefined],
    ['EDI', undefined],
  ];
  return table.map(([item, promise]) => ({ item, promise, source: 'Xen docs/misc/pvh.pandoc' }));
}
