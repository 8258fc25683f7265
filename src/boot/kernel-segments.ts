import type { ElfFile, ElfSegment } from '../image/elf.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { LoadedRegion } from './protocol.ts';

/** A kernel as it will lie in memory. */
export interface KernelPlacement {
  readonly regions: readonly LoadedRegion[];
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** Linked minus physical address at the entry, modulo 2^32. */
  readonly bias: number;
  /** Where the addresses came from: "ELF program headers". */
  readonly source: string;
}

/**
 * PT_LOAD segments by p_paddr. `e_entry` is a linked address: it is translated through the segment that holds it, as GRUB does.
 * Where none holds it, it is taken as physical, as Linux writes it.
 */
export function placeElf(elf: ElfFile): KernelPlacement {
  const { loads } = elf;
  if (loads.length === 0)
    throw refuse('elf-no-load', `${elf.name} has no PT_LOAD segment`, {
      detail: `e_phnum at file offset 0x2c says ${elf.header.segments.count} program headers; none of them is PT_LOAD with memory`,
      mend: 'Link it: an object file cannot be loaded.',
    });
  const regions = loads.map((segment) => placeSegment(elf, segment, Number(segment.physical)));
  return { regions, ...elfEntry(elf), source: 'ELF program headers' };
}

/** The entry of an ELF file: physical address and bias. */
function elfEntry(elf: ElfFile): { readonly entry: number; readonly bias: number } {
  const { entry } = elf.header;
  const linked = elf.loads.find((segment) => inside(entry, segment.address, segment.size));
  const segment = linked ?? elf.loads.find((load) => inside(entry, load.physical, load.size));
  if (segment === undefined)
    throw refuse('elf-entry', `The entry of ${elf.name} lies in no segment`, {
      detail: `e_entry at file offset 0x18 is ${hex(entry, 8)}; ${elf.loads.map(rangeText).join(', ')}`,
      mend: 'Name the entry symbol with ENTRY() in the linker script.',
    });
  const bias = segment.address - segment.physical;
  return { entry: Number(linked === undefined ? entry : entry - bias), bias: Number(BigInt.asUintN(32, bias)) };
}

/** A segment at a physical address. Throws `elf-segment-size` and `elf-segment-address`. */
export function placeSegment(elf: ElfFile, segment: ElfSegment, address: number): LoadedRegion {
  const name = `kernel PT_LOAD ${segment.index}`;
  if (segment.fileSize > segment.size)
    throw refuse('elf-segment-size', `${name} of ${elf.name} is larger in the file than in memory`, {
      detail: `p_filesz is ${hex(segment.fileSize)}; needed: at most p_memsz, ${hex(segment.size)}`,
      mend: 'Link the kernel again: its program headers are damaged.',
    });
  if (address + segment.size > 2 ** 32)
    throw refuse('elf-segment-address', `${name} of ${elf.name} ends beyond 4 GiB`, {
      detail: `p_paddr is ${hex(segment.physical)} and p_memsz ${hex(segment.size)}; physical addresses have 32 bits`,
      mend: 'Give its sections a physical load address with AT() in the linker script.',
    });
  return { name, address, bytes: segment.bytes, size: segment.size };
}

function inside(address: bigint, start: bigint, size: number): boolean {
  return address >= start && address < start + BigInt(size);
}

/** Linked minus physical address, modulo 2^32, of the segment that holds a physical address; undefined where none does. */
export function physicalBias(elf: ElfFile, address: number): number | undefined {
  const segment = elf.loads.find((load) => inside(BigInt(address), load.physical, load.size));
  return segment === undefined ? undefined : Number(BigInt.asUintN(32, segment.address - segment.physical));
}

function rangeText(segment: ElfSegment): string {
  const end = segment.address + BigInt(segment.size) - 1n;
  return `PT_LOAD ${segment.index} is linked at ${hex(segment.address, 8)} … ${hex(end, 8)}`;
}

function refuse(code: string, title: string, parts: { detail: string; mend: string }): StartOfDayError {
  return new StartOfDayError({ code, blame: 'user', title, ...parts });
}
