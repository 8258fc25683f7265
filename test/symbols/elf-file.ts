import { readFileSync } from 'node:fs';
import type { SymbolImage, SymbolSection } from '../../src/symbols/image.ts';

const NOBITS = 8;

/** The sections of an ELF file that gcc made. */
export function readElfFile(path: string): SymbolImage {
  const bytes = new Uint8Array(readFileSync(path));
  const view = new DataView(bytes.buffer);
  const bits = bytes[4] === 2 ? 64 : 32;
  const word = (at: number): number => (bits === 64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const wide = bits / 8;
  const table = word(bits === 64 ? 0x28 : 0x20);
  const [entry, count, names] = [0, 2, 4].map((field) => view.getUint16((bits === 64 ? 0x3a : 0x2e) + field, true));
  const header = (index: number): { name: number; type: number; address: number; offset: number; size: number } => {
    const at = table + index * (entry ?? 0);
    return {
      name: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      address: word(at + 8 + wide),
      offset: word(at + 8 + 2 * wide),
      size: word(at + 8 + 3 * wide),
    };
  };
  const strings = header(names ?? 0).offset;
  const sections = Array.from({ length: count ?? 0 }, (_, index): SymbolSection => {
    const { name, type, address, offset, size } = header(index);
    const start = strings + name;
    return {
      name: new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start))),
      address: BigInt(address),
      size,
      offset,
      bytes: type === NOBITS ? new Uint8Array() : bytes.subarray(offset, offset + size),
    };
  });
  return { bits, sections };
}
