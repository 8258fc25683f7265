import { hex } from '../../util/hex.ts';
import { kindName } from '../../x86/descriptor-text.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { isNullSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { SEGMENT } from '../state.ts';
import {
  cacheOf,
  markAccessed,
  probeAccessed,
  readDescriptor,
  selectorFault,
  type SelectorUse,
  type TableEntry,
} from './descriptor-table.ts';
import { setPrivilegeLevel } from './operation.ts';

/** Where control goes: checked, not loaded. */
export interface CodeTarget {
  readonly entry: TableEntry;
  /** Offset in the segment. */
  readonly offset: number;
  /** CPL after the transfer, and RPL of CS. */
  readonly cpl: number;
}

/** The descriptor of a selector that must not be null; #GP(EXT) when it is. */
export function readTarget(cpu: CpuContext, selector: number, use: SelectorUse): TableEntry {
  if (isNullSelector(selector)) throw selectorFault(VECTOR.GP, selector, use, ' is null');
  return readDescriptor(cpu, selector, use);
}

/** #GP with the selector unless the entry is a code segment. */
export function requireCode(entry: TableEntry, use: SelectorUse): void {
  if (entry.descriptor.kind === 'code') return;
  throw selectorFault(VECTOR.GP, entry.selector, use, ` is ${kindName(entry.descriptor)}; CS needs code`);
}

/** #NP with the selector unless the segment is present. */
export function requirePresent(entry: TableEntry, use: SelectorUse): void {
  if (!entry.descriptor.present) throw selectorFault(VECTOR.NP, entry.selector, use, ' is not present');
}

/** #GP(EXT) unless the offset is inside the code segment. */
export function requireOffset(entry: TableEntry, offset: number, use: SelectorUse): void {
  const { limit } = entry.descriptor;
  if (offset <= limit) return;
  const reason = `${use.name} selector ${hex(entry.selector)}: offset ${hex(offset)} is past the segment limit ${hex(limit)}`;
  throw new CpuFault(VECTOR.GP, use.external, reason, { selector: entry.selector, offset, limit });
}

/** Raises now what {@link enterCode} would. */
export function probeCode(cpu: CpuContext, target: CodeTarget): void {
  probeAccessed(cpu, target.entry);
}

/** Loads CS, the instruction pointer and CPL. All checks were made. */
export function enterCode(cpu: CpuContext, { entry, offset, cpl }: CodeTarget): void {
  markAccessed(cpu, entry);
  cpu.state.setSegment(SEGMENT.cs, cacheOf(entry, (entry.selector & 0xfffc) | cpl));
  cpu.state.ip = offset;
  setPrivilegeLevel(cpu, cpl);
  cpu.codeContextChanged();
}
