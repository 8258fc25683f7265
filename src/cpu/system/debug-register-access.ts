import { CR4 } from '../../x86/control-registers.ts';
import { DR6, DR7 } from '../../x86/debug-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { invalidOpcode, requirePrivilege, type SystemOperations } from './operation.ts';

/** DR4 and DR5 are other names of DR6 and DR7, but for CR4.DE, which makes them #UD (SDM 3, 17.2.2). */
function resolve(cpu: CpuContext, index: number, instruction: string): number {
  const { state } = cpu;
  if (index > 7) throw invalidOpcode(`DR${index} does not exist`, { index });
  const alias = index === 4 || index === 5;
  if (alias && (state.control(4) & CR4.DE) !== 0)
    throw invalidOpcode(`DR${index} does not exist while CR4.DE is 1`, { index });
  requirePrivilege(cpu, `${instruction} DR${index}`);
  if ((state.debugRegister(7) & DR7.GD) !== 0)
    throw new CpuFault(VECTOR.DB, undefined, `${instruction} DR${index} while DR7.GD is 1`, { index, dr6: DR6.BD });
  return alias ? index + 2 : index;
}

function writeDebug(cpu: CpuContext, index: number, value: number): void {
  const register = resolve(cpu, index, 'MOV to');
  const fixed = register === 6 ? DR6 : register === 7 ? DR7 : undefined;
  cpu.state.setDebugRegister(register, fixed === undefined ? value : ((value & fixed.writable) | fixed.ones) >>> 0);
  cpu.debugRegistersChanged();
}

function readDebug(cpu: CpuContext, index: number, general: number): void {
  const register = resolve(cpu, index, 'MOV from');
  cpu.state.setRegister32(general, cpu.state.debugRegister(register));
}

export const debugRegisterOperations: SystemOperations = {
  'write-debug': (cpu, [index = 0, value = 0]) => writeDebug(cpu, index, value),
  'read-debug': (cpu, [index = 0, register = 0]) => readDebug(cpu, index, register),
};
