import type { Layout } from '../util/bytes.ts';
import type { MemoryRange } from './memory-layout.ts';

/** XEN_HVM_START_MAGIC_VALUE: "xEn3" with bit 7 of the "E" set. */
export const START_MAGIC = 0x336ec578;

/** `struct hvm_start_info`, version 1 (xen/include/public/arch-x86/hvm/start_info.h). Every address is physical. */
export const START_INFO = {
  magic: [0, 'u32'],
  version: [4, 'u32'],
  flags: [8, 'u32'],
  nr_modules: [12, 'u32'],
  modlist_paddr: [16, 'u64'],
  cmdline_paddr: [24, 'u64'],
  rsdp_paddr: [32, 'u64'],
  memmap_paddr: [40, 'u64'],
  memmap_entries: [48, 'u32'],
  reserved: [52, 'u32'],
} as const satisfies Layout;
export const START_INFO_SIZE = 56;

/** `struct hvm_modlist_entry`. */
export const MODULE_LIST_ENTRY = {
  paddr: [0, 'u64'],
  size: [8, 'u64'],
  cmdline_paddr: [16, 'u64'],
  reserved: [24, 'u64'],
} as const satisfies Layout;
export const MODULE_LIST_ENTRY_SIZE = 32;

/** `struct hvm_memmap_table_entry`: address, size, type, reserved. */
export const MEMORY_MAP_ENTRY_SIZE = 24;

/** Addresses are physical, 0 for none. */
export interface StartInfo {
  readonly modules: number;
  readonly moduleList: number;
  readonly commandLine: number;
  readonly rootPointer: number;
  readonly memoryMap: number;
  readonly memoryMapEntries: number;
}

/** The structure of an unprivileged guest: flags 0. */
export function encodeStartInfo(info: StartInfo): Uint8Array {
  const bytes = new Uint8Array(START_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(START_INFO.magic[0], START_MAGIC, true);
  view.setUint32(START_INFO.version[0], 1, true);
  view.setUint32(START_INFO.nr_modules[0], info.modules, true);
  view.setBigUint64(START_INFO.modlist_paddr[0], BigInt(info.moduleList), true);
  view.setBigUint64(START_INFO.cmdline_paddr[0], BigInt(info.commandLine), true);
  view.setBigUint64(START_INFO.rsdp_paddr[0], BigInt(info.rootPointer), true);
  view.setBigUint64(START_INFO.memmap_paddr[0], BigInt(info.memoryMap), true);
  view.setUint32(START_INFO.memmap_entries[0], info.memoryMapEntries, true);
  return bytes;
}

export function encodeModuleList(
  modules: readonly { readonly address: number; readonly size: number; readonly commandLine: number }[],
): Uint8Array {
  const bytes = new Uint8Array(modules.length * MODULE_LIST_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  modules.forEach(({ address, size, commandLine }, index) => {
    const at = index * MODULE_LIST_ENTRY_SIZE;
    view.setBigUint64(at + MODULE_LIST_ENTRY.paddr[0], BigInt(address), true);
    view.setBigUint64(at + MODULE_LIST_ENTRY.size[0], BigInt(size), true);
    view.setBigUint64(at + MODULE_LIST_ENTRY.cmdline_paddr[0], BigInt(commandLine), true);
  });
  return bytes;
}

/** The memory map, whose types are those of E820. */
export function encodeStartMemoryMap(map: readonly MemoryRange[]): Uint8Array {
  const bytes = new Uint8Array(map.length * MEMORY_MAP_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  map.forEach(({ address, size, type }, index) => {
    const at = index * MEMORY_MAP_ENTRY_SIZE;
    view.setBigUint64(at, BigInt(address), true);
    view.setBigUint64(at + 8, BigInt(size), true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}
