import type { SegmentCache, TableRegister } from '../cpu/state.ts';
import type { FirmwareTable } from '../machine/firmware/firmware-table.ts';
import type { ErrorParts } from '../util/errors.ts';

/** Every way into a kernel that a launch configuration can name. */
export const ENTRY_NAMES = [
  'multiboot',
  'multiboot2',
  'linux16',
  'linux32',
  'linux64',
  'pvh',
  'xen-pv',
  'lguest',
  'paravirt',
  'native',
] as const;
export type EntryName = (typeof ENTRY_NAMES)[number];

/** What a protocol found in a file: the evidence, or what is missing. */
export interface Recognition {
  readonly entry: EntryName;
  /** "Multiboot 1". */
  readonly label: string;
  readonly offered: boolean;
  /** When offered: what the file has, to complete a sentence: "a Multiboot 1 header at file offset 0x1000". */
  readonly evidence?: string;
  /** The image tries to offer it and something in it is wrong: the error that entering by it raises. */
  readonly problem?: ErrorParts;
  /** Evidence or the first missing thing, in words, with file offset, field, value: one sentence. */
  readonly summary: string;
  /** Decoded fields, in file order. */
  readonly fields: readonly RecognisedField[];
  /** What would make the image offer this protocol; only when it does not. */
  readonly mend?: string;
}

export interface RecognisedField {
  readonly name: string;
  /** Offset in the file, in bytes. */
  readonly offset: number;
  /** Hexadecimal or text. */
  readonly value: string;
  /** "bit 0 page-align modules". */
  readonly meaning: string;
  readonly verdict: 'right' | 'wrong' | 'information';
}

export interface ModuleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly cmdline: string;
}

/** What the user asked for, already read from disk. */
export interface LoadOptions {
  /** Bytes of guest physical memory. */
  readonly memory: number;
  readonly cmdline: string;
  readonly bootLoaderName: string;
  readonly modules: readonly ModuleFile[];
  /** The initial RAM disk, for the entries that know one. */
  readonly initrd?: Pick<ModuleFile, 'name' | 'bytes'>;
  /** `hardware_subarch` of the Linux setup header, 32 bits; without it 0, a PC. */
  readonly hardwareSubarch?: number;
  /** Fill what the protocol does not promise with a recognisable pattern. */
  readonly poison: boolean;
  /** Physical address of the first instruction, for `native`; without it the entry of the ELF file. */
  readonly entryAddress?: number;
  /** For `multiboot`: EAX at the entry instead of the specified magic number, 32 bits: a boot by a hypervisor. */
  readonly paravirtMagic?: number;
  /** The machine's ACPI root pointer (RSDP), for the protocols that tell where it is or hand over a copy. */
  readonly rootPointer?: FirmwareTable;
}

/** Bytes to put into guest physical memory; `bytes.length < size` leaves zeros behind. */
export interface LoadedRegion {
  /** Physical address. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes occupied in memory. */
  readonly size: number;
  /** "kernel PT_LOAD 0", "multiboot_info", "module initrd.img". */
  readonly name: string;
}

export type GeneralRegister = 'eax' | 'ecx' | 'edx' | 'ebx' | 'esp' | 'ebp' | 'esi' | 'edi';
export type SegmentName = 'es' | 'cs' | 'ss' | 'ds' | 'fs' | 'gs' | 'ldtr' | 'tr';

/** The whole CPU state at the first instruction. */
export interface EntryState {
  readonly registers: Readonly<Record<GeneralRegister, number>>;
  readonly eip: number;
  readonly eflags: number;
  readonly segments: Readonly<Record<SegmentName, SegmentCache>>;
  readonly gdtr: TableRegister;
  readonly idtr: TableRegister;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly cpl: number;
}

/** One line of the contract between loader and kernel. */
export interface EntryPromise {
  /** "EAX", "CR0.PE", "ESP". */
  readonly item: string;
  /** What the specification promises; undefined when it promises nothing. */
  readonly promise: string | undefined;
  /** Where the specification says so. */
  readonly source: string;
}

/** The boot information structure handed to the kernel, so that views can decode it live from guest memory. */
export interface BootInformation {
  readonly kind:
    | 'multiboot_info'
    | 'multiboot2_info'
    | 'boot_params'
    | 'setup_header'
    | 'hvm_start_info'
    | 'lguest_boot_info'
    | 'start_info';
  /** Register that points to it; DS holds the segment that begins at the address. */
  readonly register: GeneralRegister | 'ds';
  /** Physical address. */
  readonly address: number;
  /** What the register holds where that is not the physical address. */
  readonly linear?: number;
}

/** Everything needed to put the kernel at its entry: pure data, applied by `load.ts`. */
export interface LoadPlan {
  readonly entry: EntryName;
  readonly label: string;
  readonly regions: readonly LoadedRegion[];
  readonly state: EntryState;
  readonly promises: readonly EntryPromise[];
  readonly information: BootInformation | undefined;
  /** What stands under a guest that is entered so, unless the user says otherwise; bare hardware unless said. */
  readonly hypervisor?: 'xen' | 'lguest' | 'vmi';
  /** Bytes of physical memory that the plan takes above what the user gave the guest: a hypervisor's own. */
  readonly reservedMemory?: number;
  /** Virtual minus physical address of the image while paging is off; 0 for identity-linked kernels. Lets symbols be found before paging. */
  readonly physicalBias: number;
  /** Which revision of a protocol that had several: "2.6.24". */
  readonly revision?: string;
  /** Debug Console sentence: `Chose multiboot because kernel.elf has a Multiboot 1 header at file offset 0x1000.` */
  readonly chosen: string;
}
