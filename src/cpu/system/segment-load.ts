import { SEGMENT_REGISTERS } from '../../x86/registers.ts';
import { kindName } from '../../x86/descriptor-text.ts';
import { isConforming, isReadable, isWritable } from '../../x86/descriptor.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { decodeSelector, isNullSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT, SHADOW, type SegmentCache } from '../state.ts';
import {
  cacheOf,
  markAccessed,
  probeAccessed,
  readDescriptor,
  selectorFault,
  type SelectorUse,
  type TableEntry,
} from './descriptor-table.ts';
import { inProtectedMode, invalidOpcode, type SystemOperations } from './operation.ts';
import { segment8086 } from './segments-8086.ts';

/** Loads ES, SS, DS, FS or GS with every check of MOV to a segment register (SDM 2, MOV; SDM 3, 5.6 and 5.7). */
function loadSegment(cpu: CpuContext, index: number, selector: number): void {
  if (!isDataRegister(index) && index !== SEGMENT.ss)
    throw invalidOpcode(`segment register ${index} cannot be loaded`, { index });
  if (!inProtectedMode(cpu)) {
    cpu.state.setSegment(index, segment8086(cpu, index, selector));
    if (index === SEGMENT.ss) loadedStack(cpu);
    return;
  }
  if (index === SEGMENT.ss) {
    const entry = checkStackSegment(cpu, selector, cpu.state.cpl, { name: 'SS', vector: VECTOR.GP, external: 0 });
    probeAccessed(cpu, entry);
    markAccessed(cpu, entry);
    cpu.state.setSegment(SEGMENT.ss, cacheOf(entry));
    loadedStack(cpu);
    return;
  }
  if (isNullSelector(selector)) {
    cpu.state.setSegment(index, nullSegment(selector));
    return;
  }
  const entry = checkDataSegment(cpu, index, selector);
  probeAccessed(cpu, entry);
  markAccessed(cpu, entry);
  cpu.state.setSegment(index, cacheOf(entry));
}

/** Interrupts wait until ESP was loaded too; decoded code depends on the stack's width. */
function loadedStack(cpu: CpuContext): void {
  cpu.state.shadow = SHADOW.stack;
  cpu.codeContextChanged();
}

/** A segment register that holds a null selector: every access through it is refused. */
export function nullSegment(selector: number): SegmentCache {
  return { selector, base: 0, limit: 0, access: 0 };
}

/** The data segment registers, which a return to an outer level clears. */
export const DATA_REGISTERS = [SEGMENT.es, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs] as const;
type DataRegister = (typeof DATA_REGISTERS)[number];

function isDataRegister(index: number): index is DataRegister {
  return DATA_REGISTERS.some((register: number) => register === index);
}

/**
 * The checks of a stack segment for level `level`: those of MOV SS (`use.vector` #GP) and those of a stack taken from
 * the TSS (#TS). A segment that is not present raises #SS either way.
 */
export function checkStackSegment(cpu: CpuContext, selector: number, level: number, use: SelectorUse): TableEntry {
  const refuse = (reason: string): Error => selectorFault(use.vector, selector, use, reason, { level });
  if (isNullSelector(selector)) throw refuse(' is null; a stack needs a segment');
  const entry = readDescriptor(cpu, selector, use);
  const { descriptor } = entry;
  const { rpl } = decodeSelector(selector);
  if (rpl !== level) throw refuse(` has RPL ${rpl}; a stack for CPL ${level} needs RPL ${level}`);
  if (descriptor.kind !== 'data') throw refuse(` is ${kindName(descriptor)}; a stack needs writable data`);
  if (!isWritable(descriptor)) throw refuse(' is read-only data; a stack needs writable data');
  if (descriptor.dpl !== level) throw refuse(` has DPL ${descriptor.dpl}; a stack for CPL ${level} needs DPL ${level}`);
  if (!descriptor.present) throw selectorFault(VECTOR.SS, selector, use, ' is not present');
  cpu.state.trace?.passed(
    'privilege',
    `${use.name}: RPL ${rpl} and DPL ${descriptor.dpl} are those of a stack for CPL ${level}`,
  );
  return entry;
}

function checkDataSegment(cpu: CpuContext, index: DataRegister, selector: number): TableEntry {
  const name = SEGMENT_REGISTERS[index].toUpperCase();
  const use = { name, vector: VECTOR.GP, external: 0 };
  const entry = readDescriptor(cpu, selector, use);
  const { descriptor } = entry;
  if (!isReadable(descriptor)) {
    const what = descriptor.kind === 'code' ? 'execute-only code' : kindName(descriptor);
    throw selectorFault(VECTOR.GP, selector, use, ` is ${what}; ${name} needs data or readable code`);
  }
  const { rpl } = decodeSelector(selector);
  const { cpl } = cpu.state;
  if (!isConforming(descriptor) && descriptor.dpl < Math.max(rpl, cpl)) {
    const level = rpl > descriptor.dpl ? `RPL ${rpl}` : `CPL ${cpl}`;
    throw selectorFault(VECTOR.GP, selector, use, ` has DPL ${descriptor.dpl}, more privileged than ${level}`, {
      dpl: descriptor.dpl,
      rpl,
      cpl,
    });
  }
  if (!descriptor.present) throw selectorFault(VECTOR.NP, selector, use, ' is not present');
  cpu.state.trace?.passed('privilege', `${name}: DPL ${descriptor.dpl} allows RPL ${rpl} and CPL ${cpl}`);
  return entry;
}

export const segmentOperations: SystemOperations = {
  'load-segment': (cpu, [index = 0, selector = 0]) => loadSegment(cpu, index, selector),
  /** LSS loads ESP as well: nothing has to be held off until that is done (SDM 3, 6.8.3). */
  'load-far-segment': (cpu, [index = 0, selector = 0]) => {
    loadSegment(cpu, index, selector);
    cpu.state.shadow = SHADOW.none;
  },
};
