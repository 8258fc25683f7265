import { binarySize, registerHex } from '../util/hex.ts';
import {
  isConforming,
  isReadable,
  isWritable,
  SEGMENT_TYPE,
  SYSTEM_TYPE,
  type SegmentDescriptor,
} from './descriptor.ts';

const SYSTEM_NAMES: Readonly<Record<number, string>> = {
  [SYSTEM_TYPE.tss16Available]: 'available 16-bit TSS',
  [SYSTEM_TYPE.ldt]: 'LDT',
  [SYSTEM_TYPE.tss16Busy]: 'busy 16-bit TSS',
  [SYSTEM_TYPE.callGate16]: '16-bit call gate',
  [SYSTEM_TYPE.taskGate]: 'task gate',
  [SYSTEM_TYPE.interruptGate16]: '16-bit interrupt gate',
  [SYSTEM_TYPE.trapGate16]: '16-bit trap gate',
  [SYSTEM_TYPE.tss32Available]: 'available 32-bit TSS',
  [SYSTEM_TYPE.tss32Busy]: 'busy 32-bit TSS',
  [SYSTEM_TYPE.callGate32]: '32-bit call gate',
  [SYSTEM_TYPE.interruptGate32]: '32-bit interrupt gate',
  [SYSTEM_TYPE.trapGate32]: '32-bit trap gate',
};

type Typed = Pick<SegmentDescriptor, 's' | 'type' | 'kind' | 'db'>;

/** What the descriptor is, in words: `32-bit code`, `busy 32-bit TSS`, `reserved type 0x0`. */
export function kindName(descriptor: Typed): string {
  if (descriptor.s) return `${descriptor.db ? 32 : 16}-bit ${descriptor.kind}`;
  return SYSTEM_NAMES[descriptor.type] ?? `reserved type 0x${descriptor.type.toString(16)}`;
}

/** `32-bit code, base 0, 4 GiB, DPL 0`. An expand-down segment gives its lowest offset instead of a size. */
export function describeDescriptor(descriptor: SegmentDescriptor): string {
  const base = descriptor.base === 0 ? 'base 0' : `base ${registerHex(descriptor.base)}`;
  const extent = isExpandDown(descriptor)
    ? `expand-down from ${registerHex(descriptor.limit + 1)}`
    : binarySize(descriptor.limit + 1);
  const absent = descriptor.present ? '' : ', not present';
  return `${kindName(descriptor)}, ${base}, ${extent}, DPL ${descriptor.dpl}${absent}`;
}

/** `00CF9A00 0000FFFF · P DPL=0 code r-x, G D`: the two words, upper first, and their fields. */
export function describeRawDescriptor(low: number, high: number, descriptor: SegmentDescriptor): string {
  const word = (value: number): string => registerHex(value).slice(2);
  const presence = descriptor.present ? 'P' : 'not present';
  const kind = descriptor.s ? `${descriptor.kind} ${rights(descriptor)}` : kindName(descriptor);
  const extra = isConforming(descriptor) ? ' conforming' : isExpandDown(descriptor) ? ' expand-down' : '';
  const flags = [
    descriptor.g ? 'G' : '',
    descriptor.db ? (descriptor.kind === 'data' ? 'B' : 'D') : '',
    descriptor.l ? 'L' : '',
    descriptor.avl ? 'AVL' : '',
  ].filter((flag) => flag !== '');
  const tail = flags.length === 0 ? '' : `, ${flags.join(' ')}`;
  return `${word(high)} ${word(low)} · ${presence} DPL=${descriptor.dpl} ${kind}${extra}${tail}`;
}

function rights(descriptor: SegmentDescriptor): string {
  return `${isReadable(descriptor) ? 'r' : '-'}${isWritable(descriptor) ? 'w' : '-'}${descriptor.kind === 'code' ? 'x' : '-'}`;
}

function isExpandDown(descriptor: SegmentDescriptor): boolean {
  return descriptor.kind === 'data' && (descriptor.type & SEGMENT_TYPE.expandDownOrConforming) !== 0;
}
