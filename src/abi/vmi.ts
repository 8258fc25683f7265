import type { Layout } from '../util/bytes.ts';

/**
 * The Virtual Machine Interface 3.0 of VMware as Linux 2.6.21 to 2.6.36 uses it (arch/x86/include/asm/vmi.h, arch/x86/kernel/vmi_32.c): an
 * option ROM that a kernel finds after a native boot and calls in the place of privileged instructions.
 */

/** Physical addresses in which the kernel looks for the ROM: from, and below, in steps (probe_vmi_rom). */
export const VMI_SCAN = { first: 0xc0000, end: 0xe0000, step: 2048 } as const;

/** `struct vrom_header`, packed. */
export const VMI_ROM_HEADER = {
  rom_signature: [0x00, 'u16'],
  rom_length: [0x02, 'u8'],
  rom_entry: [0x03, 'u32'],
  vrom_signature: [0x08, 'u32'],
  api_version_min: [0x0c, 'u8'],
  api_version_maj: [0x0d, 'u8'],
  jump_slots: [0x0e, 'u8'],
  virtual_top: [0x10, 'u32'],
  license_offs: [0x16, 'u16'],
  pci_header_offs: [0x18, 'u16'],
  pnp_header_offs: [0x1a, 'u16'],
} as const satisfies Layout;
/** Where the kernel calls: VMI_Init and VMI_GetRelocationInfo, 8 bytes of code each. */
export const VMI_ENTRY = { init: 0x80, getRelocation: 0x88, size: 8 } as const;
export const VMI_ROM_HEADER_SIZE = 0x90;
export const OPTION_ROM_SIGNATURE = 0xaa55;
/** "cVmi" */
export const VMI_SIGNATURE = 0x696d5663;
export const VMI_API = { major: 3, minor: 0 } as const;
/** The kernel ignores a ROM that says anything but this or "GPL v2" of itself. */
export const VMI_LICENSE = 'GPL';

/** PCI data structure: "PCIR", vendor, device, …, ROM version. */
export const VMI_PCI_HEADER = {
  signature: [0, 'u32'],
  vendor: [4, 'u16'],
  device: [6, 'u16'],
  size: [10, 'u16'],
  chunks: [16, 'u16'],
  rom_version_min: [18, 'u8'],
  rom_version_maj: [19, 'u8'],
  code_type: [20, 'u8'],
  last_rom: [21, 'u8'],
} as const satisfies Layout;
export const VMI_PCI_HEADER_SIZE = 24;
export const PCI_SIGNATURE = 0x52494350;
export const VMI_PCI_ID = { vendor: 0x15ad, device: 0x0801 } as const;

/** Plug and Play header: "$PnP", …, offsets of two strings in the ROM. */
export const VMI_PNP_HEADER = {
  signature: [0, 'u32'],
  revision: [4, 'u8'],
  size: [5, 'u8'],
  manufacturer_offset: [14, 'u16'],
  product_offset: [16, 'u16'],
} as const satisfies Layout;
export const VMI_PNP_HEADER_SIZE = 18;
export const PNP_SIGNATURE = 0x506e5024;

/** How a call is to be made: byte 4 of what VMI_GetRelocationInfo returns in EDX:EAX; the low word is the address. */
export const VMI_RELOCATION = { none: 0, call: 1, jump: 2, nop: 3 } as const;

/**
 * The calls by number: names, and their arguments in EAX, EDX, ECX and then on the stack (regparm). Numbers between are not given.
 */
export const VMI_CALLS: ReadonlyMap<number, { readonly name: string; readonly arguments: readonly string[] }> = new Map(
  (
    [
      [0, 'CPUID', 'leaf'],
      [1, 'WRMSR', 'low', 'high', 'msr'],
      [2, 'RDMSR', '', '', 'msr'],
      [3, 'SetGDT', 'descriptor'],
      [4, 'SetLDT', 'selector'],
      [5, 'SetIDT', 'descriptor'],
      [6, 'SetTR', 'selector'],
      [7, 'GetGDT', 'descriptor'],
      [8, 'GetLDT'],
      [9, 'GetIDT', 'descriptor'],
      [10, 'GetTR'],
      [11, 'WriteGDTEntry', 'table', 'entry', 'low', 'high'],
      [12, 'WriteLDTEntry', 'table', 'entry', 'low', 'high'],
      [13, 'WriteIDTEntry', 'table', 'entry', 'low', 'high'],
      [14, 'UpdateKernelStack', 'selector', 'esp0'],
      [15, 'SetCR0', 'value'],
      [16, 'SetCR2', 'value'],
      [17, 'SetCR3', 'value'],
      [18, 'SetCR4', 'value'],
      [19, 'GetCR0'],
      [20, 'GetCR2'],
      [21, 'GetCR3'],
      [22, 'GetCR4'],
      [23, 'WBINVD'],
      [24, 'SetDR', 'register', 'value'],
      [25, 'GetDR', 'register'],
      [26, 'RDPMC', '', '', 'counter'],
      [27, 'RDTSC'],
      [28, 'CLTS'],
      [29, 'EnableInterrupts'],
      [30, 'DisableInterrupts'],
      [31, 'GetInterruptMask'],
      [32, 'SetInterruptMask', 'eflags'],
      [33, 'IRET'],
      [34, 'SYSEXIT'],
      [35, 'Halt'],
      [36, 'Reboot', 'how'],
      [37, 'Shutdown'],
      [38, 'SetPxE', 'value', 'entry', 'flags'],
      [39, 'SetPxELong', 'low', 'high', 'entry', 'flags'],
      [40, 'UpdatePxE', 'entry', 'flags'],
      [41, 'UpdatePxELong', 'entry', 'flags'],
      [42, 'MachineToPhysical', 'page'],
      [43, 'PhysicalToMachine', 'page'],
      [44, 'AllocatePage', 'page', 'flags', 'clone', 'base', 'count'],
      [45, 'ReleasePage', 'page', 'flags'],
      [46, 'InvalPage', 'address'],
      [47, 'FlushTLB', 'flags'],
      [48, 'SetLinearMapping', 'slot', 'address', 'pages', 'page'],
      [61, 'SetIOPLMask', 'mask'],
      [62, 'SetInitialAPState', 'state', 'apic'],
      [63, 'APICWrite', 'register', 'value'],
      [64, 'APICRead', 'register'],
      [65, 'IODelay'],
      [66, 'GetCycleFrequency'],
      [67, 'GetCycleCounter', 'counter'],
      [68, 'SetAlarm', 'flags'],
      [69, 'CancelAlarm', 'flags'],
      [70, 'GetWallclockTime'],
      [71, 'WallclockUpdated'],
      [73, 'SetLazyMode', 'mode'],
    ] as const satisfies readonly (readonly [number, string, ...string[]])[]
  ).map(([number, name, ...names]) => [number, { name, arguments: names }]),
);
