import { StartOfDayError } from '../util/errors.ts';
import { count, hex } from '../util/hex.ts';
import type { KernelImage } from './kernel-image.ts';
import type { KernelPlacement } from './kernel-segments.ts';

/** A field of a header: what it holds, and where it stands in the file, in bytes. */
export interface AddressField {
  readonly value: number;
  readonly offset: number;
}

export type AddressFieldName = 'header_addr' | 'load_addr' | 'load_end_addr' | 'bss_end_addr' | 'entry_addr';

/** The address fields of a Multiboot header of either version: physical addresses. */
export type AddressFields = Readonly<Record<AddressFieldName, AddressField>>;

/**
 * Places a kernel by the address fields of its header, which override the program headers (Multiboot 0.6.96, 3.1.3; Multiboot 2.0, 3.1.5).
 * `headerOffset` is where the header stands in the file. Throws which field does not fit the file.
 */
export function placeByAddressFields(image: KernelImage, headerOffset: number, fields: AddressFields): KernelPlacement {
  const value = (name: AddressFieldName): number => fields[name].value;
  const misfit = (name: AddressFieldName, needed: string): StartOfDayError =>
    new StartOfDayError({
      code: 'multiboot-address',
      blame: 'user',
      title: `${name} in the Multiboot header of ${image.name} does not fit the file`,
      detail: `${name} at file offset ${hex(fields[name].offset)} is ${hex(value(name), 8)}; needed: ${needed}`,
      mend: 'Take the address fields from symbols of the linker script.',
    });
  const headerAddress = value('header_addr');
  const load = value('load_addr');
  const loadEnd = value('load_end_addr');
  const bssEnd = value('bss_end_addr');
  const entry = value('entry_addr');
  if (load > headerAddress) throw misfit('load_addr', `at most header_addr, ${hex(headerAddress, 8)}`);
  const start = headerOffset - (headerAddress - load);
  if (start < 0)
    throw misfit(
      'header_addr',
      `at most ${hex(load + headerOffset, 8)}: only ${hex(headerOffset)} bytes stand before the header`,
    );
  const available = image.bytes.length - start;
  const length = loadEnd === 0 ? available : loadEnd - load;
  if (length < 0 || length > available)
    throw misfit(
      'load_end_addr',
      `${hex(load, 8)} … ${hex(load + available, 8)}: the file has ${count(available)} bytes from load_addr on`,
    );
  const size = bssEnd === 0 ? length : bssEnd - load;
  if (size < length) throw misfit('bss_end_addr', `0, or at least ${hex(load + length, 8)}, where the data ends`);
  if (entry < load || entry >= load + size)
    throw misfit('entry_addr', `an address in what is loaded, ${hex(load, 8)} … ${hex(load + size - 1, 8)}`);
  return {
    regions: [{ name: 'kernel image', address: load, bytes: image.bytes.subarray(start, start + length), size }],
    entry,
    bias: (linkedAddress(image, start + entry - load, entry) - entry) >>> 0,
    source: 'address fields of the header',
  };
}

/** The address that the ELF headers, when there are any, give a byte of the file; else its physical address. */
function linkedAddress(image: KernelImage, fileOffset: number, physical: number): number {
  if (image.elf instanceof StartOfDayError || image.elf.bits === 64) return physical;
  const segment = image.elf.loads.find((load) => fileOffset >= load.offset && fileOffset < load.offset + load.fileSize);
  return segment === undefined ? physical : Number(segment.address) + fileOffset - segment.offset;
}
