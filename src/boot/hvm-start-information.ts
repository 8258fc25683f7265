import { ByteReader } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory, quoted } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import {
  MEMORY_MAP_ENTRY_SIZE,
  MODULE_LIST_ENTRY,
  MODULE_LIST_ENTRY_SIZE,
  START_INFO,
  START_INFO_SIZE,
  START_MAGIC,
} from './hvm-start-info.ts';
import type { InformationNode } from './information-node.ts';
import { memoryMapEntries, memoryMapText } from './memory-map-nodes.ts';

/** SIF_* of xen.h, by bit. */
const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0, 'SIF_PRIVILEGED'],
  [1, 'SIF_INITDOMAIN'],
  [2, 'SIF_MULTIBOOT_MOD'],
  [3, 'SIF_MOD_START_PFN'],
  [4, 'SIF_VIRT_P2M_4TOOLS'],
];
/** A guest may write any count. */
const MOST_MODULES = 64;

type Meaning = Pick<InformationNode, 'text' | 'pointer' | 'type' | 'children'>;
type Name = keyof typeof START_INFO;

/** hvm_start_info at a physical address, with everything that it points to. Reads each time it is called. */
export function decodeHvmStartInfo(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const row = { name: 'hvm_start_info', offset: 0, address, size: START_INFO_SIZE, value: address, pointer: address };
  const bytes = memory.bytes(address, START_INFO_SIZE);
  if (bytes === undefined) return { ...row, text: `${hex(address)} · outside memory`, present: false };
  const reader = new ByteReader('hvm_start_info', bytes);
  const value = (name: Name): number => Number(reader[START_INFO[name][1]](START_INFO[name][0], name));
  const version = value('version');
  return {
    ...row,
    text: `${hex(address)} · version ${version}, ${modulesText(value('nr_modules'))}`,
    present: true,
    children: (Object.keys(START_INFO) as Name[]).map((name): InformationNode => {
      const [offset, type] = START_INFO[name];
      const field = { name, offset, address: address + offset, size: type === 'u64' ? 8 : 4, value: value(name) };
      // Version 0 ends before the memory map.
      if (version === 0 && offset >= START_INFO.memmap_paddr[0])
        return { ...field, present: false, text: 'since version 1; this is 0' };
      return { ...field, present: true, ...meaning(memory, name, value) };
    }),
  };
}

function meaning(memory: GuestMemory, name: Name, value: (name: Name) => number): Meaning {
  const own = value(name);
  switch (name) {
    case 'magic':
      return { text: `${hex(own, 8)} · ${own === START_MAGIC ? 'hvm_start_info' : `must be ${hex(START_MAGIC, 8)}`}` };
    case 'flags':
      return {
        text: [hex(own), ...FLAGS.filter(([bit]) => ((own >>> bit) & 1) !== 0).map(([, flag]) => flag)].join(' '),
      };
    case 'modlist_paddr':
      return pointer(own, () => {
        const children = moduleNodes(memory, own, value('nr_modules'));
        return { text: modulesText(children.length), children };
      });
    case 'cmdline_paddr':
      return own === 0
        ? { text: '0 · none' }
        : { text: `${hex(own)} ${quoted(memory.string(own))}`, pointer: own, type: 'char *' };
    case 'rsdp_paddr':
      return pointer(own, () => ({ text: 'ACPI root pointer' }));
    case 'memmap_paddr':
      return pointer(own, () => {
        const { nodes, available } = memoryMapEntries(memory, own, value('memmap_entries'), MEMORY_MAP_ENTRY_SIZE);
        return { text: memoryMapText(nodes.length, available), children: nodes };
      });
    case 'version':
    case 'nr_modules':
    case 'memmap_entries':
    case 'reserved':
      return { text: count(own) };
  }
}

function pointer(address: number, target: () => Pick<Meaning, 'text' | 'children'>): Meaning {
  if (address === 0) return { text: '0 · none' };
  const { text, children } = target();
  return { text: `${hex(address)} · ${text}`, pointer: address, ...(children === undefined ? {} : { children }) };
}

function moduleNodes(memory: GuestMemory, list: number, modules: number): readonly InformationNode[] {
  const nodes: InformationNode[] = [];
  for (let index = 0; index < Math.min(modules, MOST_MODULES); index++) {
    const at = list + index * MODULE_LIST_ENTRY_SIZE;
    const row = { name: `[${index}]`, offset: index * MODULE_LIST_ENTRY_SIZE, address: at };
    const entry = memory.fields(MODULE_LIST_ENTRY, at);
    if (entry === undefined) {
      nodes.push({ ...row, size: MODULE_LIST_ENTRY_SIZE, value: at, text: 'outside memory', present: false });
      break;
    }
    const [start, size, line] = [Number(entry.paddr), Number(entry.size), Number(entry.cmdline_paddr)];
    const range = size === 0 ? `${hex(start)}, empty` : `${hex(start)} … ${hex(start + size - 1)}, ${binarySize(size)}`;
    nodes.push({
      ...row,
      size: MODULE_LIST_ENTRY_SIZE,
      value: start,
      text: line === 0 ? range : `${range} ${quoted(memory.string(line))}`,
      present: true,
      pointer: start,
      children: Object.entries(MODULE_LIST_ENTRY).map(([name, [offset]]) => {
        const value = entry[name as keyof typeof entry];
        return { name, offset, address: at + offset, size: 8, value: Number(value), text: hex(value), present: true };
      }),
    });
  }
  return nodes;
}

function modulesText(modules: number): string {
  return modules === 0 ? 'no modules' : `${count(modules)} ${modules === 1 ? 'module' : 'modules'}`;
}
