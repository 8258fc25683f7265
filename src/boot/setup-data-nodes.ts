import { count, hex } from '../util/hex.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { E820_ENTRY_SIZE } from './linux-boot-params.ts';
import { memoryMapEntries, memoryMapText } from './memory-map-nodes.ts';

const HEADER = { next: [0, 'u64'], type: [8, 'u32'], len: [12, 'u32'] } as const;
const HEADER_SIZE = 16;
const E820_EXT = 1;
const INDIRECT = 0x80000000;
/** Names by type (asm/bootparam.h). */
const TYPES: Readonly<Record<number, string>> = {
  0: 'SETUP_NONE',
  1: 'SETUP_E820_EXT',
  2: 'SETUP_DTB',
  3: 'SETUP_PCI',
  4: 'SETUP_EFI',
  5: 'SETUP_APPLE_PROPERTIES',
  6: 'SETUP_JAILHOUSE',
  7: 'SETUP_CC_BLOB',
  8: 'SETUP_IMA',
  9: 'SETUP_RNG_SEED',
  [INDIRECT]: 'SETUP_INDIRECT',
};
/** A list that a guest has made into a ring has no end. */
const MOST_NODES = 64;

/** The list of `struct setup_data` from a physical address on. */
export function setupDataNodes(memory: GuestMemory, first: number): readonly InformationNode[] {
  const nodes: InformationNode[] = [];
  for (let address = first; address !== 0 && nodes.length < MOST_NODES;) {
    const header = memory.fields(HEADER, address);
    const row = { name: `[${nodes.length}]`, offset: 0, address, value: address, pointer: address };
    if (header === undefined) return [...nodes, { ...row, size: 0, text: 'outside memory', present: false }];
    const { next, type, len } = header;
    const name = TYPES[type] ?? `type ${hex(type)}`;
    const data = address + HEADER_SIZE;
    const map =
      type === E820_EXT
        ? memoryMapEntries(memory, data, Math.floor(len / E820_ENTRY_SIZE), E820_ENTRY_SIZE)
        : undefined;
    nodes.push({
      ...row,
      name: `[${nodes.length}] ${name}`,
      size: HEADER_SIZE + len,
      text: map === undefined ? `${count(len)} bytes` : memoryMapText(map.nodes.length, map.available),
      present: true,
      ...(map === undefined ? {} : { children: map.nodes }),
    });
    address = Number(next);
  }
  return nodes;
}
