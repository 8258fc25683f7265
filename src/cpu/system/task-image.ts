import type { CpuContext } from '../context.ts';
import { SEGMENT, type SegmentIndex } from '../state.ts';

/** Where a TSS keeps the state of its task (SDM 3, figures 7-2 and 7-10). Byte offsets; the first field is the back link. */
export interface TaskLayout {
  readonly width: 16 | 32;
  /** Lowest limit that a TSS of this form may have. */
  readonly lowestLimit: number;
  readonly ip: number;
  readonly flags: number;
  /** Eight general registers in encoding order, one after another. */
  readonly registers: number;
  /** Selectors of `segments`, one after another. */
  readonly selectors: number;
  readonly segments: readonly SegmentIndex[];
  readonly localTable: number;
  /** Page directory base and the T bit, which the 16-bit form does not have. */
  readonly pageDirectory: number | undefined;
  readonly trap: number | undefined;
}

const { es, cs, ss, ds, fs, gs } = SEGMENT;

export const TASK_16: TaskLayout = {
  width: 16,
  lowestLimit: 0x2b,
  ip: 0x0e,
  flags: 0x10,
  registers: 0x12,
  selectors: 0x22,
  segments: [es, cs, ss, ds],
  localTable: 0x2a,
  pageDirectory: undefined,
  trap: undefined,
};

export const TASK_32: TaskLayout = {
  width: 32,
  lowestLimit: 0x67,
  ip: 0x20,
  flags: 0x24,
  registers: 0x28,
  selectors: 0x48,
  segments: [es, cs, ss, ds, fs, gs],
  localTable: 0x60,
  pageDirectory: 0x1c,
  trap: 0x64,
};

/** What a task switch loads. The 16-bit form gives null selectors for FS and GS. */
export interface TaskImage {
  readonly ip: number;
  readonly eflags: number;
  readonly registers: readonly number[];
  /** By segment register. */
  readonly selectors: Readonly<Record<SegmentIndex, number>>;
  readonly pageDirectory: number | undefined;
  /** The T bit: #DB before the first instruction. */
  readonly trap: boolean;
}

/**
 * The upper half of a register that a 16-bit TSS loads. It is "modified and not maintained" (SDM 3, 7.6) without a value said;
 * the 80386 and its successors leave ones.
 */
const UNMAINTAINED = 0xffff0000;

/** The state in the TSS at a linear address. */
export function readTask(cpu: CpuContext, base: number, layout: TaskLayout): TaskImage {
  const read = (offset: number, width: 16 | 32): number => cpu.memory.read((base + offset) >>> 0, width, true);
  const { width, segments } = layout;
  const bytes = width / 8;
  const upper = width === 16 ? UNMAINTAINED : 0;
  const selectors = { [es]: 0, [cs]: 0, [ss]: 0, [ds]: 0, [fs]: 0, [gs]: 0, [SEGMENT.tr]: 0 };
  segments.forEach((index, n) => (selectors[index as typeof es] = read(layout.selectors + n * bytes, 16)));
  return {
    ip: read(layout.ip, width),
    eflags: read(layout.flags, width),
    registers: Array.from({ length: 8 }, (_, n) => (read(layout.registers + n * bytes, width) | upper) >>> 0),
    selectors: { ...selectors, [SEGMENT.ldtr]: read(layout.localTable, 16) },
    pageDirectory: layout.pageDirectory === undefined ? undefined : read(layout.pageDirectory, 32),
    trap: layout.trap !== undefined && (read(layout.trap, 16) & 1) !== 0,
  };
}

/** Raises now what {@link saveTask} would. */
export function probeTask(cpu: CpuContext, base: number, layout: TaskLayout): void {
  const end = layout.selectors + (layout.segments.length * layout.width) / 8;
  cpu.memory.probeWrite((base + layout.ip) >>> 0, end - layout.ip, true);
}

/** Stores the running task's registers, with the given instruction pointer and flags. Selectors take 16 bits of their fields. */
export function saveTask(cpu: CpuContext, base: number, layout: TaskLayout, ip: number, eflags: number): void {
  const { width } = layout;
  const write = (offset: number, bits: 16 | 32, value: number): void =>
    cpu.memory.write((base + offset) >>> 0, bits, bits === 16 ? value & 0xffff : value >>> 0, true);
  write(layout.ip, width, ip);
  write(layout.flags, width, eflags);
  const bytes = width / 8;
  for (let n = 0; n < 8; n++) write(layout.registers + n * bytes, width, cpu.state.register32(n));
  layout.segments.forEach((index, n) => write(layout.selectors + n * bytes, 16, cpu.state.segment(index).selector));
}
