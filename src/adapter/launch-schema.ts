import { HYPERVISOR_NAMES } from '../hypervisor/hypervisor.ts';
import { ENTRY_NAMES, type EntryName } from '../boot/protocol.ts';
import { CPU_MODEL_NAMES, type CpuModelName } from '../x86/cpu-model.ts';
import type { ObjectSchema, PropertySchema } from './schema.ts';

/** A file that the boot loader puts into memory beside the kernel. */
export interface ModuleConfiguration {
  readonly file: string;
  readonly cmdline?: string;
}

/** Symbols of another file than the program. */
export interface SymbolsConfiguration {
  readonly file: string;
  /** Added to every address of the file: hexadecimal or decimal. */
  readonly bias?: string;
}

/** The attributes of a `launch` request. What each one means stands in {@link LAUNCH_SCHEMA}. */
export interface LaunchConfiguration {
  readonly program: string;
  readonly entry?: 'auto' | EntryName;
  readonly entryAddress?: string;
  readonly hypervisor?: string;
  readonly poison?: boolean;
  readonly cmdline?: string;
  readonly modules?: readonly ModuleConfiguration[];
  readonly initrd?: string;
  readonly hardwareSubarch?: number;
  readonly memory?: string;
  readonly cpu?: CpuModelName;
  readonly bootLoaderName?: string;
  readonly paravirtMagic?: string;
  readonly registers?: Readonly<Record<string, string>>;
  readonly stopOnEntry?: boolean;
  readonly symbols?: readonly SymbolsConfiguration[];
  readonly serial?: 'console' | 'terminal';
  readonly maxInstructions?: number;
  readonly exceptions?: readonly string[];
}

/** The schema of the launch configuration: package.json repeats it, and a test holds the two equal. */
export const LAUNCH_SCHEMA = {
  type: 'object',
  required: ['program'],
  properties: {
    program: {
      type: 'string',
      description: 'The kernel file: an ELF, a bzImage, or an image with a Multiboot header that holds its addresses.',
    },
    entry: {
      type: 'string',
      enum: ['auto', ...ENTRY_NAMES],
      default: 'auto',
      description:
        'How the kernel is entered. "auto" takes the first that the image offers and says what else there is.',
    },
    entryAddress: {
      type: 'string',
      description:
        'With "entry": "native", the physical address of the first instruction, hexadecimal or decimal. A file that is no ELF is loaded there; an ELF file without it starts at its own entry.',
    },
    hypervisor: {
      type: 'string',
      examples: HYPERVISOR_NAMES,
      description:
        'What stands under the kernel: "native" is bare hardware, "kvm" a virtual machine that says so. Left out, it follows the entry.',
    },
    poison: {
      type: 'boolean',
      default: true,
      description:
        'Fill the registers that the entry protocol does not promise with a recognisable pattern, so that a kernel that relies on them shows it.',
    },
    cmdline: {
      type: 'string',
      default: '',
      description: 'The command line of the kernel.',
    },
    modules: {
      type: 'array',
      default: [],
      description: 'Files that the boot loader puts into memory beside the kernel, in this order.',
      items: {
        type: 'object',
        required: ['file'],
        properties: {
          file: { type: 'string', description: 'The file.' },
          cmdline: { type: 'string', description: 'The command line of the module.' },
        },
      },
    },
    initrd: {
      type: 'string',
      description: 'The initial RAM disk of a Linux kernel, for the Linux entries and PVH.',
    },
    hardwareSubarch: {
      type: 'integer',
      minimum: 0,
      description:
        'hardware_subarch of the Linux setup header, since boot protocol 2.07: 0 a PC, 1 lguest, 2 Xen, 3 Moorestown, 4 CE4100.',
    },
    memory: {
      type: 'string',
      default: '128M',
      description: 'The size of physical memory: a number with K, M or G.',
    },
    cpu: {
      type: 'string',
      enum: CPU_MODEL_NAMES,
      default: 'default',
      description:
        'Which CPU runs the kernel. It decides what CPUID reports and which instructions, control register bits and MSRs exist. "default" is a Pentium M, the last Intel CPU without long mode.',
    },
    bootLoaderName: {
      type: 'string',
      default: 'Start of Day',
      description:
        'The name under which the boot loader introduces itself to the kernel. A kernel can choose its paravirt operations by it.',
    },
    paravirtMagic: {
      type: 'string',
      description:
        'With "entry": "multiboot", the value of EAX at the entry instead of 0x2badb002, hexadecimal or decimal: a boot by a hypervisor, as proposed in 2006. An image with a paravirt header is entered at the address that it names.',
    },
    registers: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string', description: 'The value, hexadecimal or decimal.' },
      description: 'Registers to set at entry after the protocol has set them, such as {"ebx": "0x1"}.',
    },
    stopOnEntry: {
      type: 'boolean',
      default: true,
      description: 'Stop before the first instruction of the kernel.',
    },
    symbols: {
      type: 'array',
      default: [],
      description: 'ELF files with more symbols.',
      items: {
        type: 'object',
        required: ['file'],
        properties: {
          file: { type: 'string', description: 'The ELF file.' },
          bias: { type: 'string', description: 'Added to every address of the file, hexadecimal or decimal.' },
        },
      },
    },
    serial: {
      type: 'string',
      enum: ['console', 'terminal'],
      default: 'console',
      description: 'Where the output of the first serial port goes: the Debug Console or a terminal.',
    },
    maxInstructions: {
      type: 'integer',
      minimum: 1,
      description: 'Stop after this many instructions. Without it the kernel runs as long as it likes.',
    },
    exceptions: {
      type: 'array',
      default: [],
      description: 'Exception filters that are on from the start, for clients without a view of them.',
      items: { type: 'string', enum: ['shutdown', 'hypercall'] },
    },
  },
} as const satisfies ObjectSchema & {
  readonly properties: Readonly<Record<keyof LaunchConfiguration, PropertySchema>>;
};
