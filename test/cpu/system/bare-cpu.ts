import assert from 'node:assert/strict';
import type { AccessWidth, CpuBus, CpuContext, LinearMemory } from '../../../src/cpu/context.ts';
import { CpuFault } from '../../../src/cpu/fault.ts';
import { RAM } from '../../../src/cpu/layout.ts';
import { ShadowStack } from '../../../src/cpu/shadow-stack.ts';
import { CpuState, SEGMENT, type SegmentIndex } from '../../../src/cpu/state.ts';
import { cpuModel, type CpuModelName } from '../../../src/x86/cpu-model.ts';
import { systemOperations } from '../../../src/cpu/system/system-operations.ts';

/** Linear addresses of what a test sets up. */
export const GDT = 0x1000;
export const IDT = 0x2000;
export const TSS = 0x3000;
export const LDT = 0x3800;
/** Initial ESP, and ESP0 of the TSS. */
export const STACK = 0x8000;
export const STACK0 = 0x9000;

/** GDT selectors of {@link BareCpu}. */
export const SELECTOR = {
  code0: 0x08,
  data0: 0x10,
  code3: 0x1b,
  data3: 0x23,
  tss: 0x28,
  absentData: 0x30,
  conforming: 0x38,
  callGate: 0x43,
  executeOnly: 0x48,
  readOnly: 0x50,
  ldt: 0x58,
  absentCode: 0x60,
  code16: 0x68,
  stack16: 0x70,
  limited: 0x78,
} as const;

/** Descriptors at the indexes of {@link SELECTOR}, as the two words of SDM 3, figure 3-8. */
const DESCRIPTORS: readonly (readonly [low: number, high: number])[] = [
  [0, 0],
  [0x0000ffff, 0x00cf9a00],
  [0x0000ffff, 0x00cf9200],
  [0x0000ffff, 0x00cffa00],
  [0x0000ffff, 0x00cff200],
  [(TSS << 16) | 0x67, 0x00008900],
  [0x0000ffff, 0x00cf1200],
  [0x0000ffff, 0x00cf9e00],
  [(0x08 << 16) | 0x6000, 0x0000ec00],
  [0x0000ffff, 0x00cf9800],
  [0x0000ffff, 0x00cf9000],
  [(LDT << 16) | 0x0f, 0x00008200],
  [0x0000ffff, 0x00cf1a00],
  [0x0000ffff, 0x000f9a00],
  [0x0000ffff, 0x00009200],
  [0x00000fff, 0x00409a00],
];

/** A CPU state and system operations on RAM without paging; a page can be taken away to raise #PF. */
export class BareCpu implements CpuContext {
  readonly state: CpuState;
  readonly memory: LinearMemory;
  readonly bus: CpuBus;
  readonly calls: ShadowStack;
  readonly instruction: { ip: number; next: number; operandSize: 16 | 32 } = {
    ip: 0x5000,
    next: 0x5002,
    operandSize: 32,
  };
  readonly events: string[] = [];
  /** Linear page that raises #PF on every access. */
  missingPage = -1;
  /** Linear page that raises #PF on writes. */
  readOnlyPage = -1;

  constructor(model: CpuModelName = 'default') {
    this.state = new CpuState(0x10000, cpuModel(model));
    this.calls = new ShadowStack(this.state);
    const { view } = this.state;
    const access = (linear: number, write: boolean): void => {
      const page = linear >>> 12;
      if (page === this.missingPage)
        throw new CpuFault(14, write ? 2 : 0, 'page table entry not present', { address: linear });
      if (write && page === this.readOnlyPage)
        throw new CpuFault(14, 3, 'page is read-only and CR0.WP is 1', { address: linear });
    };
    this.memory = {
      read: (linear, width) => {
        access(linear, false);
        const at = RAM + linear;
        return width === 8 ? view.getUint8(at) : width === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
      },
      write: (linear, width, value) => {
        access(linear, true);
        const at = RAM + linear;
        if (width === 8) view.setUint8(at, value);
        else if (width === 16) view.setUint16(at, value, true);
        else view.setUint32(at, value, true);
      },
      probeWrite: (linear) => access(linear, true),
      checkAlignment: () => undefined,
      readPhysical: (physical) => view.getUint32(RAM + physical, true),
    };
    this.bus = {
      portRead: (port, width) => (this.events.push(`in ${port.toString(16)} ${width}`), 0x12345678),
      portWrite: (port, width, value) =>
        void this.events.push(`out ${port.toString(16)} ${width} ${value.toString(16)}`),
      memoryRead: () => 0,
      memoryWrite: () => undefined,
      timeStamp: () => 0x123456789abcdef0n,
    };
    DESCRIPTORS.forEach(([low, high], index) => this.writeWords(GDT + index * 8, [low, high]));
    this.state.gdtr = { base: GDT, limit: DESCRIPTORS.length * 8 - 1 };
    this.state.setControl(0, 0x11);
    this.writeWords(TSS + 4, [STACK0, SELECTOR.data0]);
    this.enterLevel(0);
    this.events.length = 0;
  }

  flushTranslations(): void {
    this.events.push('flush');
  }
  invalidatePage(linear: number): void {
    this.events.push(`invalidate ${linear.toString(16)}`);
  }
  debugRegistersChanged(): void {
    this.events.push('debug');
  }
  codeContextChanged(): void {
    this.events.push('context');
  }
  attention(): void {
    // Nothing runs here that could return.
  }
  halt(): void {
    this.events.push('halt');
  }

  /** Puts the CPU in flat segments at CPL 0 or 3, with ESP at {@link STACK} and IF on. */
  enterLevel(cpl: 0 | 3): void {
    const { state } = this;
    const dpl = cpl << 13;
    const segment = (index: SegmentIndex, selector: number, access: number): void =>
      state.setSegment(index, { selector, base: 0, limit: 0xffffffff, access: access | dpl });
    segment(SEGMENT.cs, cpl === 0 ? SELECTOR.code0 : SELECTOR.code3, 0x00c09b00);
    for (const index of [SEGMENT.es, SEGMENT.ss, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs])
      segment(index, cpl === 0 ? SELECTOR.data0 : SELECTOR.data3, 0x00c09300);
    state.cpl = cpl;
    state.setRegister32(4, STACK);
    state.ip = this.instruction.ip;
    state.eflags = 0x202;
  }

  /** Loads the TSS as LTR would. */
  loadTask(limit = 0x67): void {
    this.state.setSegment(SEGMENT.tr, { selector: SELECTOR.tss, base: TSS, limit, access: 0x00008b00 });
  }

  /** Writes a gate and makes the IDT long enough for it. */
  gate(vector: number, selector: number, offset: number, access: number): void {
    this.state.idtr = { base: IDT, limit: Math.max(this.state.idtr.limit, vector * 8 + 7) };
    this.writeWords(IDT + vector * 8, [(selector << 16) | (offset & 0xffff), (offset & 0xffff0000) | access]);
  }

  run(name: string, ...args: number[]): void {
    const operation = systemOperations[name];
    assert.ok(operation !== undefined, name);
    operation(this, args);
  }

  /** The fault an operation raises; asserts that nothing else changed. */
  refusal(attempt: () => void): CpuFault {
    const before = Buffer.from(this.state.bytes);
    const events = [...this.events];
    let fault: unknown;
    try {
      attempt();
    } catch (error) {
      fault = error;
    }
    assert.ok(fault instanceof CpuFault, `raised ${String(fault)}`);
    assert.ok(before.equals(this.state.bytes), 'memory and registers are as before');
    assert.deepEqual(this.events, events, 'nobody was told');
    return fault;
  }

  /** Asserts the fault of an operation: vector, error code, reason. */
  refuses(name: string, args: readonly number[], vector: number, errorCode: number | undefined, reason: string): void {
    const fault = this.refusal(() => this.run(name, ...args));
    assert.deepEqual(
      { vector: fault.vector, errorCode: fault.errorCode, reason: fault.reason },
      { vector, errorCode, reason },
    );
  }

  writeWords(linear: number, words: readonly number[]): void {
    words.forEach((word, index) => this.state.view.setUint32(RAM + linear + index * 4, word, true));
  }

  /** `count` values of `width` bits from the top of the stack at `linear`. */
  stack(linear: number, count: number, width: AccessWidth = 32): number[] {
    return Array.from({ length: count }, (_, slot) => this.memory.read(linear + (slot * width) / 8, width));
  }

  get esp(): number {
    return this.state.register32(4);
  }
  selector(index: SegmentIndex): number {
    return this.state.segment(index).selector;
  }
}
