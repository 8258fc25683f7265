import { hex } from '../../util/hex.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { ACCESS, SEGMENT, segmentBounds, type SegmentCache } from '../state.ts';

/** A stack that need not be the current one yet. */
export interface Stack {
  readonly segment: SegmentCache;
  /** ESP. With a 16-bit stack segment only SP counts and the upper half stays. */
  readonly pointer: number;
}

/** Where a row of pushes goes, checked before any of them is made. */
export interface PushPlan {
  /** Linear addresses in push order. */
  readonly addresses: readonly number[];
  readonly width: 16 | 32;
  /** ESP after the last push. */
  readonly pointer: number;
  /** Made at CPL 0 to 2. */
  readonly system: boolean;
}

/** SS:ESP. */
export function currentStack(cpu: CpuContext): Stack {
  return { segment: cpu.state.segment(SEGMENT.ss), pointer: cpu.state.register32(REGISTER.esp) };
}

/** The stack pointer moved by `bytes`, wrapping at the stack's width. */
export function movePointer(stack: Stack, bytes: number): number {
  return withPointer(stack.segment, stack.pointer, stack.pointer + bytes);
}

/** ESP as a load of `value` into a stack pointer of the segment's width leaves it; `before` gives the upper half of 16-bit ones. */
export function withPointer(segment: SegmentCache, before: number, value: number): number {
  const mask = stackMask(segment);
  return ((before & ~mask) | (value & mask)) >>> 0;
}

/**
 * Checks that `count` pushes of `width` bits fit at CPL `cpl`: segment bounds (#SS with `errorCode`), then paging.
 * Changes nothing.
 */
export function planPushes(
  cpu: CpuContext,
  stack: Stack,
  count: number,
  width: 16 | 32,
  cpl: number,
  errorCode: number,
): PushPlan {
  const system = cpl < 3;
  const addresses: number[] = [];
  for (let slot = 1; slot <= count; slot++) addresses.push(slotAddress(stack, (-slot * width) / 8, width, errorCode));
  for (const address of addresses) cpu.memory.probeWrite(address, width / 8, system);
  cpu.state.trace?.passed(
    'segment',
    `${count} pushes of ${width} bits from ${hex(stack.pointer)} stay inside SS ${hex(stack.segment.selector, 4)}`,
  );
  return { addresses, width, pointer: movePointer(stack, (-count * width) / 8), system };
}

/** Writes the values of a plan, in push order. Does not touch ESP. */
export function writePushes(cpu: CpuContext, plan: PushPlan, values: readonly number[]): void {
  plan.addresses.forEach((address, slot) => {
    const value = values[slot] ?? 0;
    cpu.memory.write(address, plan.width, plan.width === 16 ? value & 0xffff : value >>> 0, plan.system);
  });
}

/** Reads `count` values of `width` bits from `skip` bytes above the top of the stack; #SS(0) outside the segment. */
export function readStack(cpu: CpuContext, stack: Stack, skip: number, count: number, width: 16 | 32): number[] {
  return Array.from({ length: count }, (_, slot) =>
    cpu.memory.read(slotAddress(stack, skip + (slot * width) / 8, width, 0), width),
  );
}

function slotAddress(stack: Stack, distance: number, width: number, errorCode: number): number {
  const { segment } = stack;
  const offset = ((stack.pointer + distance) & stackMask(segment)) >>> 0;
  const last = offset + width / 8 - 1;
  const [lowest, highest] = segmentBounds(segment);
  if (offset < lowest || last > highest) {
    const range = `${hex(lowest)} to ${hex(highest)}`;
    const reason = `stack bytes ${hex(offset)} to ${hex(last)} are outside SS ${hex(segment.selector)}, which has ${range}`;
    throw new CpuFault(VECTOR.SS, errorCode, reason, { offset, lowest, highest, selector: segment.selector });
  }
  return (segment.base + offset) >>> 0;
}

function stackMask(segment: SegmentCache): number {
  return (segment.access & ACCESS.big) !== 0 ? 0xffffffff : 0xffff;
}
