import { hex } from '../../util/hex.ts';
import type { CpuContext } from '../context.ts';
import { ACCESS, SEGMENT, type SegmentCache, type SegmentIndex } from '../state.ts';
import { generalProtection, inVirtual8086Mode } from './operation.ts';

/** Present, writable, accessed data: what CS has too, from the reset on (SDM 3, table 9-1). */
const DATA = ACCESS.present | ACCESS.codeOrData | ACCESS.readWrite | ACCESS.accessed;
const DPL_3 = 3 << ACCESS.dplShift;
const KEPT = ACCESS.granularity | ACCESS.big | ACCESS.available;

/**
 * What a load of a segment register leaves in real mode and in virtual-8086 mode (SDM 3, 20.1.1 and 20.2.1): the base is the
 * selector times 16. In virtual-8086 mode the limit is 0xffff; in real mode the limit and the size of the segment that was
 * loaded in protected mode survive, which is how programs reach 4 GiB from real mode.
 */
export function segment8086(cpu: CpuContext, index: SegmentIndex, selector: number): SegmentCache {
  const base = (selector & 0xffff) << 4;
  if (inVirtual8086Mode(cpu)) return { selector, base, limit: 0xffff, access: DATA | DPL_3 };
  const { limit, access } = cpu.state.segment(index);
  return { selector, base, limit, access: (access & KEPT) | DATA };
}

/** #GP(0) unless the offset is inside CS, whose limit a far transfer keeps. */
export function requireOffset8086(cpu: CpuContext, selector: number, offset: number): void {
  const limit = inVirtual8086Mode(cpu) ? 0xffff : cpu.state.segment(SEGMENT.cs).limit;
  if (offset <= limit) return;
  throw generalProtection(`CS ${hex(selector, 4)}: offset ${hex(offset)} is past the segment limit ${hex(limit)}`, {
    selector,
    offset,
    limit,
  });
}

/** Loads CS and the instruction pointer. All checks were made. */
export function enterCode8086(cpu: CpuContext, selector: number, offset: number): void {
  cpu.state.setSegment(SEGMENT.cs, segment8086(cpu, SEGMENT.cs, selector));
  cpu.state.ip = offset;
  cpu.codeContextChanged();
}
