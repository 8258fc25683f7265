import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';

/** An address in one of the two flat spaces, 32 bits unsigned. */
export interface FlatAddress {
  readonly space: 'physical' | 'linear';
  readonly value: number;
}

/** An offset in a segment, before segmentation. */
export interface SegmentedAddress {
  readonly space: 'segmented';
  /** Selector or real-mode segment, 16 bits. */
  readonly segment: number;
  readonly offset: number;
}

export type Address = FlatAddress | SegmentedAddress;

const PREFIX = { physical: 'phys:', linear: 'lin:' } as const;
const FLAT = /^(?:(phys|lin):)?(0x[0-9a-f]{1,8}|\d{1,10})$/i;
const SEGMENTED = /^([0-9a-f]{1,4}):([0-9a-f]{1,8})$/i;

/** `phys:0x1000`, `lin:0xc0101f40`, `f000:fff0`. */
export function formatAddress(address: Address): string {
  if (address.space !== 'segmented') return PREFIX[address.space] + hex(address.value);
  const digits = (value: number): string => value.toString(16).padStart(4, '0');
  return `${digits(address.segment)}:${digits(address.offset)}`;
}

/**
 * Reads what {@link formatAddress} writes; a number without a prefix is linear, decimal unless it starts with `0x`, and the
 * parts of `segment:offset` are hexadecimal. Throws {@link StartOfDayError} `address-syntax`, blame `user`.
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  const flat = FLAT.exec(trimmed);
  const value = Number(flat?.[2]);
  if (flat !== null && value <= 0xffffffff)
    return { space: flat[1]?.toLowerCase() === 'phys' ? 'physical' : 'linear', value };
  const segmented = SEGMENTED.exec(trimmed);
  if (flat === null && segmented !== null)
    return {
      space: 'segmented',
      segment: parseInt(segmented[1] ?? '', 16),
      offset: parseInt(segmented[2] ?? '', 16),
    };
  throw new StartOfDayError({
    code: 'address-syntax',
    blame: 'user',
    title: `"${text}" is not an address`,
    detail: 'An address is phys:0x1000, lin:0xc0000000, f000:fff0 or a number of at most 32 bits',
    mend: 'Write it in one of these forms.',
  });
}
