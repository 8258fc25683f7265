/** A table that firmware leaves in memory. */
export interface FirmwareTable {
  /** Physical address. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Little-endian bytes of a value of 1 to 4 bytes. */
export function little(bytes: 1 | 2 | 3 | 4, value: number): number[] {
  return Array.from({ length: bytes }, (_, index) => (value >>> (index * 8)) & 0xff);
}

/** Eight bytes of a value below 2^32. */
export function little64(value: number): number[] {
  return [...little(4, value), 0, 0, 0, 0];
}

/** ASCII, filled up with spaces or cut. */
export function text(length: number, value: string): number[] {
  return Array.from({ length }, (_, index) => value.padEnd(length).charCodeAt(index));
}

/** Sets the byte at `at` so that bytes `from` up to `to` add up to zero. */
export function setChecksum(bytes: Uint8Array, at: number, from = 0, to = bytes.length): void {
  bytes[at] = 0;
  const sum = bytes.subarray(from, to).reduce((total, byte) => total + byte, 0);
  bytes[at] = -sum & 0xff;
}
