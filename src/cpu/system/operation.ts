import { CR0 } from '../../x86/control-registers.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';

/**
 * One system instruction, or the part of one that no fast engine runs. Arguments are unsigned numbers.
 * Throws {@link CpuFault} or {@link Unimplemented} with the state as it was, or completes.
 */
export type SystemOperation = (cpu: CpuContext, args: readonly number[]) => void;

/** Operations by name. */
export type SystemOperations = Readonly<Record<string, SystemOperation>>;

/** CR0.PE is 0 (SDM 3, 2.2). CPL is 0 there. */
export function inRealMode({ state }: CpuContext): boolean {
  return (state.control(0) & CR0.PE) === 0;
}

/** EFLAGS.VM is 1 (SDM 3, 20.2). CPL is 3 there. */
export function inVirtual8086Mode({ state }: CpuContext): boolean {
  return (state.systemFlags & EFLAGS.VM) !== 0;
}

/** Segments are loaded from descriptors: neither real nor virtual-8086 mode. */
export function inProtectedMode(cpu: CpuContext): boolean {
  return !inRealMode(cpu) && !inVirtual8086Mode(cpu);
}

/** #GP(0) for a privileged instruction above CPL 0. */
export function requirePrivilege(cpu: CpuContext, instruction: string): void {
  const { cpl } = cpu.state;
  if (cpl !== 0) throw generalProtection(`${instruction} needs CPL 0; CPL is ${cpl}`, { cpl });
  cpu.state.trace?.passed('privilege', `${instruction} needs CPL 0, and CPL is 0`);
}

/** #GP(0). */
export function generalProtection(reason: string, operands: Readonly<Record<string, number>> = {}): CpuFault {
  return new CpuFault(VECTOR.GP, 0, reason, operands);
}

/** #UD. */
export function invalidOpcode(reason: string, operands: Readonly<Record<string, number>> = {}): CpuFault {
  return new CpuFault(VECTOR.UD, undefined, reason, operands);
}

/** Changes the current privilege level; translations are per mode (user or supervisor), so crossing CPL 3 drops them. */
export function setPrivilegeLevel(cpu: CpuContext, cpl: number): void {
  const crosses = (cpu.state.cpl === 3) !== (cpl === 3);
  cpu.state.cpl = cpl;
  if (crosses) cpu.flushTranslations();
}
