import type { ByteReader } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import { physicalBias } from './kernel-segments.ts';
import type { KernelPlacement } from './kernel-segments.ts';
import { SEARCH_LENGTH } from './multiboot-header.ts';
import type { RecognisedField } from './protocol.ts';

/**
 * The paravirt header: a second header beside the Multiboot header, with a magic number of its own, that names the entry for a boot by a
 * hypervisor. It was proposed in 2006 and never became part of the specification; docs/multiboot.md fixes the layout that is read here.
 */
const LAYOUT = { magic: [0, 'u32'], flags: [4, 'u32'], checksum: [8, 'u32'], entry_addr: [12, 'u32'] } as const;
const SIZE = layoutSize(LAYOUT);
export const PARAVIRT_HEADER_MAGIC = 0x1badb006;

interface ParavirtHeader {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly flags: number;
  readonly checksum: number;
  /** Physical address. */
  readonly entry_addr: number;
}

/** The first header with a right checksum, else the first magic number, aligned as a Multiboot header is. */
function findParavirtHeader(reader: ByteReader): ParavirtHeader | undefined {
  const found: ParavirtHeader[] = [];
  for (let offset = 0; offset + SIZE <= Math.min(SEARCH_LENGTH, reader.length); offset += 4)
    if (reader.u32(offset, 'magic') === PARAVIRT_HEADER_MAGIC)
      found.push({ offset, ...reader.fields(LAYOUT, offset, 'the paravirt header') });
  return found.find((header) => checksumSum(header) === 0) ?? found[0];
}

function checksumSum({ flags, checksum }: ParavirtHeader): number {
  return (PARAVIRT_HEADER_MAGIC + flags + checksum) >>> 0;
}

/** The header's fields in file order; none without a header. */
export function paravirtFields(reader: ByteReader): readonly RecognisedField[] {
  const header = findParavirtHeader(reader);
  if (header === undefined) return [];
  const { offset, flags, checksum, entry_addr } = header;
  const right = checksumSum(header) === 0;
  return [
    {
      name: 'paravirt magic',
      offset,
      value: hex(PARAVIRT_HEADER_MAGIC, 8),
      meaning: 'paravirt header, proposal of 2006',
      verdict: 'right',
    },
    {
      name: 'flags',
      offset: offset + LAYOUT.flags[0],
      value: hex(flags, 8),
      meaning: flags === 0 ? 'none is defined' : 'must be 0',
      verdict: flags === 0 ? 'right' : 'wrong',
    },
    {
      name: 'checksum',
      offset: offset + LAYOUT.checksum[0],
      value: hex(checksum, 8),
      meaning: right
        ? 'magic + flags + checksum = 0'
        : `magic + flags + checksum = ${hex(checksumSum(header), 8)}; right would be ${hex(rightChecksum(flags), 8)}`,
      verdict: right ? 'right' : 'wrong',
    },
    {
      name: 'entry_addr',
      offset: offset + LAYOUT.entry_addr[0],
      value: hex(entry_addr, 8),
      meaning: 'physical address of the entry with "paravirtMagic"',
      verdict: 'information',
    },
  ];
}

function rightChecksum(flags: number): number {
  return -(PARAVIRT_HEADER_MAGIC + flags) >>> 0;
}

export interface ParavirtEntry {
  readonly kernel: KernelPlacement;
  /** File offset of the header that names the entry; undefined when the image has none and its own entry is used. */
  readonly header: number | undefined;
}

/** A kernel entered by a hypervisor: at the entry of its paravirt header when it has one. Throws what is wrong with that header. */
export function enterParavirt(image: KernelImage, kernel: KernelPlacement): ParavirtEntry {
  const header = findParavirtHeader(image.reader);
  if (header === undefined) return { kernel, header: undefined };
  const { offset, flags, entry_addr } = header;
  if (checksumSum(header) !== 0 || flags !== 0)
    throw refuse(`The paravirt header at ${hex(offset)} has ${flags === 0 ? 'a wrong checksum' : 'unknown flags'}`, {
      detail: `flags at file offset ${hex(offset + 4)} is ${hex(flags, 8)}, must be 0; magic + flags + checksum = ${hex(checksumSum(header), 8)}, must be 0`,
      mend: `Write flags 0 and checksum ${hex(rightChecksum(0), 8)}.`,
    });
  const inside = kernel.regions.some(({ address, size }) => entry_addr >= address && entry_addr < address + size);
  if (!inside)
    throw refuse(`The entry of the paravirt header at ${hex(offset)} lies outside the kernel`, {
      detail: `entry_addr at file offset ${hex(offset + 12)} is ${hex(entry_addr, 8)}; loaded is ${kernel.regions.map(({ address, size }) => `${hex(address, 8)} … ${hex(address + size - 1, 8)}`).join(', ')}`,
      mend: 'Give the physical address of the entry symbol.',
    });
  const { elf } = image;
  const bias = elf instanceof StartOfDayError ? kernel.bias : (physicalBias(elf, entry_addr) ?? kernel.bias);
  return { kernel: { ...kernel, entry: entry_addr, bias }, header: offset };
}

function refuse(title: string, parts: { detail: string; mend: string }): StartOfDayError {
  return new StartOfDayError({ code: 'multiboot-paravirt-header', blame: 'user', title, ...parts });
}
