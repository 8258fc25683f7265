import { ByteReader } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory, quoted } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { memoryMapNodes, moduleNodes } from './multiboot-lists.ts';
import {
  AOUT_SYMBOL_FIELDS,
  ELF_SYMBOL_FIELDS,
  INFORMATION_FIELDS,
  INFORMATION_FLAGS,
  INFORMATION_SIZE,
} from './multiboot-structure.ts';
import type { InformationField } from './multiboot-structure.ts';

const FRAMEBUFFER_TYPES: Readonly<Record<number, string>> = { 0: 'indexed colour', 1: 'RGB', 2: 'EGA text' };

/** The information structure at a physical address, with everything that it points to. Reads each time it is called. */
export function decodeMultibootInformation(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const whole = {
    name: 'multiboot_info',
    offset: 0,
    address,
    size: INFORMATION_SIZE,
    value: address,
    pointer: address,
  };
  const bytes = memory.bytes(address, INFORMATION_SIZE);
  if (bytes === undefined) return { ...whole, text: `${hex(address)} · outside memory`, present: false };
  const structure = new Structure(memory, address, bytes);
  const given = INFORMATION_FLAGS.filter((_, bit) => structure.flag(bit)).length;
  return {
    ...whole,
    text: `${hex(address)} · flags say ${given} of ${INFORMATION_FLAGS.length} parts are given`,
    present: true,
    children: INFORMATION_FIELDS.map((field) => structure.node(field)),
  };
}

type Meaning = Pick<InformationNode, 'text' | 'children' | 'pointer' | 'type'>;

class Structure {
  private readonly memory: GuestMemory;
  private readonly address: number;
  private readonly reader: ByteReader;

  constructor(memory: GuestMemory, address: number, bytes: Uint8Array) {
    this.memory = memory;
    this.address = address;
    this.reader = new ByteReader('multiboot_info', bytes);
  }

  flag(bit: number): boolean {
    return ((this.word(0) >>> bit) & 1) !== 0;
  }

  node(field: InformationField): InformationNode {
    const { name, offset, size, flags } = field;
    const value = this.value(field);
    const row = { name, offset, address: this.address + offset, size, value };
    if (flags.length > 0 && !flags.some((bit) => this.flag(bit)))
      return { ...row, present: false, text: `absent: flags ${bitsText(flags)} 0` };
    return { ...row, present: true, ...this.meaning(field, value) };
  }

  private word(offset: number): number {
    return this.reader.u32(offset, 'multiboot_info');
  }

  /** The number in a field; the four words of `syms` as text. */
  private value({ name, offset, size }: InformationField): number | string {
    if (size === 16) return [0, 4, 8, 12].map((at) => hex(this.word(offset + at))).join(' ');
    if (size === 8) return Number(this.reader.u64(offset, name));
    return size === 4 ? this.word(offset) : size === 2 ? this.reader.u16(offset, name) : this.reader.u8(offset, name);
  }

  private meaning({ name, kind }: InformationField, raw: number | string): Meaning {
    if (typeof raw === 'string') return this.symbols();
    switch (kind) {
      case 'flags':
        return this.flags(raw);
      case 'kibibytes':
        return { text: raw < 1024 ? `${raw} KiB` : `${raw} KiB = ${binarySize(raw * 1024)}` };
      case 'boot device':
        return { text: `${hex(raw, 8)} · ${bootDeviceText(raw)}` };
      case 'string':
        return { text: `${hex(raw)} ${quoted(this.memory.string(raw))}`, pointer: raw, type: 'char *' };
      case 'modules':
        return this.list(raw, moduleNodes(this.memory, raw, this.word(20)), (nodes) => counted(nodes.length, 'module'));
      case 'memory map':
        return this.memoryMap(raw);
      case 'bytes':
        return { text: name === 'mmap_length' ? this.mapLength(raw) : `${count(raw)} bytes` };
      case 'count':
        return { text: name === 'mods_count' && raw === 0 ? '0 · no modules' : count(raw) };
      case 'framebuffer type':
        return { text: `${raw} · ${FRAMEBUFFER_TYPES[raw] ?? 'not defined'}` };
      case 'pointer':
        return { text: hex(raw), pointer: raw };
      case 'number':
      case 'symbols':
        return { text: hex(raw) };
    }
  }

  private flags(value: number): Meaning {
    const set = INFORMATION_FLAGS.filter((_, bit) => this.flag(bit));
    const children = INFORMATION_FLAGS.map((flag, bit): InformationNode => {
      const of = INFORMATION_FIELDS.filter(({ flags }) => flags.some((one) => one === bit)).map(({ name }) => name);
      const state = this.flag(bit) ? 'given' : 'not given';
      return {
        name: `bit ${bit} ${flag}`,
        offset: 0,
        address: this.address,
        size: 4,
        value: this.flag(bit) ? 1 : 0,
        text: `${this.flag(bit) ? 1 : 0} · ${spanText(of)} ${state}`,
        present: true,
      };
    });
    return {
      text: [`0x${value.toString(16).toUpperCase()}`, ...(set.length > 0 ? [set.join(' ')] : [])].join(' · '),
      children,
    };
  }

  private symbols(): Meaning {
    const elf = this.flag(5);
    if (elf && this.flag(4)) return { text: 'flags bits 4 and 5 are both 1, which the specification forbids' };
    const layout: Readonly<Record<string, number>> = elf ? ELF_SYMBOL_FIELDS : AOUT_SYMBOL_FIELDS;
    const children = Object.entries(layout).map(([name, offset]): InformationNode => {
      const value = this.word(offset);
      const text = name === 'addr' ? hex(value) : count(value);
      return {
        name,
        offset,
        address: this.address + offset,
        size: 4,
        value,
        text,
        present: true,
        ...(name === 'addr' ? { pointer: value } : {}),
      };
    });
    const [first, second, pointer] = [this.word(28), this.word(32), this.word(36)];
    const text = elf
      ? `${count(first)} section headers of ${second} bytes at ${hex(pointer)}, names in section ${this.word(40)}`
      : `a.out symbols: ${count(first)} bytes, strings ${count(second)} bytes, at ${hex(pointer)}`;
    return { text, children, pointer };
  }

  private mapLength(length: number): string {
    const { nodes } = memoryMapNodes(this.memory, this.word(48), length);
    const [first] = nodes;
    if (first === undefined || nodes.some(({ size }) => size !== first.size))
      return `${count(length)} · ${counted(nodes.length, 'entry')}`;
    return `${count(length)} · ${counted(nodes.length, 'entry')} of ${first.size} bytes`;
  }

  private memoryMap(pointer: number): Meaning {
    const { nodes, available } = memoryMapNodes(this.memory, pointer, this.word(44));
    return this.list(pointer, nodes, () => `${counted(nodes.length, 'range')}, ${binarySize(available)} available`);
  }

  private list(
    pointer: number,
    children: readonly InformationNode[],
    text: (nodes: readonly InformationNode[]) => string,
  ): Meaning {
    return { text: `${hex(pointer)} · ${text(children)}`, children, pointer };
  }
}

/** `mem_lower, mem_upper`; of more than two the first and the last. */
function spanText(names: readonly string[]): string {
  return names.length > 2 ? `${names.at(0) ?? ''} … ${names.at(-1) ?? ''}` : names.join(', ');
}

function counted(number: number, noun: string): string {
  if (number === 0) return `no ${noun === 'entry' ? 'entries' : `${noun}s`}`;
  const plural = noun === 'entry' ? 'entries' : `${noun}s`;
  return `${count(number)} ${number === 1 ? noun : plural}`;
}

function bitsText(bits: readonly number[]): string {
  return bits.length === 1 ? `bit ${bits.join('')} is` : `bits ${bits.join(' and ')} are`;
}

/** BIOS drive in the high byte, then three levels of partition; 0xff where there is none (3.3). */
function bootDeviceText(value: number): string {
  const partitions = [16, 8, 0].map((shift) => (value >>> shift) & 0xff).filter((partition) => partition !== 0xff);
  const drive = `BIOS drive ${hex(value >>> 24, 2)}`;
  return partitions.length === 0 ? drive : `${drive}, partition ${partitions.join('.')}`;
}
