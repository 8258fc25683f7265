import { flagImageOf, flagKindCode, flagKindOf, STATUS_FLAGS } from '../isa/flags.ts';
import type { CheckTrace } from './check-trace.ts';
import { CR0 } from '../x86/control-registers.ts';
import { DR6, DR7 } from '../x86/debug-registers.ts';
import { EFLAGS } from '../x86/eflags.ts';
import { cpuModel, type CpuModel } from '../x86/cpu-model.ts';
import { MSR_FACTS, msrSlot } from '../x86/model-specific-registers.ts';
import type { RawEntry } from '../x86/page-entry.ts';
import { evaluatePure } from './pure-evaluation.ts';
import * as L from './layout.ts';
import { MXCSR_RESET, writeMxcsr } from './simd-state.ts';
import { X87State } from './x87-state.ts';

/** Index of a segment cache: the encoding order of the x86, then the two system segments. */
export const SEGMENT = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, ldtr: 6, tr: 7 } as const;
export type SegmentIndex = (typeof SEGMENT)[keyof typeof SEGMENT];

/**
 * What STI (interrupts) and loads of SS (interrupts, NMIs and debug traps) hold off until the next instruction is done
 * (SDM 3, 6.8.3; SDM 2, STI).
 */
export const SHADOW = { none: 0, interrupts: 1, stack: 2 } as const;
export type Shadow = (typeof SHADOW)[keyof typeof SHADOW];

/** What the CPU keeps of a loaded segment (SDM 3, 3.4.3, the hidden part). */
export interface SegmentCache {
  readonly selector: number;
  /** Linear address, 32 bits. */
  readonly base: number;
  /** Highest offset in bytes, granularity applied. */
  readonly limit: number;
  /**
   * Bits 8..15 and 20..23 of the descriptor's upper word at their places there: type, S, DPL, P, AVL, L, D/B, G.
   * 0 means a null selector was loaded.
   */
  readonly access: number;
}

/** Access word bits of {@link SegmentCache.access}. */
export const ACCESS = {
  accessed: 1 << 8,
  /** Data: writable. Code: readable. */
  readWrite: 1 << 9,
  /** Data: expand-down. Code: conforming. */
  expandDownOrConforming: 1 << 10,
  code: 1 << 11,
  /** S: code or data, not a system segment. */
  codeOrData: 1 << 12,
  dplShift: 13,
  present: 1 << 15,
  available: 1 << 20,
  long: 1 << 21,
  /** D/B: 32-bit code, stack or expand-down bound. */
  big: 1 << 22,
  granularity: 1 << 23,
} as const;

/** Lowest and highest valid offset (SDM 3, 5.3); the lowest is above the highest when there is none. */
export function segmentBounds({ access, limit }: Pick<SegmentCache, 'access' | 'limit'>): readonly [number, number] {
  const expandDown = (access & (ACCESS.code | ACCESS.expandDownOrConforming)) === ACCESS.expandDownOrConforming;
  if (!expandDown) return [0, limit];
  const ceiling = (access & ACCESS.big) !== 0 ? 0xffffffff : 0xffff;
  return limit >= ceiling ? [1, 0] : [limit + 1, ceiling];
}

/** Descriptor table register. */
export interface TableRegister {
  readonly base: number;
  /** Highest valid byte offset, 16 bits. */
  readonly limit: number;
}

/** Typed access to the CPU part of the machine's memory. Holds no copy: generated code and this class see the same bytes. */
export class CpuState {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  readonly x87: X87State;
  /** Size of guest physical memory in bytes. */
  readonly ramSize: number;
  /** For each line of physical memory, 1 when it holds decoded code; generated code reads it too. */
  readonly codeLines: Uint8Array;
  /** While an instruction is explained: takes every check that is made. */
  trace: CheckTrace | undefined;
  /** The CPU that this is the state of. */
  readonly model: CpuModel;
  /** EFLAGS bits that the model has. */
  private readonly flagMask: number;

  /** `ramSize` in bytes, a multiple of 64 KiB. */
  constructor(ramSize: number, model: CpuModel = cpuModel('default')) {
    const lines = ramSize >>> L.CODE_LINE_SHIFT;
    const pages = Math.ceil((L.RAM + ramSize + lines) / 65536);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.words = new Int32Array(this.memory.buffer);
    this.ramSize = ramSize;
    this.model = model;
    this.flagMask = flagsOf(model);
    this.codeLines = this.bytes.subarray(L.RAM + ramSize, L.RAM + ramSize + lines);
    this.view.setUint32(L.CODE_LINES, L.RAM + ramSize - (L.RAM >>> L.CODE_LINE_SHIFT), true);
    this.eflags = 2;
    writeMxcsr(this, MXCSR_RESET);
    this.setDebugRegister(6, DR6.ones);
    this.setDebugRegister(7, DR7.ones);
    for (const { index, initial } of MSR_FACTS) this.setModelSpecific(index, initial);
    this.x87 = new X87State(this.view);
    this.x87.reset();
  }

  /** General register, low 32 bits, unsigned. Index in encoding order. */
  register32(index: number): number {
    return this.view.getUint32(L.REGISTERS + index * 8, true);
  }
  setRegister32(index: number, value: number): void {
    this.view.setUint32(L.REGISTERS + index * 8, value, true);
    this.view.setUint32(L.REGISTERS + index * 8 + 4, 0, true);
  }
  setRegister16(index: number, value: number): void {
    this.view.setUint16(L.REGISTERS + index * 8, value, true);
  }

  /** Offset of the next instruction in CS. */
  get ip(): number {
    return this.view.getUint32(L.IP, true);
  }
  set ip(value: number) {
    this.view.setUint32(L.IP, value, true);
    this.view.setUint32(L.IP + 4, 0, true);
  }

  /** The whole EFLAGS image; reading works the status flags out of the lazy record. */
  get eflags(): number {
    return (this.statusFlags() | this.systemFlags) >>> 0;
  }
  set eflags(value: number) {
    this.view.setUint32(L.EFLAGS, (value & this.flagMask & ~STATUS_FLAGS) | 2, true);
    this.view.setUint32(L.FLAG_KIND, flagKindCode('image', 32), true);
    const words = [value & STATUS_FLAGS, 0, 0, 0, 0, 0];
    words.forEach((word, n) => this.view.setUint32(L.FLAG_A + n * 4, word, true));
  }

  /** EFLAGS without CF PF AF ZF SF OF (which read as 0): interrupt flag, I/O privilege and the like, at the cost of a load. */
  get systemFlags(): number {
    return this.view.getUint32(L.EFLAGS, true);
  }
  set systemFlags(value: number) {
    this.view.setUint32(L.EFLAGS, (value & this.flagMask & ~STATUS_FLAGS) | 2, true);
  }

  /**
   * CF PF AF ZF SF OF worked out of the lazy record, as an EFLAGS word. The interpreter puts the function here that it generated
   * from the same description.
   */
  statusFlags: () => number = () => {
    const { kind, width } = flagKindOf(this.view.getUint32(L.FLAG_KIND, true));
    return Number(evaluatePure(flagImageOf(kind, width), this));
  };

  /** A slot of the lazy flag record, 64 bits. */
  flagSlot(slot: 'a' | 'b' | 'result'): bigint {
    return this.view.getBigUint64(slot === 'a' ? L.FLAG_A : slot === 'b' ? L.FLAG_B : L.FLAG_RESULT, true);
  }

  get cpl(): number {
    return this.view.getUint32(L.CPL, true);
  }
  set cpl(value: number) {
    this.view.setUint32(L.CPL, value, true);
  }

  /** What the last instruction holds off for one instruction. */
  get shadow(): Shadow {
    return this.view.getUint32(L.INTERRUPT_SHADOW, true) as Shadow;
  }
  set shadow(value: Shadow) {
    this.view.setUint32(L.INTERRUPT_SHADOW, value, true);
  }
  /** Interrupts are held off, by whatever. */
  get interruptShadow(): boolean {
    return this.shadow !== SHADOW.none;
  }
  set interruptShadow(value: boolean) {
    this.shadow = value ? SHADOW.interrupts : SHADOW.none;
  }

  /** DR6 bits of debug traps that are delivered before the next instruction; a task switch adds BT. */
  get debugPending(): number {
    return this.view.getUint32(L.DEBUG_PENDING, true);
  }
  set debugPending(bits: number) {
    this.view.setUint32(L.DEBUG_PENDING, bits, true);
  }

  /** An NMI is being handled: no other comes before IRET. */
  get nonMaskableBlocked(): boolean {
    return this.view.getUint32(L.NMI_BLOCKED, true) !== 0;
  }
  set nonMaskableBlocked(value: boolean) {
    this.view.setUint32(L.NMI_BLOCKED, value ? 1 : 0, true);
  }
  /** Between two passes of a repeated string instruction: at its address, and behind one of its passes. */
  get repeating(): boolean {
    return this.view.getUint32(L.REPEATING, true) !== 0;
  }
  set repeating(value: boolean) {
    this.view.setUint32(L.REPEATING, value ? 1 : 0, true);
  }
  /** An NMI waits for its delivery. */
  get nonMaskablePending(): boolean {
    return this.view.getUint32(L.NMI_PENDING, true) !== 0;
  }
  set nonMaskablePending(value: boolean) {
    this.view.setUint32(L.NMI_PENDING, value ? 1 : 0, true);
  }

  /** CR0.AM and EFLAGS.AC are 1 at CPL 3: accesses must be aligned. */
  get checksAlignment(): boolean {
    return this.cpl === 3 && (this.systemFlags & EFLAGS.AC) !== 0 && (this.control(0) & CR0.AM) !== 0;
  }

  /** Control register 0..8, low 32 bits. */
  control(index: number): number {
    return this.view.getUint32(L.CONTROL + index * 8, true);
  }
  setControl(index: number, value: number): void {
    this.view.setBigUint64(L.CONTROL + index * 8, BigInt(value >>> 0), true);
  }

  /** Debug register 0..7, low 32 bits. */
  debugRegister(index: number): number {
    return this.view.getUint32(L.DEBUG_REGISTERS + index * 8, true);
  }
  setDebugRegister(index: number, value: number): void {
    this.view.setBigUint64(L.DEBUG_REGISTERS + index * 8, BigInt(value >>> 0), true);
  }

  /** A model-specific register of `MSR_FACTS`, 64 bits; 0 for others. */
  modelSpecific(index: number): bigint {
    const slot = msrSlot(index);
    return slot === undefined ? 0n : this.view.getBigUint64(L.MODEL_SPECIFIC + slot * 8, true);
  }
  setModelSpecific(index: number, value: bigint): void {
    const slot = msrSlot(index);
    if (slot !== undefined) this.view.setBigUint64(L.MODEL_SPECIFIC + slot * 8, value, true);
  }

  /** What PAE paging keeps of the page-directory-pointer table, four entries. */
  get directoryPointers(): readonly RawEntry[] {
    return [0, 1, 2, 3].map((n) => ({
      value: this.view.getUint32(L.PAGE_DIRECTORY_POINTERS + n * 8, true),
      high: this.view.getUint32(L.PAGE_DIRECTORY_POINTERS + n * 8 + 4, true),
    }));
  }
  set directoryPointers(entries: readonly RawEntry[]) {
    entries.forEach(({ value, high }, n) => {
      this.view.setUint32(L.PAGE_DIRECTORY_POINTERS + n * 8, value, true);
      this.view.setUint32(L.PAGE_DIRECTORY_POINTERS + n * 8 + 4, high, true);
    });
  }

  get gdtr(): TableRegister {
    return { base: this.view.getUint32(L.GDTR, true), limit: this.view.getUint32(L.GDTR + 8, true) };
  }
  set gdtr(table: TableRegister) {
    this.view.setBigUint64(L.GDTR, BigInt(table.base >>> 0), true);
    this.view.setUint32(L.GDTR + 8, table.limit & 0xffff, true);
  }
  get idtr(): TableRegister {
    return { base: this.view.getUint32(L.IDTR, true), limit: this.view.getUint32(L.IDTR + 8, true) };
  }
  set idtr(table: TableRegister) {
    this.view.setBigUint64(L.IDTR, BigInt(table.base >>> 0), true);
    this.view.setUint32(L.IDTR + 8, table.limit & 0xffff, true);
  }

  /** Linear address of a segment's offset 0. */
  segmentBase(index: SegmentIndex): number {
    return this.view.getUint32(L.SEGMENTS + index * L.SEGMENT_SIZE + L.SEGMENT_BASE, true);
  }
  segment(index: SegmentIndex): SegmentCache {
    const at = L.SEGMENTS + index * L.SEGMENT_SIZE;
    return {
      selector: this.view.getUint32(at + L.SEGMENT_SELECTOR, true),
      base: this.view.getUint32(at + L.SEGMENT_BASE, true),
      limit: this.view.getUint32(at + L.SEGMENT_LIMIT, true),
      access: this.view.getUint32(at + L.SEGMENT_ACCESS, true),
    };
  }

  /**
   * Stores a segment cache and the counts that generated code checks. Where an access would be refused (null selector,
   * unreadable code, unwritable data) they are 0, so that the access leaves the fast path and gets its reason.
   */
  setSegment(index: SegmentIndex, cache: SegmentCache): void {
    const at = L.SEGMENTS + index * L.SEGMENT_SIZE;
    const set = (field: number, value: number): void => this.view.setUint32(at + field, value, true);
    const { access, limit } = cache;
    const code = (access & ACCESS.code) !== 0;
    const present = (access & ACCESS.present) !== 0;
    const [lowest, highest] = segmentBounds(cache);
    const readable = present && (!code || (access & ACCESS.readWrite) !== 0);
    const writable = present && !code && (access & ACCESS.readWrite) !== 0;
    set(L.SEGMENT_BASE, cache.base);
    set(L.SEGMENT_LOWEST, lowest);
    for (const [n, bytes] of [1, 2, 4].entries()) {
      const starts = Math.min(Math.max(highest - lowest + 2 - bytes, 0), L.MOST_STARTS);
      set(L.SEGMENT_READS + n * 4, readable ? starts : 0);
      set(L.SEGMENT_WRITES + n * 4, writable ? starts : 0);
    }
    set(L.SEGMENT_SELECTOR, cache.selector & 0xffff);
    set(L.SEGMENT_ACCESS, access);
    set(L.SEGMENT_LIMIT, limit);
    const flat = cache.base === 0 && readable && writable && lowest === 0 && highest === 0xffffffff;
    const others = this.view.getUint32(L.FLAT_SEGMENTS, true) & ~(1 << index);
    this.view.setUint32(L.FLAT_SEGMENTS, flat ? others | (1 << index) : others, true);
  }
}

/** AC came with the 486, VIF and VIP with VME, ID with CPUID; bits without a meaning stay 0 (SDM 1, 3.4.3). */
function flagsOf({ features }: CpuModel): number {
  const virtual = features.has('VME') ? EFLAGS.VIF | EFLAGS.VIP : 0;
  return 0x77fd7 | virtual | (features.has('CPUID') ? EFLAGS.ID : 0);
}
