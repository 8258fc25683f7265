import type { SegmentName } from '../../boot/protocol.ts';
import { binarySize, hex, registerHex } from '../../util/hex.ts';
import type { SegmentCache } from '../../cpu/state.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { describeDescriptor, describeRawDescriptor } from '../../x86/descriptor-text.ts';
import { decodeDescriptor, descriptorOfCache, encodeDescriptor } from '../../x86/descriptor.ts';
import type { SegmentDescriptor } from '../../x86/descriptor.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { decodeSelector, describeSelector, isNullSelector } from '../../x86/selector.ts';
import type { Inspection } from '../inspection.ts';
import type { VariableNode } from './node.ts';

const SEGMENTS: readonly SegmentName[] = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];

/** The six segment registers. */
export function segmentRows(inspection: Inspection): VariableNode[] {
  return SEGMENTS.map((name) => segmentRow(inspection, name));
}

/** One segment register with the descriptor that the CPU keeps of it, and the one that memory has now. */
export function segmentRow(inspection: Inspection, name: SegmentName): VariableNode {
  const cache = inspection.target.segment(name);
  const paragraphs = paragraphMode(inspection, name);
  const cached = descriptorOfCache(cache);
  const set = (text: string): void => inspection.target.setRegister(name, inspection.evaluate(text).value);
  return {
    name: name.toUpperCase(),
    value: segmentText(cache, cached, paragraphs),
    type: 'selector',
    evaluateName: `$${name}`,
    menu: 'segment',
    set,
    children: () => [
      {
        name: 'selector',
        value: `${hex(cache.selector, 4)} · ${paragraphs === undefined ? describeSelector(cache.selector) : `paragraph ${registerHex(cache.selector << 4)}`}`,
        type: 'uint16',
        evaluateName: `$${name}.selector`,
        set,
      },
      {
        name: 'cached',
        value: rawText(cached),
        type: 'descriptor',
        children: () => descriptorRows(cached, name),
      },
      ...(paragraphs === undefined ? [inMemoryRow(inspection, cache.selector, cached)] : []),
    ],
  };
}

/** The fields of a descriptor; with a register's name those that expressions know have an evaluateName. */
function descriptorRows(descriptor: SegmentDescriptor, register?: string): VariableNode[] {
  const named = (field: string): { evaluateName?: string } =>
    register === undefined ? {} : { evaluateName: `$${register}.${field}` };
  const bit = (name: string, set: boolean, meaning: string): VariableNode => ({
    name,
    value: `${set ? 1 : 0} · ${meaning}`,
    type: 'bit',
  });
  return [
    {
      name: 'base',
      value: registerHex(descriptor.base),
      type: 'uint32',
      ...named('base'),
      memory: BigInt(descriptor.base),
    },
    { name: 'limit', value: registerHex(descriptor.limit), type: 'uint32', ...named('limit') },
    { name: 'type', value: `${hex(descriptor.type)} · ${descriptor.kind}`, type: 'uint4' },
    bit('S', descriptor.s, descriptor.s ? 'code or data' : 'system'),
    { name: 'DPL', value: String(descriptor.dpl), type: 'uint2' },
    bit('P', descriptor.present, descriptor.present ? 'present' : 'not present'),
    bit('AVL', descriptor.avl, 'free for the system'),
    bit('L', descriptor.l, descriptor.l ? '64-bit code' : 'not 64-bit code'),
    bit('D/B', descriptor.db, descriptor.db ? '32-bit' : '16-bit'),
    bit('G', descriptor.g, descriptor.g ? 'limit in units of 4 KiB' : 'limit in bytes'),
  ];
}

/** What the selector would load now, beside what was loaded. */
function inMemoryRow(inspection: Inspection, selector: number, cached: SegmentDescriptor): VariableNode {
  const row = { name: 'in memory', type: 'descriptor' };
  if (isNullSelector(selector)) return { ...row, value: 'a null selector has no descriptor' };
  const { index, table } = decodeSelector(selector);
  const base = inspection.number(table === 'GDT' ? 'gdtr.base' : 'ldtr.base');
  const limit = inspection.number(table === 'GDT' ? 'gdtr.limit' : 'ldtr.limit');
  if (index * 8 + 7 > limit)
    return {
      ...row,
      value: `${table} limit is ${limit === 0 ? '0' : hex(limit, 4)}: a reload raises #GP(${hex(selector & 0xfffc)})`,
    };
  const at = BigInt.asUintN(32, BigInt(base) + BigInt(index * 8));
  const bytes = inspection.read(at, 8);
  if (bytes.length < 8) return { ...row, value: `nothing is mapped at ${registerHex(at)}: a reload raises #PF` };
  const words = new DataView(bytes.buffer, bytes.byteOffset);
  const descriptor = decodeDescriptor(words.getUint32(0, true), words.getUint32(4, true));
  const same = wordsOf(descriptor) === wordsOf(cached);
  return {
    ...row,
    value: same ? 'same as cached' : `differs: ${wordsOf(descriptor)} at ${registerHex(at)}`,
    memory: at,
    children: () => descriptorRows(descriptor),
  };
}

/** The mode in which a selector is a paragraph number; undefined where it names a descriptor, as LDTR and TR do even in virtual-8086 mode. */
function paragraphMode(inspection: Inspection, name: SegmentName): string | undefined {
  if ((inspection.number('cr0') & CR0.PE) === 0) return 'real mode';
  const virtual = (inspection.number('eflags') & EFLAGS.VM) !== 0 && name !== 'ldtr' && name !== 'tr';
  return virtual ? 'virtual-8086 mode' : undefined;
}

/** `0x0008 · 32-bit code, base 0, 4 GiB, DPL 0 · cached`. */
function segmentText(cache: SegmentCache, descriptor: SegmentDescriptor, paragraphs: string | undefined): string {
  const selector = hex(cache.selector, 4);
  if (paragraphs !== undefined)
    return `${selector} · ${paragraphs}, base ${registerHex(cache.base)}, ${binarySize(cache.limit + 1)} · cached`;
  if (cache.access === 0) return `${selector} · null: any use raises #GP`;
  return `${selector} · ${describeDescriptor(descriptor)} · cached`;
}

function rawText(descriptor: SegmentDescriptor): string {
  const { low, high } = encodeDescriptor(descriptor);
  return describeRawDescriptor(low, high, descriptor);
}

/** `00CF9A00 0000FFFF`, the upper word first. */
function wordsOf(descriptor: SegmentDescriptor): string {
  const { low, high } = encodeDescriptor(descriptor);
  return [high, low].map((word) => registerHex(word).slice(2)).join(' ');
}
