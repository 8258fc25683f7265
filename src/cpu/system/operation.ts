import { CR0 } from '../../x86/control-registers.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault, Unimplemented } from '../fault.ts';

/**
 * One system instruction, or the part of one that no fast engine runs. Arguments are unsigned numbers.
 * Throws {@link CpuFault} or {@link Unimplemented} with the state as it was, or completes.
 */
export type SystemOperation = (cpu: CpuContext, args: readonly number[]) => void;

/** Operations by name. */
export type SystemOperations = Readonly<Record<string, SystemOperation>>;

/** Stops the machine where segment and interrupt rules are not those of protected mode. */
export function requireProtectedMode(cpu: CpuContext): void {
  if ((cpu.state.control(0) & CR0.PE) === 0) throw new Unimplemented('real mode');
  if ((cpu.state.systemFlags & EFLAGS.VM) !== 0) throw new Unimplemented('virtual-8086 mode');
}

/** #GP(0) for a privileged instruction above CPL 0. */
export function requirePrivilege(cpu: CpuContext, instruction: string): void {
  const { cpl } = cpu.state;
  if (cpl !== 0) throw generalProtection(`${instruction} needs CPL 0; CPL is ${cpl}`, { cpl });
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
