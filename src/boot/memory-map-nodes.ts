import { binarySize, hex } from '../util/hex.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';

/** Address range types of ACPI 6.4, table 15.2, which E820, boot_params and hvm_start_info share. */
const TYPES: Readonly<Record<number, string>> = {
  1: 'RAM',
  2: 'reserved',
  3: 'ACPI data',
  4: 'ACPI NVS',
  5: 'unusable',
  6: 'disabled',
  7: 'persistent memory',
};
const ENTRY = { addr: [0, 'u64'], size: [8, 'u64'], type: [16, 'u32'] } as const;
/** A guest may write any count. */
const MOST_ENTRIES = 256;

/** The entries of a memory map, each with address, size and type; `stride` is how far they lie apart. All in bytes. */
export function memoryMapEntries(
  memory: GuestMemory,
  address: number,
  count: number,
  stride: number,
): { readonly nodes: readonly InformationNode[]; readonly available: number } {
  const nodes: InformationNode[] = [];
  let available = 0;
  for (let index = 0; index < Math.min(count, MOST_ENTRIES); index++) {
    const at = address + index * stride;
    const row = { offset: index * stride, address: at, size: stride };
    const entry = memory.fields(ENTRY, at);
    if (entry === undefined) {
      nodes.push({ ...row, name: `[${index}]`, value: at, text: 'outside memory', present: false });
      break;
    }
    const { addr, size, type } = entry;
    if (type === 1) available += Number(size);
    nodes.push({
      ...row,
      name: `[${index}] ${TYPES[type] ?? `type ${type}`}`,
      value: Number(addr),
      text: rangeText(addr, size),
      present: true,
      pointer: Number(addr),
      children: [
        { name: 'addr', offset: 0, address: at, size: 8, value: Number(addr), text: hex(addr), present: true },
        { name: 'size', offset: 8, address: at + 8, size: 8, value: Number(size), text: sizeText(size), present: true },
        {
          name: 'type',
          offset: 16,
          address: at + 16,
          size: 4,
          value: type,
          text: `${type} · ${TYPES[type] ?? 'not defined'}`,
          present: true,
        },
      ],
    });
  }
  return { nodes, available };
}

/** `0x9fc00 … 0x9ffff, 1 KiB`. */
function rangeText(start: bigint, length: bigint): string {
  if (length === 0n) return `${hex(start)}, empty`;
  return `${hex(start)} … ${hex(start + length - 1n)}, ${binarySize(Number(length))}`;
}

function sizeText(size: bigint): string {
  return `${hex(size)} = ${binarySize(Number(size))}`;
}

/** `5 ranges, 127.6 MiB of RAM`. */
export function memoryMapText(entries: number, available: number): string {
  return `${entries} ${entries === 1 ? 'range' : 'ranges'}, ${binarySize(available)} of RAM`;
}
