/** The table of CRC-32 with the polynomial of IEEE 802.3, least significant bit first. */
function table(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
    return value;
  });
}

/** CRC-32 as gzip and xz have it. */
export function crc32(bytes: Uint8Array): number {
  const entries = table();
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (entries[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}
