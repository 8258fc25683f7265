import type { Fields, Layout } from '../util/bytes.ts';
import { layoutSize } from '../util/bytes.ts';
import { binarySize, hex } from '../util/hex.ts';
import { quoted } from './guest-memory.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { MMAP_ENTRY, MMAP_TYPES, MODULE_ENTRY, MODULE_ENTRY_SIZE } from './multiboot-structure.ts';

/** Longest lists that are shown: a guest may write any length. */
const MMAP_LIMIT = 128;
const MODULE_LIMIT = 64;
/** Least value of an entry's `size`, which does not count itself. */
const MMAP_LEAST_SIZE = 20;

/** The entries of a memory map of `length` bytes, and the bytes that it says are available. */
export function memoryMapNodes(
  memory: GuestMemory,
  address: number,
  length: number,
): { readonly nodes: readonly InformationNode[]; readonly available: number } {
  const nodes: InformationNode[] = [];
  let available = 0;
  for (let offset = 0; offset < length && nodes.length < MMAP_LIMIT;) {
    const at = address + offset;
    const entry = memory.fields(MMAP_ENTRY, at);
    const row = { offset, address: at, present: true };
    if (entry === undefined) {
      nodes.push({ ...row, name: `[${nodes.length}]`, size: 0, value: at, text: 'outside memory', present: false });
      break;
    }
    const { size, base_addr, length: bytes, type } = entry;
    nodes.push({
      ...row,
      name: `[${nodes.length}] ${MMAP_TYPES[type] ?? `type ${type}`}`,
      size: size + 4,
      value: Number(base_addr),
      text:
        size < MMAP_LEAST_SIZE ? `size is ${size}, must be at least ${MMAP_LEAST_SIZE}` : rangeText(base_addr, bytes),
      children: fieldNodes(MMAP_ENTRY, entry, at),
      pointer: Number(base_addr),
    });
    if (size < MMAP_LEAST_SIZE) break;
    if (type === 1) available += Number(bytes);
    offset += size + 4;
  }
  return { nodes, available };
}

/** The entries of the module list. */
export function moduleNodes(memory: GuestMemory, address: number, modules: number): readonly InformationNode[] {
  const nodes: InformationNode[] = [];
  for (let index = 0; index < Math.min(modules, MODULE_LIMIT); index++) {
    const at = address + index * MODULE_ENTRY_SIZE;
    const row = { name: `[${index}]`, offset: index * MODULE_ENTRY_SIZE, address: at, size: MODULE_ENTRY_SIZE };
    const entry = memory.fields(MODULE_ENTRY, at);
    if (entry === undefined) {
      nodes.push({ ...row, value: at, text: 'outside memory', present: false });
      break;
    }
    const { mod_start, mod_end, string } = entry;
    const range =
      mod_end < mod_start
        ? `mod_end ${hex(mod_end)} is below mod_start ${hex(mod_start)}`
        : rangeText(BigInt(mod_start), BigInt(mod_end - mod_start));
    const cmdline = string === 0 ? '' : ` ${quoted(memory.string(string))}`;
    nodes.push({
      ...row,
      value: mod_start,
      text: `${range}${cmdline}`,
      present: true,
      children: fieldNodes(MODULE_ENTRY, entry, at),
      pointer: mod_start,
    });
  }
  return nodes;
}

/** `0x9fc00 … 0x9ffff, 1 KiB`. */
function rangeText(start: bigint, length: bigint): string {
  if (length === 0n) return `${hex(start)}, empty`;
  return `${hex(start)} … ${hex(start + length - 1n)}, ${binarySize(Number(length))}`;
}

function fieldNodes<L extends Layout>(layout: L, fields: Fields<L>, address: number): readonly InformationNode[] {
  return Object.entries(layout).map(([name, [offset, type]]) => {
    const value: number | bigint = fields[name] ?? 0;
    const size = layoutSize({ [name]: [0, type] });
    return { name, offset, address: address + offset, size, value: Number(value), text: hex(value), present: true };
  });
}
