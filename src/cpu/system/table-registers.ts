import { kindName } from '../../x86/descriptor-text.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { decodeSelector, isNullSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT, type TableRegister } from '../state.ts';
import { cacheOf, readDescriptor, selectorFault, type SelectorUse, type TableEntry } from './descriptor-table.ts';
import { requirePrivilege, type SystemOperations } from './operation.ts';
import { nullSegment } from './segment-load.ts';

/** Type bit that tells a busy TSS from an available one (SDM 3, 7.2.2), in byte 5 of the descriptor. */
const BUSY = 2;

/** LGDT and LIDT: with a 16-bit operand size the base has 24 bits (SDM 2, LGDT). */
function loadTableRegister(cpu: CpuContext, register: 'gdtr' | 'idtr', [limit = 0, base = 0]: readonly number[]): void {
  requirePrivilege(cpu, register === 'gdtr' ? 'LGDT' : 'LIDT');
  const table: TableRegister = { limit, base: cpu.instruction.operandSize === 16 ? base & 0xffffff : base };
  if (register === 'gdtr') cpu.state.gdtr = table;
  else cpu.state.idtr = table;
}

/** LLDT (SDM 2). A null selector leaves no LDT. */
function loadLocalTable(cpu: CpuContext, selector: number): void {
  requirePrivilege(cpu, 'LLDT');
  if (isNullSelector(selector)) {
    cpu.state.setSegment(SEGMENT.ldtr, nullSegment(selector));
    return;
  }
  const entry = readSystemDescriptor(cpu, selector, 'LDTR', 'ldt', 'an LDT');
  cpu.state.setSegment(SEGMENT.ldtr, cacheOf(entry));
}

/** LTR (SDM 2): marks the TSS busy. */
function loadTaskRegister(cpu: CpuContext, selector: number): void {
  requirePrivilege(cpu, 'LTR');
  const use: SelectorUse = { name: 'TR', vector: VECTOR.GP, external: 0 };
  if (isNullSelector(selector)) throw selectorFault(VECTOR.GP, selector, use, ' is null');
  const entry = readSystemDescriptor(cpu, selector, 'TR', 'tss-available', 'an available TSS');
  cpu.memory.write((entry.address + 5) >>> 0, 8, ((entry.high >>> 8) & 0xff) | BUSY, true);
  const cache = cacheOf(entry);
  cpu.state.setSegment(SEGMENT.tr, { ...cache, access: cache.access | (BUSY << 8) });
}

function readSystemDescriptor(
  cpu: CpuContext,
  selector: number,
  name: string,
  kind: 'ldt' | 'tss-available',
  needed: string,
): TableEntry {
  const use: SelectorUse = { name, vector: VECTOR.GP, external: 0 };
  if (decodeSelector(selector).table === 'LDT')
    throw selectorFault(VECTOR.GP, selector, use, ` is in the LDT; ${name} needs the GDT`);
  const entry = readDescriptor(cpu, selector, use);
  if (entry.descriptor.kind !== kind)
    throw selectorFault(VECTOR.GP, selector, use, ` is ${kindName(entry.descriptor)}; ${name} needs ${needed}`);
  if (!entry.descriptor.present) throw selectorFault(VECTOR.NP, selector, use, ' is not present');
  return entry;
}

export const tableRegisterOperations: SystemOperations = {
  lgdt: (cpu, args) => loadTableRegister(cpu, 'gdtr', args),
  lidt: (cpu, args) => loadTableRegister(cpu, 'idtr', args),
  lldt: (cpu, [selector = 0]) => loadLocalTable(cpu, selector),
  ltr: (cpu, [selector = 0]) => loadTaskRegister(cpu, selector),
};
