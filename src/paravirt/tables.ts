import type { ElfSymbols } from '../symbols/elf-symbols.ts';
import { backendOf } from './backend.ts';
import type { Backend } from './backend.ts';
import type { GroupLayout, ParavirtLayout, SlotLayout } from './layout.ts';

/** Bytes at a linear address; fewer than asked where memory ends. Leaves no trace in the machine. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array;

/** One function pointer, as memory holds it. */
export interface ParavirtSlot {
  readonly name: string;
  /** Bytes from the start of its group. */
  readonly offset: number;
  /** Linear address of the pointer. */
  readonly address: bigint;
  /** The pointer: a linear address. */
  readonly target: bigint;
  readonly backend: Backend;
  /** Every symbol that starts at the target, the one named after the slot first; empty when there is none. */
  readonly symbols: readonly string[];
}

/** The slots of one structure, as memory holds them. */
export interface ParavirtTable {
  readonly name: string;
  /** Linear address of the structure. */
  readonly address: bigint;
  /** Empty where the structure is not in memory: before a kernel has mapped itself. */
  readonly slots: readonly ParavirtSlot[];
}

/** Longer names of a hypervisor are cut off. */
const NAME_LENGTH = 64;

/** Reads every slot at the machine's current instruction. One read of memory for each group. */
export function readParavirtTables(layout: ParavirtLayout, read: ReadMemory, symbols: ElfSymbols): ParavirtTable[] {
  return layout.groups.map((group) => {
    const bytes = read(group.address, group.size);
    const slots = bytes.length < group.size ? [] : group.slots.map((slot) => readSlot(group, slot, bytes, symbols));
    return { name: group.name, address: group.address, slots };
  });
}

/** What the kernel believes it runs on, `pv_info.name`; undefined when it does not say or the text is not in memory. */
export function readBelief({ believes }: ParavirtLayout, read: ReadMemory): string | undefined {
  if (believes === undefined) return undefined;
  const pointer = read(believes.address, believes.size);
  if (pointer.length < believes.size) return undefined;
  const text = read(littleEndian(pointer), NAME_LENGTH);
  const end = text.indexOf(0);
  return text.length === 0 ? undefined : new TextDecoder().decode(end < 0 ? text : text.subarray(0, end));
}

function readSlot(group: GroupLayout, slot: SlotLayout, bytes: Uint8Array, symbols: ElfSymbols): ParavirtSlot {
  const target = littleEndian(bytes.subarray(slot.offset, slot.offset + slot.size));
  const names = target === 0n ? [] : symbolsAt(target, slot, symbols);
  return {
    name: slot.name,
    offset: slot.offset,
    address: group.address + BigInt(slot.offset),
    target,
    backend: target === 0n ? 'null' : backendOf(names[0] ?? ''),
    symbols: names,
  };
}

/** Linux has several names for one function; that of the slot tells which backend meant it. */
function symbolsAt(target: bigint, slot: SlotLayout, symbols: ElfSymbols): readonly string[] {
  const names = symbols.startingAt(target).map(({ name }) => name);
  const own = slot.name.split('.').at(-1) ?? slot.name;
  const rank = (name: string): number => (name.endsWith(own) ? 0 : backendOf(name) === 'other' ? 2 : 1);
  return names.sort((a, b) => rank(a) - rank(b));
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
