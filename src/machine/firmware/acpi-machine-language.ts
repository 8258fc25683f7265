import { little } from './firmware-table.ts';

/** The few terms of the ACPI Machine Language that this machine's DSDT needs (ACPI 6.4, chapter 20). Each gives its encoding. */
export const aml = {
  /** `path` in ASL: "\\_SB_", "_HID". Segments have four characters. */
  name: (path: string, value: readonly number[]): number[] => [0x08, ...ascii(path), ...value],

  scope: (path: string, terms: readonly (readonly number[])[]): number[] => [0x10, ...packaged(path, terms)],

  device: (path: string, terms: readonly (readonly number[])[]): number[] => [0x5b, 0x82, ...packaged(path, terms)],

  /** 0 to 2^32 - 1, in the shortest encoding. */
  integer: (value: number): number[] => {
    if (value <= 1) return [value];
    if (value <= 0xff) return [0x0a, value];
    if (value <= 0xffff) return [0x0b, ...little(2, value)];
    return [0x0c, ...little(4, value)];
  },

  package: (elements: readonly (readonly number[])[]): number[] => {
    const body = [elements.length, ...elements.flat()];
    return [0x12, ...packageLength(body.length), ...body];
  },

  /** `resources` without their end tag. */
  resources: (resources: readonly (readonly number[])[]): number[] => {
    const bytes = [...resources.flat(), 0x79, 0x00];
    const body = [...aml.integer(bytes.length), ...bytes];
    return [0x11, ...packageLength(body.length), ...body];
  },

  /** A Plug and Play identifier as "PNP0A03". */
  eisaId: (id: string): number[] => {
    const letter = (index: number): number => id.charCodeAt(index) - 0x40;
    const vendor = (letter(0) << 10) | (letter(1) << 5) | letter(2);
    const product = Number.parseInt(id.slice(3), 16);
    return [0x0c, vendor >> 8, vendor & 0xff, product >> 8, product & 0xff];
  },
};

function ascii(value: string): number[] {
  return Array.from(value, (character) => character.charCodeAt(0));
}

function packaged(path: string, terms: readonly (readonly number[])[]): number[] {
  const body = [...ascii(path), ...terms.flat()];
  return [...packageLength(body.length), ...body];
}

/** PkgLength counts itself: one byte up to 63, else two with the low nibble in the first (20.2.4). */
function packageLength(body: number): number[] {
  if (body + 1 < 0x40) return [body + 1];
  const length = body + 2;
  return [0x40 | (length & 15), length >> 4];
}
