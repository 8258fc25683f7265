import type { CpuContext } from '../context.ts';
import type { CpuIntercepts, HypercallInstruction } from '../intercepts.ts';
import { invalidOpcode, type SystemOperations } from './operation.ts';

/** Shows the running instruction to the hypervisor, with EIP behind it; true when that took it. EIP is as it was if not. */
export function askHypervisor(cpu: CpuContext, ask: (by: CpuIntercepts) => boolean | undefined): boolean {
  const { state, intercepts } = cpu;
  if (intercepts === undefined) return false;
  state.ip = cpu.instruction.next;
  let taken = false;
  try {
    taken = ask(intercepts) === true;
  } finally {
    if (!taken) state.ip = cpu.instruction.ip;
  }
  if (taken) cpu.attention();
  return taken;
}

/** #UD where nobody answers, as on a CPU without the extension (SDM 3, VMCALL; APM 3, VMMCALL). */
function callHypervisor(cpu: CpuContext, instruction: HypercallInstruction): void {
  if (askHypervisor(cpu, (by) => by.hypercall?.(instruction))) return;
  const name = instruction.toUpperCase();
  const needs = instruction === 'vmcall' ? 'VMX' : 'SVM';
  throw invalidOpcode(
    `${name} needs ${needs}, which cpu "${cpu.state.model.name}" does not have, or a hypervisor that answers it`,
  );
}

export const hypercallOperations: SystemOperations = {
  vmcall: (cpu) => callHypervisor(cpu, 'vmcall'),
  vmmcall: (cpu) => callHypervisor(cpu, 'vmmcall'),
};
