/** Lower-case hexadecimal with `0x`, padded to `digits`: addresses, masks, selectors, error codes. */
export function hex(value: number | bigint, digits = 1): string {
  const unsigned = typeof value === 'bigint' ? value : value < 0 ? value >>> 0 : value;
  return `0x${unsigned.toString(16).padStart(digits, '0')}`;
}

/** Register notation: upper-case digits at full width, so that a change moves no digit (`0x0000002B`). */
export function registerHex(value: number | bigint, widthInBits = 32): string {
  const unsigned = BigInt.asUintN(widthInBits, BigInt(value));
  return `0x${unsigned
    .toString(16)
    .toUpperCase()
    .padStart(widthInBits / 4, '0')}`;
}

/** Counts in decimal with thousands separators, the same on every locale. */
export function count(value: number): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** A size in binary units with at most one decimal: `639 B`, `42.2 KiB`, `128 MiB`. */
export function binarySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${Number.isInteger(size) ? size : size.toFixed(1)} ${units[unit] ?? ''}`;
}
