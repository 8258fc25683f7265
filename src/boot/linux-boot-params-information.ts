import { protocolVersion, SETUP_FIELDS } from '../image/setup-header.ts';
import { ByteReader } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory, quoted } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';
import { BOOT_PARAMS_SIZE, E820_ENTRY_SIZE, E820_MOST } from './linux-boot-params.ts';
import { BOOT_PARAMS, E820_TABLE, EDD_BUFFER, SETUP_HEADER_GROUP } from './linux-boot-params-fields.ts';
import type { ParamField, ParamGroup } from './linux-boot-params-fields.ts';
import { memoryMapEntries, memoryMapText } from './memory-map-nodes.ts';
import { setupDataNodes } from './setup-data-nodes.ts';

const E820_ENTRIES = 0x1e8;

/** boot_params at a physical address, with everything that it points to. Reads each time it is called. */
export function decodeBootParams(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const row = { name: 'boot_params', offset: 0, address, size: BOOT_PARAMS_SIZE, value: address, pointer: address };
  const bytes = memory.bytes(address, BOOT_PARAMS_SIZE);
  if (bytes === undefined) return { ...row, text: `${hex(address)} · outside memory`, present: false };
  const structure = new BootParamsReader(memory, address, bytes);
  return {
    ...row,
    text: `${hex(address)} · boot protocol ${protocolVersion(structure.version)}`,
    present: true,
    children: [
      ...BOOT_PARAMS.map((part) => ('fields' in part ? structure.group(part) : structure.field(part))),
      structure.memoryMap(),
      structure.field(EDD_BUFFER),
    ],
  };
}

/** The setup header of setup code that lies at a physical address, as the loader filled it in and the code left it. */
export function decodeSetupHeader(read: ReadPhysical, address: number): InformationNode {
  const memory = new GuestMemory(read);
  const { offset, size } = SETUP_HEADER_GROUP;
  const bytes = memory.bytes(address, offset + size);
  if (bytes !== undefined)
    return { ...new BootParamsReader(memory, address, bytes).group(SETUP_HEADER_GROUP), name: 'setup_header' };
  const at = address + offset;
  const row = { name: 'setup_header', offset, address: at, size, value: at, pointer: at };
  return { ...row, text: `${hex(at)} · outside memory`, present: false };
}

type Meaning = Pick<InformationNode, 'text' | 'pointer' | 'type' | 'children'>;

class BootParamsReader {
  readonly version: number;
  private readonly memory: GuestMemory;
  private readonly address: number;
  private readonly reader: ByteReader;

  constructor(memory: GuestMemory, address: number, bytes: Uint8Array) {
    this.memory = memory;
    this.address = address;
    this.reader = new ByteReader('boot_params', bytes);
    this.version = this.reader.u16(SETUP_FIELDS.version.offset, 'version');
  }

  group({ name, offset, size, note, fields }: ParamGroup): InformationNode {
    const empty = this.reader.slice(offset, size, name).every((byte) => byte === 0);
    return {
      name,
      offset,
      address: this.address + offset,
      size,
      value: this.address + offset,
      text: empty ? `${note}: all 0` : note,
      present: true,
      pointer: this.address + offset,
      children: fields.map((field) => this.field(field)),
    };
  }

  field(field: ParamField): InformationNode {
    const { name, offset, size, note, since = 0 } = field;
    const row = { name, offset, address: this.address + offset, size };
    if (field.kind === 'bytes') return { ...row, value: '', present: true, ...this.bytes(field) };
    const value = this.value(field);
    if (this.version < since)
      return {
        ...row,
        value,
        present: false,
        text: `since boot protocol ${protocolVersion(since)}; this is ${protocolVersion(this.version)}`,
      };
    const { text, ...more } = this.meaning(field, value);
    return { ...row, value, present: true, ...more, text: `${text} · ${note}` };
  }

  memoryMap(): InformationNode {
    const { name, offset, size } = E820_TABLE;
    const address = this.address + offset;
    const entries = Math.min(E820_MOST, this.reader.u8(E820_ENTRIES, 'e820_entries'));
    const { nodes, available } = memoryMapEntries(this.memory, address, entries, E820_ENTRY_SIZE);
    return {
      ...{ name, offset, address, size, value: address, pointer: address, present: true },
      text: memoryMapText(nodes.length, available),
      children: nodes,
    };
  }

  private value({ name, offset, size }: ParamField): number {
    if (size === 8) return Number(this.reader.u64(offset, name));
    if (size === 4) return this.reader.u32(offset, name);
    return size === 2 ? this.reader.u16(offset, name) : this.reader.u8(offset, name);
  }

  private meaning({ name, kind, size, values, bits }: ParamField, value: number): Meaning {
    if (values !== undefined) return { text: `${number(kind, value, size)} · ${values[value] ?? 'not defined'}` };
    if (bits !== undefined) return { text: [number(kind, value, size), ...bitNames(value, bits)].join(' ') };
    switch (kind) {
      case 'kibibytes':
        return { text: `${count(value)} KiB = ${binarySize(value * 1024)}` };
      case 'size':
        return { text: `${count(value)} bytes` };
      case 'string':
        if (value === 0) return { text: '0' };
        return { text: `${hex(value)} ${quoted(this.memory.string(value))}`, pointer: value, type: 'char *' };
      case 'address':
        return this.pointer(name, value);
      case 'count':
      case 'hexadecimal':
      case 'bytes':
        return { text: number(kind, value, size) };
    }
  }

  private pointer(name: string, value: number): Meaning {
    if (value === 0) return { text: '0' };
    if (name !== 'setup_data') return { text: hex(value, 8), pointer: value };
    return { text: hex(value, 8), pointer: value, children: setupDataNodes(this.memory, value) };
  }

  /** The first bytes of what has no fields, or that there is nothing. */
  private bytes({ name, offset, size, note }: ParamField): Meaning {
    const bytes = this.reader.slice(offset, size, name);
    const shown = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const content = bytes.every((byte) => byte === 0) ? `${size} bytes, all 0` : `${shown}${size > 16 ? ' …' : ''}`;
    return { text: `${content} · ${note}`, pointer: this.address + offset };
  }
}

function number(kind: ParamField['kind'], value: number, size: number): string {
  return kind === 'count' ? count(value) : hex(value, Math.min(size, 4) * 2);
}

function bitNames(value: number, bits: Readonly<Record<number, string>>): string[] {
  return Object.entries(bits).flatMap(([bit, name]) => (((value >>> Number(bit)) & 1) === 0 ? [] : [name]));
}
