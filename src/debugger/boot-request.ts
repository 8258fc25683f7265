import type { HandlerSource } from '../cpu/cpu.ts';
import { planEntry } from '../boot/choose-entry.ts';
import { openKernelImage } from '../boot/kernel-image.ts';
import { applyPlan } from '../boot/load.ts';
import type { LoadOptions } from '../boot/protocol.ts';
import { hasElfMagic } from '../image/elf-header.ts';
import { attachTo, type Hypervisor } from '../hypervisor/hypervisor.ts';
import { hypervisorNamed } from '../hypervisor/hypervisors.ts';
import { ElfFile } from '../image/elf.ts';
import { SetupHeader } from '../image/setup-header.ts';
import { acpiRootPointer } from '../machine/firmware/acpi-tables.ts';
import { Machine } from '../machine/machine.ts';
import type { SymbolImage } from '../symbols/image.ts';
import { ElfSymbols } from '../symbols/elf-symbols.ts';
import { parseNumber } from '../util/numbers.ts';
import { cpuModel } from '../x86/cpu-model.ts';
import type { CpuModelName } from '../x86/cpu-model.ts';
import { createDebuggee } from './debuggee.ts';
import type { Debuggee } from './debuggee.ts';
import type { Scheduler } from './scheduler.ts';
import { InnerSymbols } from './inner-symbols.ts';
import { elfPhysicalBias } from './physical-bias.ts';
import type { SymbolFile } from './symbols.ts';

/** A file that was read from disk. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What to boot, and how. */
export interface BootRequest {
  readonly kernel: NamedFile;
  /** `auto` or the name of an entry. */
  readonly entry: string;
  readonly load: LoadOptions;
  /** What stands under the kernel: a name, or a hypervisor of the user's; undefined follows the entry. */
  readonly hypervisor?: string | Hypervisor;
  /** Registers to set after the entry protocol has: names to expressions. */
  readonly registers: Readonly<Record<string, string>>;
  /** More symbols; `bias` is a number as text. */
  readonly symbols: readonly (NamedFile & { readonly bias: string })[];
  /** Which CPU the machine has. */
  readonly cpu?: CpuModelName;
  readonly engine?: 'translator' | 'interpreter' | 'reference';
  /** The interpreter's handlers, when they were built ahead of time. */
  readonly handlers?: HandlerSource;
}

/** Plans the boot, builds the machine and puts a debugger around it. Throws with what the image or the request lacks. */
export function bootDebuggee(request: BootRequest, scheduler: Scheduler): Debuggee {
  const { load, cpu = 'default', engine, handlers } = request;
  const rootPointer = acpiRootPointer(cpuModel(cpu).features.has('APIC'));
  const kernel = openKernelImage(request.kernel.name, request.kernel.bytes);
  const plan = planEntry(kernel, request.entry, { ...load, rootPointer });
  const hypervisor = hypervisorOf(request.hypervisor ?? plan.hypervisor ?? 'native');
  const machine = new Machine({ memory: load.memory + (plan.reservedMemory ?? 0), cpu, engine, handlers });
  applyPlan(plan, machine);
  const { entry, information, revision } = plan;
  if (hypervisor !== undefined)
    machine.attachSupervisor(attachTo(hypervisor, { entry, information, guestMemory: load.memory, revision }));
  return createDebuggee(
    {
      machine,
      plan,
      poison: request.load.poison,
      registers: request.registers,
      kernel: kernel.setup instanceof SetupHeader ? new InnerSymbols(kernel) : kernelSymbols(request.kernel),
      otherSymbols: request.symbols.map(symbolFile),
    },
    scheduler,
  );
}

function hypervisorOf(asked: string | Hypervisor): Hypervisor | undefined {
  return typeof asked === 'string' ? hypervisorNamed(asked) : asked;
}

/** The symbols of the kernel itself: before paging they are where the plan says. */
function kernelSymbols({ name, bytes }: NamedFile): SymbolFile {
  const image = symbolImage(name, bytes);
  return { name, image, symbols: new ElfSymbols(image), bias: 0n };
}

function symbolFile({ name, bytes, bias }: NamedFile & { readonly bias: string }): SymbolFile {
  const image = symbolImage(name, bytes);
  const physicalBias =
    image instanceof ElfFile && image.loads.length > 0 ? { physicalBias: elfPhysicalBias(image) } : {};
  return { name, image, symbols: new ElfSymbols(image), bias: parseNumber(bias, `bias of ${name}`), ...physicalBias };
}

/** A file that is no ELF, as a kernel with the a.out kludge, has no symbols. */
function symbolImage(name: string, bytes: Uint8Array): ElfFile | SymbolImage {
  return hasElfMagic(bytes) ? new ElfFile(name, bytes) : { bits: 32, sections: [] };
}
