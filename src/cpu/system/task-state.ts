import { hex } from '../../util/hex.ts';
import { SYSTEM_TYPE } from '../../x86/descriptor.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { SEGMENT, type SegmentCache } from '../state.ts';
import { cacheOf, type TableEntry } from './descriptor-table.ts';
import { checkStackSegment } from './segment-load.ts';
import { currentStack, withPointer, type Stack } from './stack.ts';

/** Offset in a 32-bit TSS of the 16-bit offset of the I/O permission bitmap (SDM 3, 7.2.1). */
export const IO_BITMAP_BASE = 0x66;

/** A stack that the TSS gives for a more privileged level, checked but not loaded. */
export interface InnerStack extends Stack {
  readonly entry: TableEntry;
}

/** True when TR holds a TSS of the 386 form; false for the 286 form; undefined while TR is null. */
export function taskStateIs32Bit(task: SegmentCache): boolean | undefined {
  const type = (task.access >>> 8) & 15;
  return task.access === 0 ? undefined : type === SYSTEM_TYPE.tss32Busy || type === SYSTEM_TYPE.tss32Available;
}

/**
 * SSn:ESPn of the current TSS for `level` 0 to 2, with the checks of SDM 2 (INT n, CALL, "inter-privilege"): #TS for
 * the TSS and for the selector, #SS for a segment that is not present. `external` is the EXT bit of the error codes.
 */
export function innerStack(cpu: CpuContext, level: number, external: number): InnerStack {
  const task = cpu.state.segment(SEGMENT.tr);
  const wide = taskStateIs32Bit(task);
  const refuse = (reason: string): CpuFault =>
    new CpuFault(VECTOR.TS, (task.selector & 0xfffc) | external, reason, { selector: task.selector, level });
  if (wide === undefined) throw refuse(`a stack for CPL ${level} comes from the TSS, but TR is null`);

  const first = wide ? level * 8 + 4 : level * 4 + 2;
  const last = first + (wide ? 5 : 3);
  if (last > task.limit) {
    const need = `SS${level} and ${wide ? 'ESP' : 'SP'}${level} need TSS bytes ${hex(first)} to ${hex(last)}`;
    throw refuse(`${need}; TR limit is ${hex(task.limit, 4)}`);
  }
  const at = (task.base + first) >>> 0;
  const pointer = cpu.memory.read(at, wide ? 32 : 16, true);
  const selector = cpu.memory.read((at + (wide ? 4 : 2)) >>> 0, 16, true);
  const entry = checkStackSegment(cpu, selector, level, { name: `TSS SS${level}`, vector: VECTOR.TS, external });
  const segment = cacheOf(entry);
  return { segment, pointer: withPointer(segment, currentStack(cpu).pointer, pointer), entry };
}
