import { applyPlan } from '../../../src/boot/load.ts';
import { chooseEntry } from '../../../src/boot/choose-entry.ts';
import type { LoadOptions, LoadPlan } from '../../../src/boot/protocol.ts';
import { attachTo } from '../../../src/hypervisor/hypervisor.ts';
import { xen } from '../../../src/hypervisor/xen/xen.ts';
import { Machine } from '../../../src/machine/machine.ts';
import type { EngineName } from '../../../src/cpu/cpu.ts';
import { MIB, OPTIONS } from '../../boot/kernels.ts';

export interface XenRun {
  readonly machine: Machine;
  readonly plan: LoadPlan;
  /** What the guest has printed so far. */
  readonly printed: () => string;
}

/** A kernel on Xen, at its entry. */
export function bootXen(
  bytes: Uint8Array,
  options: Partial<LoadOptions> & { readonly entry?: string; readonly engine?: EngineName } = {},
): XenRun {
  const { entry = 'xen-pv', engine, ...given } = options;
  const load = { ...OPTIONS, memory: 128 * MIB, ...given };
  const plan = chooseEntry({ name: 'kernel', bytes }, entry, load);
  const machine = new Machine({ memory: load.memory + (plan.reservedMemory ?? 0), engine });
  let text = '';
  machine.onSerial.on((byte) => (text += String.fromCharCode(byte)));
  applyPlan(plan, machine);
  const { information } = plan;
  machine.attachSupervisor(attachTo(xen, { entry: plan.entry, information, guestMemory: load.memory }));
  return { machine, plan, printed: () => text };
}
