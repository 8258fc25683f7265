import { alignUp, decodeCString, layoutSize } from '../util/bytes.ts';
import type { Layout } from '../util/bytes.ts';
import { ByteReader } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { MMAP_TYPES } from './multiboot-structure.ts';
import {
  INFORMATION_ALIGNMENT,
  INFORMATION_HEAD,
  INFORMATION_TAG,
  INFORMATION_TAG_SIZE,
  INFORMATION_TAGS,
  INFORMATION_TYPE,
  MEMORY_MAP_ENTRY,
} from './multiboot2-structure.ts';

const HEAD_SIZE = layoutSize(INFORMATION_HEAD);
/** Longest lists and texts that are shown: a guest may write any length. */
const TAG_LIMIT = 256;
const ENTRY_LIMIT = 128;
const TAG_BYTES_LIMIT = 0x10000;
const FRAMEBUFFER_TYPES: Readonly<Record<number, string>> = { 0: 'indexed colour', 1: 'RGB', 2: 'EGA text' };

/** The Multiboot 2 information structure at a physical address: a node for each tag. Reads each time it is called. */
export function decodeMultiboot2Information(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const head = memory.fields(INFORMATION_HEAD, address);
  const whole = { name: 'multiboot2_info', offset: 0, address, value: address, pointer: address };
  if (head === undefined)
    return { ...whole, size: HEAD_SIZE, text: `${hex(address)} · outside memory`, present: false };
  const tags = tagNodes(memory, address, head.total_size);
  return {
    ...whole,
    size: head.total_size,
    text: `${hex(address)} · ${count(head.total_size)} bytes, ${tags.length === 1 ? '1 tag' : `${tags.length} tags`}`,
    present: true,
    children: [
      ...fieldNodes(new ByteReader('head', words(head.total_size, head.reserved)), INFORMATION_HEAD, address),
      ...tags,
    ],
  };
}

function tagNodes(memory: GuestMemory, address: number, total: number): InformationNode[] {
  const nodes: InformationNode[] = [];
  for (let offset = HEAD_SIZE; nodes.length < TAG_LIMIT;) {
    const at = address + offset;
    const row = { offset, address: at, value: at };
    if (offset + INFORMATION_TAG_SIZE > total) {
      nodes.push({
        ...row,
        name: 'tags',
        size: 0,
        text: `total_size ${hex(total)} ends before an end tag`,
        present: false,
      });
      break;
    }
    const head = memory.fields(INFORMATION_TAG, at);
    const bytes = head === undefined ? undefined : memory.bytes(at, Math.min(head.size, TAG_BYTES_LIMIT));
    if (head === undefined || bytes === undefined) {
      nodes.push({ ...row, name: 'tag', size: INFORMATION_TAG_SIZE, text: 'outside memory', present: false });
      break;
    }
    const { type, size } = head;
    if (size < INFORMATION_TAG_SIZE || offset + size > total) {
      const needed = `must be ${INFORMATION_TAG_SIZE} to ${hex(total - offset)}`;
      nodes.push({
        ...row,
        name: `tag ${type}`,
        size,
        value: type,
        text: `size is ${hex(size)}, ${needed}`,
        present: true,
      });
      break;
    }
    nodes.push({ ...row, ...tagNode(new ByteReader('tag', bytes), type, at), size, value: type, present: true });
    if (type === INFORMATION_TYPE.end) break;
    offset = alignUp(offset + size, INFORMATION_ALIGNMENT);
  }
  return nodes;
}

type TagNode = Pick<InformationNode, 'name' | 'text' | 'children' | 'pointer'>;

function tagNode(tag: ByteReader, type: number, address: number): TagNode {
  const description = INFORMATION_TAGS.get(type);
  const name = description === undefined ? `tag ${type}` : `${type} ${description.name}`;
  const fields = description?.fields ?? {};
  if (description === undefined) return { name, text: `${count(tag.length)} bytes, not defined` };
  if (!tag.has(0, sizeOf(fields)))
    return { name, text: `${count(tag.length)} bytes, must be ${sizeOf(fields)} or more` };
  const children = [...fieldNodes(tag, INFORMATION_TAG, address), ...fieldNodes(tag, fields, address)];
  const entries = type === INFORMATION_TYPE.memoryMap ? memoryMapNodes(tag, address) : [];
  return { name, ...meaning(tag, type), children: [...children, ...entries] };
}

/** What a tag says, in one line. The tag has its fields: that was checked. */
function meaning(tag: ByteReader, type: number): Pick<InformationNode, 'text' | 'pointer'> {
  const word = (at: number): number => tag.u32(at, 'a field');
  switch (type) {
    case INFORMATION_TYPE.end:
      return { text: 'end of the structure' };
    case INFORMATION_TYPE.commandLine:
    case INFORMATION_TYPE.bootLoaderName:
      return { text: `"${textFrom(tag, INFORMATION_TAG_SIZE)}"` };
    case INFORMATION_TYPE.module: {
      const [start, end] = [word(8), word(12)];
      const range =
        end < start
          ? `mod_end ${hex(end)} is below mod_start ${hex(start)}`
          : rangeText(BigInt(start), BigInt(end - start));
      return { text: `${range} "${textFrom(tag, 16)}"`, pointer: start };
    }
    case INFORMATION_TYPE.memory:
      return { text: `${count(word(8))} KiB below 1 MiB, ${binarySize(word(12) * 1024)} above` };
    case INFORMATION_TYPE.memoryMap:
      return { text: `${count(mapEntries(tag))} ranges of ${word(8)} bytes` };
    case INFORMATION_TYPE.framebuffer: {
      const kind = FRAMEBUFFER_TYPES[tag.u8(29, 'framebuffer_type')] ?? 'type not defined';
      const pointer = Number(tag.u64(8, 'framebuffer_addr'));
      return { text: `${word(20)} by ${word(24)}, ${kind}, at ${hex(pointer)}`, pointer };
    }
    case INFORMATION_TYPE.elfSections:
      return { text: `${count(word(8))} section headers of ${word(12)} bytes, names in section ${word(16)}` };
    case INFORMATION_TYPE.oldAcpi:
    case INFORMATION_TYPE.newAcpi: {
      if (!tag.has(24, 4)) return { text: `${count(tag.length)} bytes, too short for an RSDP` };
      return { text: `copy of the RSDP, RSDT at ${hex(word(24))}`, pointer: word(24) };
    }
    case INFORMATION_TYPE.loadBase:
      return { text: hex(word(8), 8), pointer: word(8) };
    default:
      return { text: `${count(tag.length)} bytes` };
  }
}

function mapEntries(tag: ByteReader): number {
  const size = tag.u32(8, 'entry_size');
  return size < layoutSize(MEMORY_MAP_ENTRY) ? 0 : Math.floor((tag.length - 16) / size);
}

function memoryMapNodes(tag: ByteReader, address: number): InformationNode[] {
  const size = tag.u32(8, 'entry_size');
  return Array.from({ length: Math.min(mapEntries(tag), ENTRY_LIMIT) }, (_, index) => {
    const offset = 16 + index * size;
    const { base_addr, length, type } = tag.fields(MEMORY_MAP_ENTRY, offset, 'an entry');
    return {
      name: `[${index}] ${MMAP_TYPES[type] ?? `type ${type}`}`,
      offset,
      address: address + offset,
      size,
      value: Number(base_addr),
      text: rangeText(base_addr, length),
      present: true,
      pointer: Number(base_addr),
    };
  });
}

function fieldNodes(tag: ByteReader, layout: Layout, address: number): InformationNode[] {
  return Object.entries(layout).map(([name, [offset, type]]) => {
    const value = tag[type](offset, name);
    const size = layoutSize({ [name]: [0, type] });
    return { name, offset, address: address + offset, size, value: Number(value), text: hex(value), present: true };
  });
}

function sizeOf(layout: Layout): number {
  return Math.max(INFORMATION_TAG_SIZE, ...Object.values(layout).map((field) => layoutSize({ field })));
}

function textFrom(tag: ByteReader, offset: number): string {
  return decodeCString(tag.bytes.subarray(offset));
}

/** `0x9fc00 … 0x9ffff, 1 KiB`. */
function rangeText(start: bigint, length: bigint): string {
  if (length === 0n) return `${hex(start)}, empty`;
  return `${hex(start)} … ${hex(start + length - 1n)}, ${binarySize(Number(length))}`;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint32(index * 4, value, true));
  return bytes;
}
