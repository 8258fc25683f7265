import { hex } from '../../util/hex.ts';
import { describeDescriptor } from '../../x86/descriptor-text.ts';
import { accessWord, decodeDescriptor, SEGMENT_TYPE, type SegmentDescriptor } from '../../x86/descriptor.ts';
import { decodeSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { ACCESS, SEGMENT, type SegmentCache } from '../state.ts';

/** What a selector is used for: names it in reasons, and says what a refusal raises. */
export interface SelectorUse {
  /** `CS`, `DS`, `vector 6: CS`. */
  readonly name: string;
  /** Vector of the fault for a bad index, type or privilege: #GP, or #TS for a stack out of the TSS. */
  readonly vector: number;
  /** EXT bit of the error code (SDM 3, 6.13): 1 while an interrupt or exception is being delivered. */
  readonly external: number;
}

/** A descriptor as read from the GDT or LDT. */
export interface TableEntry {
  readonly selector: number;
  /** Linear address of the descriptor. */
  readonly address: number;
  readonly low: number;
  readonly high: number;
  readonly descriptor: SegmentDescriptor;
}

/** A fault whose error code is a selector: index and TI, with RPL replaced by IDT = 0 and EXT. */
export function selectorFault(
  vector: number,
  selector: number,
  use: SelectorUse,
  reason: string,
  operands: Readonly<Record<string, number>> = {},
): CpuFault {
  const text = `${use.name} selector ${hex(selector)}${reason}`;
  return new CpuFault(vector, (selector & 0xfffc) | use.external, text, { selector, ...operands });
}

/** Where the descriptor of a selector is, or why there is none. */
export function locateDescriptor(
  cpu: CpuContext,
  selector: number,
): { readonly address: number } | { readonly reason: string; readonly limit: number } {
  const { index, table } = decodeSelector(selector);
  const ldt = cpu.state.segment(SEGMENT.ldtr);
  if (table === 'LDT' && ldt.access === 0) return { reason: `: index ${index} of the LDT, but LDTR is null`, limit: 0 };
  const { base, limit } = table === 'GDT' ? cpu.state.gdtr : ldt;
  if (index * 8 + 7 > limit) return { reason: `: index ${index} is past the ${table} limit ${hex(limit, 2)}`, limit };
  return { address: (base + index * 8) >>> 0 };
}

/** The descriptor at a linear address. */
export function readEntry(cpu: CpuContext, selector: number, address: number): TableEntry {
  const low = cpu.memory.read(address, 32, true);
  const high = cpu.memory.read((address + 4) >>> 0, 32, true);
  return { selector, address, low, high, descriptor: decodeDescriptor(low, high) };
}

/** The descriptor a selector names. Raises `use.vector` with the selector when it is past its table. */
export function readDescriptor(cpu: CpuContext, selector: number, use: SelectorUse): TableEntry {
  const place = locateDescriptor(cpu, selector);
  if ('reason' in place) {
    const { index } = decodeSelector(selector);
    throw selectorFault(use.vector, selector, use, place.reason, { index, limit: place.limit });
  }
  const entry = readEntry(cpu, selector, place.address);
  cpu.state.trace?.passed(
    'descriptor',
    `${use.name} selector ${hex(selector, 4)} at lin:${hex(place.address, 8)} is ${describeDescriptor(entry.descriptor)}`,
  );
  return entry;
}

/** The segment cache that loading this entry makes; code and data come out accessed. */
export function cacheOf(entry: TableEntry, selector = entry.selector): SegmentCache {
  const { base, limit, s } = entry.descriptor;
  return { selector, base, limit, access: accessWord(entry.high) | (s ? ACCESS.accessed : 0) };
}

/** Raises now what {@link markAccessed} would. */
export function probeAccessed(cpu: CpuContext, entry: TableEntry): void {
  if (lacksAccessed(entry)) cpu.memory.probeWrite((entry.address + 5) >>> 0, 1, true);
}

/** Sets the accessed bit of a code or data descriptor in memory, as every load of a segment register does. */
export function markAccessed(cpu: CpuContext, entry: TableEntry): void {
  if (!lacksAccessed(entry)) return;
  cpu.memory.write((entry.address + 5) >>> 0, 8, ((entry.high >>> 8) & 0xff) | SEGMENT_TYPE.accessed, true);
}

function lacksAccessed({ descriptor }: TableEntry): boolean {
  return descriptor.s && (descriptor.type & SEGMENT_TYPE.accessed) === 0;
}
