/** What a descriptor describes (SDM 3, tables 3-1 and 3-2, and 5.8.3 for gates). */
export type DescriptorKind =
  | 'code'
  | 'data'
  | 'tss-available'
  | 'tss-busy'
  | 'ldt'
  | 'call-gate'
  | 'task-gate'
  | 'interrupt-gate'
  | 'trap-gate'
  | 'reserved';

/** Type field bits of a code or data segment (SDM 3, table 3-1). */
export const SEGMENT_TYPE = {
  accessed: 1,
  /** Data: writable. Code: readable. */
  readWrite: 2,
  /** Data: expand-down. Code: conforming. */
  expandDownOrConforming: 4,
  code: 8,
} as const;

/** Type field values of system segments and gates (SDM 3, table 3-2); bit 3 set is the 32-bit form. */
export const SYSTEM_TYPE = {
  tss16Available: 1,
  ldt: 2,
  tss16Busy: 3,
  callGate16: 4,
  taskGate: 5,
  interruptGate16: 6,
  trapGate16: 7,
  tss32Available: 9,
  tss32Busy: 11,
  callGate32: 12,
  interruptGate32: 14,
  trapGate32: 15,
} as const;

const SYSTEM_KINDS: readonly DescriptorKind[] = [
  'reserved',
  'tss-available',
  'ldt',
  'tss-busy',
  'call-gate',
  'task-gate',
  'interrupt-gate',
  'trap-gate',
  'reserved',
  'tss-available',
  'reserved',
  'tss-busy',
  'call-gate',
  'reserved',
  'interrupt-gate',
  'trap-gate',
];

/** A segment descriptor's fields (SDM 3, 3.4.5, figure 3-8). */
export interface SegmentDescriptor {
  /** Linear address, 32 bits. */
  readonly base: number;
  /** Highest offset in bytes, granularity applied. */
  readonly limit: number;
  /** The 20 bits of the limit field. */
  readonly rawLimit: number;
  /** 4 bits; see {@link SEGMENT_TYPE} and {@link SYSTEM_TYPE}. */
  readonly type: number;
  /** S: true for code and data, false for system segments and gates. */
  readonly s: boolean;
  readonly dpl: number;
  readonly present: boolean;
  readonly avl: boolean;
  readonly l: boolean;
  /** D/B: 32-bit code, 32-bit stack pointer, or 4 GiB bound of an expand-down segment. */
  readonly db: boolean;
  /** G: the limit counts 4 KiB units. */
  readonly g: boolean;
  readonly kind: DescriptorKind;
}

/** Bits 8..15 and 20..23 of a descriptor's upper word, in place: everything but base and limit. */
const ACCESS_MASK = 0x00f0ff00;

/** Takes a descriptor apart. `low` and `high` are its two 32-bit words, `low` at the lower address. */
export function decodeDescriptor(low: number, high: number): SegmentDescriptor {
  const rawLimit = (low & 0xffff) | (high & 0x000f0000);
  const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff000000)) >>> 0;
  return fromFields(base, rawLimit, high);
}

/** The descriptor that a segment cache stands for: `limit` in bytes, `access` as {@link accessWord} makes it. */
export function descriptorOfCache(cache: {
  readonly base: number;
  readonly limit: number;
  readonly access: number;
}): SegmentDescriptor {
  const rawLimit = (cache.access & (1 << 23)) !== 0 ? cache.limit >>> 12 : cache.limit & 0xfffff;
  return fromFields(cache.base, rawLimit, cache.access);
}

/** The two 32-bit words of a descriptor. */
export function encodeDescriptor(descriptor: Omit<SegmentDescriptor, 'limit' | 'kind'>): { low: number; high: number } {
  const { base, rawLimit, type, dpl } = descriptor;
  const bit = (set: boolean, place: number): number => (set ? 1 << place : 0);
  const low = ((base << 16) | (rawLimit & 0xffff)) >>> 0;
  const high =
    (base & 0xff000000) |
    bit(descriptor.g, 23) |
    bit(descriptor.db, 22) |
    bit(descriptor.l, 21) |
    bit(descriptor.avl, 20) |
    (rawLimit & 0x000f0000) |
    bit(descriptor.present, 15) |
    (dpl << 13) |
    bit(descriptor.s, 12) |
    (type << 8) |
    ((base >>> 16) & 0xff);
  return { low, high: high >>> 0 };
}

/** The access word that a segment cache keeps, from a descriptor's upper word. */
export function accessWord(high: number): number {
  return high & ACCESS_MASK;
}

/** True for a code or data segment that can be read: data always, code if its R bit is set. */
export function isReadable(descriptor: SegmentDescriptor): boolean {
  return descriptor.kind === 'data' || (descriptor.kind === 'code' && (descriptor.type & SEGMENT_TYPE.readWrite) !== 0);
}

/** True for a data segment whose W bit is set. */
export function isWritable(descriptor: SegmentDescriptor): boolean {
  return descriptor.kind === 'data' && (descriptor.type & SEGMENT_TYPE.readWrite) !== 0;
}

/** True for code that runs at its caller's privilege level. */
export function isConforming(descriptor: SegmentDescriptor): boolean {
  return descriptor.kind === 'code' && (descriptor.type & SEGMENT_TYPE.expandDownOrConforming) !== 0;
}

function fromFields(base: number, rawLimit: number, high: number): SegmentDescriptor {
  const type = (high >>> 8) & 15;
  const s = (high & (1 << 12)) !== 0;
  const g = (high & (1 << 23)) !== 0;
  return {
    base,
    limit: g ? ((rawLimit << 12) | 0xfff) >>> 0 : rawLimit,
    rawLimit,
    type,
    s,
    dpl: (high >>> 13) & 3,
    present: (high & (1 << 15)) !== 0,
    avl: (high & (1 << 20)) !== 0,
    l: (high & (1 << 21)) !== 0,
    db: (high & (1 << 22)) !== 0,
    g,
    kind: s ? ((type & SEGMENT_TYPE.code) !== 0 ? 'code' : 'data') : (SYSTEM_KINDS[type] ?? 'reserved'),
  };
}
