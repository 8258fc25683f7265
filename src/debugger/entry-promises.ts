import type { SegmentName } from '../boot/protocol.ts';
import { SEGMENT } from '../cpu/state.ts';
import { hex, registerHex } from '../util/hex.ts';
import { describeDescriptor } from '../x86/descriptor-text.ts';
import { descriptorOfCache } from '../x86/descriptor.ts';
import type { Inspection } from './inspection.ts';

/** A promise of the entry protocol beside what the machine held at entry. */
export interface CheckedPromise {
  readonly item: string;
  readonly promise: string | undefined;
  /** Where the specification says so. */
  readonly source: string;
  readonly atEntry: string;
  /** `set`: the launch configuration overrides it. */
  readonly verdict: 'kept' | 'broken' | 'not promised' | 'set';
}

/** Compares the machine with the plan; to be called before the first instruction. `overridden` are lower-case register names. */
export function checkPromises(inspection: Inspection, overridden: ReadonlySet<string>): CheckedPromise[] {
  return inspection.plan.promises.map(({ item, promise, source }) => {
    const register = item.toLowerCase();
    const verdict = overridden.has(register.split('.')[0] ?? '')
      ? 'set'
      : promise === undefined
        ? 'not promised'
        : asPlanned(inspection, register)
          ? 'kept'
          : 'broken';
    return { item, promise, source, atEntry: valueAt(inspection, register), verdict };
  });
}

/** True when the machine holds what the plan says; what has no register (A20, memory) was put there by the loader itself. */
function asPlanned({ plan, target }: Inspection, item: string): boolean {
  const { state } = plan;
  const [whole = item] = item.split('.');
  if (whole in state.registers) {
    const planned: Readonly<Record<string, number>> = state.registers;
    return target.register(whole)?.value === BigInt((planned[whole] ?? 0) >>> 0);
  }
  const numbers: Readonly<Record<string, number>> = {
    eip: state.eip,
    eflags: state.eflags,
    cr0: state.cr0,
    cr3: state.cr3,
    cr4: state.cr4,
  };
  const number = numbers[whole];
  if (number !== undefined) return target.register(whole)?.value === BigInt(number >>> 0);
  if (isSegment(whole)) return target.segment(whole).selector === state.segments[whole].selector;
  return true;
}

function valueAt({ target }: Inspection, item: string): string {
  if (isSegment(item)) {
    const cache = target.segment(item);
    const text = cache.access === 0 ? 'null' : describeDescriptor(descriptorOfCache(cache));
    return `${hex(cache.selector, 4)} · ${text}`;
  }
  if (item === 'gdtr' || item === 'idtr') {
    const [base, limit] = [target.register(`${item}.base`), target.register(`${item}.limit`)];
    return `base ${registerHex(base?.value ?? 0n)} limit ${hex(limit?.value ?? 0n, 4)}`;
  }
  const register = target.register(item);
  if (register === undefined) return '';
  return register.bits > 8 ? registerHex(register.value, register.bits > 16 ? 32 : 16) : register.value.toString();
}

function isSegment(name: string): name is SegmentName {
  return Object.hasOwn(SEGMENT, name);
}
