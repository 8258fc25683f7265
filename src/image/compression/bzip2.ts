import { DamagedData } from './output.ts';
import type { Output } from './output.ts';
import { readCodeLengths, huffmanTable } from './bzip2-huffman.ts';
import { BitInput } from './bit-input.ts';

/** First 48 bits of a block, pi, and of the end, its square root. */
const BLOCK_MAGIC = [0x314159, 0x265359];
const END_MAGIC = [0x177245, 0x385090];
const BLOCK_UNIT = 100_000;
const GROUP_SIZE = 50;
const RUN_A = 0;
const RUN_B = 1;

/** A .bz2 file: blocks of at most 900,000 bytes, each with its CRC compared. */
export function decompressBzip2(bytes: Uint8Array, output: Output): void {
  const input = new BitInput(bytes);
  const [b, z, h] = [input.bits(8), input.bits(8), input.bits(8)];
  const level = input.bits(8) - 0x30;
  if (b !== 0x42 || z !== 0x5a || h !== 0x68 || level < 1 || level > 9)
    throw new DamagedData(0, 'no "BZh1" to "BZh9" stands at the start');
  for (;;) {
    const magic = [input.bits(24), input.bits(24)];
    if (magic.every((word, index) => word === END_MAGIC[index])) return;
    if (!magic.every((word, index) => word === BLOCK_MAGIC[index]))
      throw new DamagedData(input.position, 'neither a block nor the end begins here');
    const crc = input.bits(24) * 256 + input.bits(8);
    const start = output.length;
    decodeBlock(input, output, level * BLOCK_UNIT);
    if (blockCrc(output.bytes.subarray(start)) !== crc)
      throw new DamagedData(input.position, 'the CRC of a block is another one');
  }
}

function decodeBlock(input: BitInput, output: Output, most: number): void {
  if (input.bits(1) === 1)
    throw new DamagedData(input.position, 'a block is randomised, which no bzip2 since 1.0 writes');
  const origin = input.bits(24);
  const links = new Uint32Array(most);
  const used = readSymbols(input, links);
  if (origin >= used) throw new DamagedData(input.position, `origPtr is ${origin}, and the block has ${used} bytes`);
  linkUp(links, used);
  writeRuns(links, used, origin, input, output);
}

/** Which bytes occur, in two levels of bits. */
function readAlphabet(input: BitInput): number[] {
  const rows = input.bits(16);
  const alphabet: number[] = [];
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = input.bits(16);
    for (let column = 0; column < 16; column++)
      if ((columns & (0x8000 >> column)) !== 0) alphabet.push(row * 16 + column);
  }
  if (alphabet.length === 0) throw new DamagedData(input.position, 'a block uses no byte value');
  return alphabet;
}

/** The block before the inverse of the Burrows-Wheeler transform, a byte in each cell; its length. */
function readSymbols(input: BitInput, block: Uint32Array): number {
  const recent = readAlphabet(input);
  const endOfBlock = recent.length + 1;
  const groups = input.bits(3);
  if (groups < 2 || groups > 6)
    throw new DamagedData(input.position, `a block has ${groups} Huffman tables; 2 to 6 are possible`);
  const selectors = readSelectors(input, groups);
  const tables = Array.from({ length: groups }, () => huffmanTable(readCodeLengths(input, recent.length + 2), input));
  let used = 0;
  let run = 0;
  let weight = 1;
  const put = (byte: number, times: number): void => {
    if (times > block.length - used)
      throw new DamagedData(input.position, `a block has more than ${block.length} bytes`);
    block.fill(byte, used, used + times);
    used += times;
  };
  for (const selector of selectors) {
    const table = tables[selector];
    if (table === undefined)
      throw new DamagedData(input.position, `a selector names Huffman table ${selector} of ${groups}`);
    for (let n = 0; n < GROUP_SIZE; n++) {
      const symbol = table.read(input);
      if (symbol === RUN_A || symbol === RUN_B) {
        if (weight > block.length) throw new DamagedData(input.position, 'a run is longer than a block');
        run += weight << symbol;
        weight <<= 1;
        continue;
      }
      if (run > 0) put(recent[0] ?? 0, run);
      [run, weight] = [0, 1];
      if (symbol === endOfBlock) return used;
      const [byte = 0] = recent.splice(symbol - 1, 1);
      recent.unshift(byte);
      put(byte, 1);
    }
  }
  throw new DamagedData(input.position, 'a block does not end with its last selector');
}

/** Which Huffman table each group of 50 symbols has, by how long ago it was used. */
function readSelectors(input: BitInput, groups: number): number[] {
  const count = input.bits(15);
  const recent = Array.from({ length: groups }, (_, index) => index);
  return Array.from({ length: count }, () => {
    let index = 0;
    while (input.bits(1) === 1)
      if (++index >= groups)
        throw new DamagedData(input.position, `a selector is ${index} or more; there are ${groups} Huffman tables`);
    const [selected = 0] = recent.splice(index, 1);
    recent.unshift(selected);
    return selected;
  });
}

/** Puts into the upper bits of each cell where the byte after it stands. */
function linkUp(links: Uint32Array, used: number): void {
  const starts = new Uint32Array(257);
  for (let at = 0; at < used; at++)
    starts[((links[at] ?? 0) & 0xff) + 1] = (starts[((links[at] ?? 0) & 0xff) + 1] ?? 0) + 1;
  for (let byte = 0; byte < 256; byte++) starts[byte + 1] = (starts[byte + 1] ?? 0) + (starts[byte] ?? 0);
  for (let at = 0; at < used; at++) {
    const byte = (links[at] ?? 0) & 0xff;
    const to = starts[byte] ?? 0;
    starts[byte] = to + 1;
    links[to] = (links[to] ?? 0) | (at << 8);
  }
}

/** Follows the links; after four equal bytes comes how often the byte is repeated. */
function writeRuns(links: Uint32Array, used: number, origin: number, input: BitInput, output: Output): void {
  let link = (links[origin] ?? 0) >>> 8;
  let previous = -1;
  let equal = 0;
  for (let n = 0; n < used; n++) {
    const cell = links[link] ?? 0;
    link = cell >>> 8;
    const byte = cell & 0xff;
    if (equal === 4) {
      if (byte > 0) output.copy(1, byte, input.position);
      equal = 0;
      previous = -1;
      continue;
    }
    equal = byte === previous ? equal + 1 : 1;
    previous = byte;
    output.push(byte, input.position);
  }
}

/** CRC-32 with the polynomial of IEEE 802.3, most significant bit first. */
function blockCrc(bytes: Uint8Array): number {
  const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte << 24;
    for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c11db7 : 0);
    return value;
  });
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc << 8) ^ (table[(crc >>> 24) ^ byte] ?? 0);
  return ~crc >>> 0;
}
