import { kindName } from '../../x86/descriptor-text.ts';
import { isConforming, isReadable, isWritable } from '../../x86/descriptor.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { SEGMENT_REGISTERS } from '../../x86/registers.ts';
import { decodeSelector, isNullSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { cacheOf, markAccessed, readDescriptor, selectorFault, type TableEntry } from './descriptor-table.ts';
import { nullSegment } from './segment-load.ts';
import type { TaskImage } from './task-image.ts';

const DATA = [SEGMENT.ds, SEGMENT.es, SEGMENT.fs, SEGMENT.gs] as const;

/**
 * Loads the segments of a task that was switched to, with the checks of SDM 3, table 7-1 (numbers 7 to 19), in its order.
 * #TS, #NP and #SS carry the selector; `external` is their EXT bit. What was not reached yet stays unusable.
 */
export function loadTaskSegments(cpu: CpuContext, { selectors }: TaskImage, external: number): void {
  const { state } = cpu;
  const refuse = (vector: number, name: string, selector: number, reason: string): Error =>
    selectorFault(vector, selector, { name: `task ${name}`, vector, external }, reason);
  const read = (name: string, selector: number): TableEntry => {
    if (isNullSelector(selector)) throw refuse(VECTOR.TS, name, selector, ' is null');
    return readDescriptor(cpu, selector, { name: `task ${name}`, vector: VECTOR.TS, external });
  };
  const load = (index: 0 | 1 | 2 | 3 | 4 | 5, entry: TableEntry): void => {
    markAccessed(cpu, entry);
    state.setSegment(index, cacheOf(entry));
  };

  const table = localTable();
  const code = read('CS', selectors[SEGMENT.cs]);
  const cpl = decodeSelector(code.selector).rpl;
  checkCodeLevel();
  const stack = read('SS', selectors[SEGMENT.ss]);
  checkStack();
  if (table !== undefined) {
    if (!table.descriptor.present) throw refuse(VECTOR.TS, 'LDT', table.selector, ' is not present');
    state.setSegment(SEGMENT.ldtr, cacheOf(table));
  }
  if (!code.descriptor.present) throw refuse(VECTOR.NP, 'CS', code.selector, ' is not present');
  load(SEGMENT.cs, code);
  const { rpl } = decodeSelector(stack.selector);
  if (rpl !== cpl) throw refuse(VECTOR.TS, 'SS', stack.selector, ` has RPL ${rpl}; CPL is ${cpl}`);
  load(SEGMENT.ss, stack);
  for (const index of DATA) loadData(index);

  /** The LDT; its descriptors can be read from here on. */
  function localTable(): TableEntry | undefined {
    const selector = selectors[SEGMENT.ldtr];
    if (isNullSelector(selector)) return undefined;
    if (decodeSelector(selector).table === 'LDT') throw refuse(VECTOR.TS, 'LDT', selector, ' is in the LDT');
    const entry = read('LDT', selector);
    if (entry.descriptor.kind !== 'ldt')
      throw refuse(VECTOR.TS, 'LDT', selector, ` is ${kindName(entry.descriptor)}; LDTR needs an LDT`);
    if (entry.descriptor.present) state.setSegment(SEGMENT.ldtr, cacheOf(entry));
    return entry;
  }

  function checkCodeLevel(): void {
    const { descriptor, selector } = code;
    if (descriptor.kind !== 'code')
      throw refuse(VECTOR.TS, 'CS', selector, ` is ${kindName(descriptor)}; CS needs code`);
    const { dpl } = descriptor;
    if (isConforming(descriptor) ? dpl <= cpl : dpl === cpl) return;
    throw refuse(VECTOR.TS, 'CS', selector, ` has DPL ${dpl}, which RPL ${cpl} does not fit`);
  }

  function checkStack(): void {
    const { descriptor, selector } = stack;
    if (!isWritable(descriptor))
      throw refuse(VECTOR.TS, 'SS', selector, ` is ${kindName(descriptor)}; a stack needs writable data`);
    if (!descriptor.present) throw refuse(VECTOR.SS, 'SS', selector, ' is not present');
    if (descriptor.dpl !== cpl) throw refuse(VECTOR.TS, 'SS', selector, ` has DPL ${descriptor.dpl}; CPL is ${cpl}`);
  }

  function loadData(index: (typeof DATA)[number]): void {
    const selector = selectors[index];
    const name = SEGMENT_REGISTERS[index].toUpperCase();
    if (isNullSelector(selector)) {
      state.setSegment(index, nullSegment(selector));
      return;
    }
    const entry = read(name, selector);
    const { descriptor } = entry;
    if (!isReadable(descriptor))
      throw refuse(VECTOR.TS, name, selector, ` is ${kindName(descriptor)}; data or readable code is needed`);
    if (!descriptor.present) throw refuse(VECTOR.NP, name, selector, ' is not present');
    const level = Math.max(cpl, decodeSelector(selector).rpl);
    if (!isConforming(descriptor) && descriptor.dpl < level)
      throw refuse(VECTOR.TS, name, selector, ` has DPL ${descriptor.dpl}, more privileged than level ${level}`);
    load(index, entry);
  }
}
