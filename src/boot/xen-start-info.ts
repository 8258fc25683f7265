import { MAX_GUEST_CMDLINE, SIF_NAMES, START_INFO_FIELDS, START_INFO_SIZE } from '../abi/xen/start-info.ts';
import type { StartInfoField, StartInfoName } from '../abi/xen/start-info.ts';
import { ByteReader, encodeCString } from '../util/bytes.ts';
import { binarySize, count, hex } from '../util/hex.ts';
import { GuestMemory } from './guest-memory.ts';
import type { ReadPhysical } from './guest-memory.ts';
import type { InformationNode } from './information-node.ts';

type TextName = 'magic' | 'cmd_line';
export type StartInfoValues = Record<Exclude<StartInfoName, TextName>, number> & Record<TextName, string>;

/** The bytes of start_info. The texts must fit with their zero bytes. */
export function encodeStartInfo(values: StartInfoValues): Uint8Array {
  const bytes = new Uint8Array(START_INFO_SIZE);
  const view = new DataView(bytes.buffer);
  for (const { name, offset } of START_INFO_FIELDS) {
    const value = values[name];
    if (typeof value === 'string') bytes.set(encodeCString(value), offset);
    else view.setUint32(offset, value, true);
  }
  return bytes;
}

/** Entries of the mfn_list that are shown. */
const LIST_SHOWN = 16;
const NOT_IN_MEMORY = 'outside memory';

/**
 * start_info at a machine address, with the list of frames that it points to. `linear` is its own linear address: the list, whose
 * linear address it gives, lies as far from it in machine memory.
 */
export function decodeStartInfo(read: ReadPhysical, address: number, linear = address): InformationNode {
  const memory = new GuestMemory(read);
  const whole = { name: 'start_info', offset: 0, address, size: START_INFO_SIZE, value: address, pointer: address };
  const bytes = memory.bytes(address, START_INFO_SIZE);
  if (bytes === undefined) return { ...whole, text: `${hex(address)} · ${NOT_IN_MEMORY}`, present: false };
  const reader = new ByteReader('start_info', bytes);
  return {
    ...whole,
    text: `${hex(address)} · "${reader.cString(0, 32, 'magic')}"`,
    present: true,
    children: START_INFO_FIELDS.map((field) => node(field, { reader, memory, address, linear })),
  };
}

interface Place {
  readonly reader: ByteReader;
  readonly memory: GuestMemory;
  readonly address: number;
  readonly linear: number;
}

function node(field: StartInfoField, place: Place): InformationNode {
  const { name, offset, size, kind } = field;
  const { reader, address } = place;
  const row = { name, offset, address: address + offset, size, present: true };
  if (kind === 'magic' || kind === 'text') {
    const text = reader.cString(offset, Math.min(size, MAX_GUEST_CMDLINE), name);
    return { ...row, value: text, text: `"${text}"`, type: `char [${size}]` };
  }
  const value = reader.u32(offset, name);
  const pointer = (machine: number): Pick<InformationNode, 'pointer'> => (machine === 0 ? {} : { pointer: machine });
  switch (kind) {
    case 'pages':
      return { ...row, value, text: `${count(value)} pages = ${binarySize(value * 4096)}` };
    case 'machine address':
      return { ...row, value, text: `machine address ${hex(value, 8)}`, ...pointer(value) };
    case 'machine frame':
      return {
        ...row,
        value,
        text: `machine frame ${hex(value)} · address ${hex(value * 4096, 8)}`,
        ...pointer(value * 4096),
      };
    case 'flags':
      return { ...row, value, text: flagsText(value) };
    case 'port':
      return { ...row, value, text: value === 0 ? '0 · no event channel' : `event channel ${value}` };
    case 'linear address':
      return name === 'mfn_list' ? frameList(row, value, place) : { ...row, value, text: `linear ${hex(value, 8)}` };
    case 'module':
      return { ...row, value, text: moduleText(value, reader) };
    case 'bytes':
      return { ...row, value, text: `${count(value)} bytes` };
    case 'count':
    case 'frame':
      return { ...row, value, text: count(value) };
  }
}

function flagsText(value: number): string {
  const names = SIF_NAMES.filter((_, bit) => ((value >>> bit) & 1) !== 0);
  const rest = (value & ~((1 << SIF_NAMES.length) - 1)) >>> 0;
  const parts = [...names, ...(rest === 0 ? [] : [hex(rest)])];
  return parts.length === 0 ? '0 · an unprivileged domain' : `${hex(value)} · ${parts.join(' ')}`;
}

function moduleText(value: number, reader: ByteReader): string {
  if (reader.u32(76, 'mod_len') === 0) return `${hex(value)} · no module`;
  return (reader.u32(40, 'flags') & 8) === 0 ? `linear ${hex(value, 8)}` : `pseudo-physical frame ${hex(value)}`;
}

function frameList(
  row: Omit<InformationNode, 'value' | 'text'>,
  value: number,
  { reader, memory, address, linear }: Place,
): InformationNode {
  const pages = reader.u32(32, 'nr_pages');
  const machine = value - linear + address;
  const bytes = machine < 0 ? undefined : memory.bytes(machine, Math.min(pages, LIST_SHOWN) * 4);
  if (bytes === undefined) return { ...row, value, text: `linear ${hex(value, 8)} · ${NOT_IN_MEMORY}` };
  const list = new ByteReader('mfn_list', bytes);
  const children = Array.from({ length: bytes.length / 4 }, (_, frame): InformationNode => {
    const mfn = list.u32(frame * 4, 'mfn');
    const text = `pseudo-physical frame ${hex(frame)} → machine frame ${hex(mfn)}`;
    return {
      name: `[${frame}]`,
      offset: frame * 4,
      address: machine + frame * 4,
      size: 4,
      value: mfn,
      text,
      present: true,
    };
  });
  return { ...row, value, text: `linear ${hex(value, 8)} · ${count(pages)} frames`, children, pointer: machine };
}
