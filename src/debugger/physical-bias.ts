import type { ElfFile } from '../image/elf.ts';

/** Linked minus physical address of the first segment, modulo 2^32: where a kernel's symbols are before paging. */
export function elfPhysicalBias({ loads }: Pick<ElfFile, 'loads'>): bigint {
  const [first] = loads;
  return first === undefined ? 0n : BigInt.asUintN(32, first.address - first.physical);
}
