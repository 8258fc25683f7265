import { CR0 } from '../../x86/control-registers.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { MSR } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { ACCESS, SEGMENT } from '../state.ts';
import { generalProtection, requirePrivilege, setPrivilegeLevel, type SystemOperations } from './operation.ts';

/** Flat 4 GiB segments that SYSENTER and SYSEXIT load without a descriptor table (SDM 2, SYSENTER). */
const FLAT = ACCESS.accessed | ACCESS.readWrite | ACCESS.codeOrData | ACCESS.present | ACCESS.big | ACCESS.granularity;

/** The selector in IA32_SYSENTER_CS; raises #GP(0) where the instruction does not work. */
function requireSelector({ state }: CpuContext, instruction: string): number {
  if ((state.control(0) & CR0.PE) === 0) throw generalProtection(`${instruction} needs protected mode`);
  const selector = Number(state.modelSpecific(MSR.sysenterCs) & 0xfffcn);
  if (selector === 0) throw generalProtection(`${instruction}: IA32_SYSENTER_CS holds no selector`);
  return selector;
}

function enter(cpu: CpuContext, code: number, level: 0 | 3, ip: number, stack: number): void {
  const { state } = cpu;
  const flat = { base: 0, limit: 0xffffffff };
  const access = FLAT | (level << ACCESS.dplShift);
  state.setSegment(SEGMENT.cs, { ...flat, selector: code | level, access: access | ACCESS.code });
  state.setSegment(SEGMENT.ss, { ...flat, selector: (code + 8) | level, access });
  state.setRegister32(REGISTER.esp, stack);
  state.ip = ip;
  setPrivilegeLevel(cpu, level);
  cpu.codeContextChanged();
}

function systemEnter(cpu: CpuContext): void {
  const { state } = cpu;
  const selector = requireSelector(cpu, 'SYSENTER');
  state.systemFlags &= ~(EFLAGS.VM | EFLAGS.IF);
  const word = (index: number): number => Number(BigInt.asUintN(32, state.modelSpecific(index)));
  enter(cpu, selector, 0, word(MSR.sysenterEip), word(MSR.sysenterEsp));
}

function systemExit(cpu: CpuContext): void {
  const { state } = cpu;
  requirePrivilege(cpu, 'SYSEXIT');
  const selector = requireSelector(cpu, 'SYSEXIT');
  enter(cpu, selector + 16, 3, state.register32(REGISTER.edx), state.register32(REGISTER.ecx));
}

export const fastSystemCallOperations: SystemOperations = {
  sysenter: (cpu) => systemEnter(cpu),
  sysexit: (cpu) => systemExit(cpu),
};
