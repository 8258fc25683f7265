import { biosTables } from '../machine/firmware/bios/bios-tables.ts';
import { StartOfDayError } from '../util/errors.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { memoryMend, MIB } from './memory-layout.ts';
import type { MemoryLayout } from './memory-layout.ts';
import type { ModuleFile } from './protocol.ts';

const PAGE = 4096;
/** Where the information structure goes when the kernel leaves it free: where QEMU has it, too. */
export const INFORMATION_ADDRESS = 0x9500;
/** Kibibytes of conventional memory: INT 12h on a PC with an extended BIOS data area of 1 KiB. */
export const MEM_LOWER = 639;

export interface PlacedModule {
  /** Physical. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  readonly cmdline: string;
}

/** Kibibytes of memory from 1 MiB to the first hole. */
export function memUpper(memory: number): number {
  return Math.floor((memory - MIB) / 1024);
}

/**
 * Leaves the BIOS in memory as after a start from disk, for both versions want "other machine state … as initialized by the BIOS" (0.6.96, 3.2):
 * its vectors, data areas and ROM. A kernel that goes back to real mode calls it. The kernel may lie over it.
 */
export function leaveBios(layout: MemoryLayout): void {
  for (const { name, address, bytes } of biosTables()) layout.fill(name, address, bytes);
}

/** Puts a module on pages of its own, whether or not the header asks. Throws when memory has no room. */
export function placeModule(module: ModuleFile, layout: MemoryLayout): PlacedModule {
  const { name, bytes, cmdline } = module;
  const lowest = layout.end;
  const place = (from: number): number | undefined => layout.place(`module ${name}`, bytes, PAGE, from);
  const start = place(lowest) ?? place(MIB);
  if (start !== undefined) return { start, end: start + bytes.length, cmdline };
  throw new StartOfDayError({
    code: 'module-too-large',
    blame: 'user',
    title: `${name} does not fit in ${binarySize(layout.memory)}`,
    detail: `The module has ${count(bytes.length)} bytes; memory behind the kernel and the modules before it is ${hex(lowest, 8)} … ${hex(layout.memory - 1, 8)}`,
    mend: memoryMend(lowest + bytes.length + PAGE),
  });
}

/** Puts boot information into conventional memory. Throws when it does not fit. */
export function placeLow(layout: MemoryLayout, name: string, bytes: Uint8Array, alignment = 8): number {
  const address = layout.place(name, bytes, alignment, INFORMATION_ADDRESS);
  if (address !== undefined && address < MIB) return address;
  throw new StartOfDayError({
    code: 'information-too-large',
    blame: 'user',
    title: 'The boot information does not fit below 640 KiB',
    detail: `The ${name} needs ${count(bytes.length)} bytes in physical ${hex(INFORMATION_ADDRESS)} … 0x9fbff, beside the kernel and what was placed before`,
    mend: 'Shorten the command lines, or link the kernel at 1 MiB or above.',
  });
}
