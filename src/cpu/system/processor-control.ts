import { EFLAGS, ioPrivilegeLevel } from '../../x86/eflags.ts';
import type { CpuContext } from '../context.ts';
import { generalProtection, requirePrivilege, type SystemOperations } from './operation.ts';

function requireIoPrivilege(cpu: CpuContext, instruction: string): void {
  const { cpl, eflags } = cpu.state;
  const iopl = ioPrivilegeLevel(eflags);
  if (cpl > iopl)
    throw generalProtection(`${instruction} needs CPL at most IOPL ${iopl}; CPL is ${cpl}`, { cpl, iopl });
}

function clearInterrupts(cpu: CpuContext): void {
  requireIoPrivilege(cpu, 'CLI');
  cpu.state.systemFlags &= ~EFLAGS.IF;
}

/** Interrupts come one instruction late when IF was 0, so that STI and HLT, or STI and RET, cannot be torn apart (SDM 2, STI). */
function setInterrupts(cpu: CpuContext): void {
  requireIoPrivilege(cpu, 'STI');
  if ((cpu.state.systemFlags & EFLAGS.IF) !== 0) return;
  cpu.state.systemFlags |= EFLAGS.IF;
  cpu.state.interruptShadow = true;
}

export const processorOperations: SystemOperations = {
  cli: (cpu) => clearInterrupts(cpu),
  sti: (cpu) => setInterrupts(cpu),
  halt: (cpu) => {
    requirePrivilege(cpu, 'HLT');
    cpu.halt();
  },
  /** There are no caches to write back. */
  wbinvd: (cpu) => requirePrivilege(cpu, 'WBINVD'),
};
