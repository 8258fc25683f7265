import {
  isConforming,
  isReadable,
  isWritable,
  type DescriptorKind,
  type SegmentDescriptor,
} from '../../x86/descriptor.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { decodeSelector, isNullSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { locateDescriptor, readEntry, type TableEntry } from './descriptor-table.ts';
import { mergeRegister } from './general-register.ts';
import type { SystemOperations } from './operation.ts';

/** What LSL may ask about: what has a limit (SDM 2, LSL, table 3-55). */
const HAS_LIMIT: ReadonlySet<DescriptorKind> = new Set(['code', 'data', 'ldt', 'tss-available', 'tss-busy']);
/** What LAR may ask about (SDM 2, LAR, table 3-53): interrupt and trap gates are not in it. */
const HAS_RIGHTS: ReadonlySet<DescriptorKind> = new Set([...HAS_LIMIT, 'call-gate', 'task-gate']);
/** The bits LAR shows of the upper word. */
const RIGHTS_MASK = 0x00f0ff00;

/** The entry if the program may ask about it, with no fault otherwise. */
function visible(
  cpu: CpuContext,
  selector: number,
  accepts: (descriptor: SegmentDescriptor) => boolean,
): TableEntry | undefined {
  if (isNullSelector(selector)) return undefined;
  const place = locateDescriptor(cpu, selector);
  if ('reason' in place) return undefined;
  const entry = readEntry(cpu, selector, place.address);
  if (!accepts(entry.descriptor)) return undefined;
  const level = Math.max(cpu.state.cpl, decodeSelector(selector).rpl);
  return isConforming(entry.descriptor) || entry.descriptor.dpl >= level ? entry : undefined;
}

function query(
  cpu: CpuContext,
  [register = 0, width = 32, selector = 0]: readonly number[],
  kinds: ReadonlySet<DescriptorKind>,
  answer: (entry: TableEntry) => number,
): void {
  const entry = visible(cpu, selector, (descriptor) => kinds.has(descriptor.kind));
  if (entry !== undefined) mergeRegister(cpu.state, register, width === 16 ? 16 : 32, answer(entry));
  setZero(cpu, entry !== undefined);
}

function setZero({ state }: CpuContext, zero: boolean): void {
  state.eflags = zero ? state.eflags | EFLAGS.ZF : (state.eflags & ~EFLAGS.ZF) >>> 0;
}

/** LAR, LSL, VERR and VERW (SDM 2): what a selector would allow, told by ZF. */
export const descriptorQueryOperations: SystemOperations = {
  lar: (cpu, args) => query(cpu, args, HAS_RIGHTS, (entry) => entry.high & RIGHTS_MASK),
  lsl: (cpu, args) => query(cpu, args, HAS_LIMIT, (entry) => entry.descriptor.limit),
  verr: (cpu, [selector = 0]) => setZero(cpu, visible(cpu, selector, isReadable) !== undefined),
  verw: (cpu, [selector = 0]) => setZero(cpu, visible(cpu, selector, isWritable) !== undefined),
};
