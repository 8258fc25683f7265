import { hex, registerHex } from '../util/hex.ts';
import { describeDescriptor } from '../x86/descriptor-text.ts';
import { decodeDescriptor } from '../x86/descriptor.ts';
import type { SegmentDescriptor } from '../x86/descriptor.ts';
import { decodeGate } from '../x86/gate.ts';
import type { Inspection } from './inspection.ts';

/** One entry of a descriptor table in words. */
export interface TableEntry {
  /** `1 · 0x0008`, `vector 14`. */
  readonly name: string;
  readonly text: string;
  /** Linear address. */
  readonly address: bigint;
}

/** A descriptor table as its register gives it. */
export interface DescriptorTable {
  readonly name: 'GDT' | 'IDT' | 'LDT';
  readonly base: number;
  readonly limit: number;
  readonly entries: readonly TableEntry[];
}

/** No view is helped by more; a GDT of the full 8192 is mostly empty. */
const MOST_ENTRIES = 256;

/** The tables that the CPU uses now. Entries that hold nothing are left out. */
export function descriptorTables(inspection: Inspection): DescriptorTable[] {
  const table = (name: DescriptorTable['name'], register: string, describe: EntryText): DescriptorTable => {
    const [base, limit] = [inspection.number(`${register}.base`), inspection.number(`${register}.limit`)];
    return { name, base, limit, entries: entriesOf(inspection, base, limit, describe) };
  };
  const ldt = inspection.number('ldtr.selector') === 0 ? [] : [table('LDT', 'ldtr', descriptorEntry)];
  return [
    table('GDT', 'gdtr', descriptorEntry),
    table('IDT', 'idtr', (index, low, high) => gateEntry(inspection, index, low, high)),
    ...ldt,
  ];
}

type EntryText = (index: number, low: number, high: number) => Omit<TableEntry, 'address'>;

function entriesOf(inspection: Inspection, base: number, limit: number, describe: EntryText): TableEntry[] {
  const count = Math.min(Math.floor((limit + 1) / 8), MOST_ENTRIES);
  const bytes = inspection.read(BigInt(base), count * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: TableEntry[] = [];
  for (let index = 0; index * 8 + 8 <= bytes.length; index++) {
    const [low, high] = [view.getUint32(index * 8, true), view.getUint32(index * 8 + 4, true)];
    if (low !== 0 || high !== 0) entries.push({ ...describe(index, low, high), address: BigInt(base + index * 8) });
  }
  return entries;
}

function descriptorEntry(index: number, low: number, high: number): Omit<TableEntry, 'address'> {
  const descriptor: SegmentDescriptor = decodeDescriptor(low, high);
  return { name: `${index} · ${hex(index * 8, 4)}`, text: describeDescriptor(descriptor) };
}

function gateEntry(inspection: Inspection, index: number, low: number, high: number): Omit<TableEntry, 'address'> {
  const name = `vector ${index}`;
  const gate = decodeGate(low, high);
  if (gate === undefined)
    return { name, text: `${registerHex(high).slice(2)} ${registerHex(low).slice(2)} · not a gate` };
  const target = inspection.nameOfCode(gate.offset);
  const place = `${hex(gate.selector, 4)}:${hex(gate.offset, 8)}${target === undefined ? '' : ` <${target}>`}`;
  return { name, text: `${gate.kind} gate → ${place}, DPL ${gate.dpl}${gate.present ? '' : ', not present'}` };
}
