import { EFLAGS } from '../../x86/eflags.ts';
import { MSR } from '../../x86/model-specific-registers.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { generalProtection, inRealMode, invalidOpcode, setPrivilegeLevel, type SystemOperations } from './operation.ts';

/** Access words of the flat segments that SYSENTER and SYSEXIT make up: present, accessed, G and D/B; DPL 0. */
const FLAT_CODE = 0x00c09b00;
const FLAT_DATA = 0x00c09300;

/** SYSENTER (SDM 2): to CPL 0, with nothing saved and no descriptor read. */
function enter(cpu: CpuContext): void {
  const { state } = cpu;
  const selector = requireTarget(cpu, 'SYSENTER');
  state.systemFlags &= ~(EFLAGS.VM | EFLAGS.IF);
  state.setRegister32(REGISTER.esp, Number(state.modelSpecific(MSR.sysenterEsp) & 0xffffffffn));
  state.ip = Number(state.modelSpecific(MSR.sysenterEip) & 0xffffffffn);
  loadFlat(cpu, selector & 0xfffc, 0);
}

/** SYSEXIT (SDM 2): to CPL 3 at EDX, with the stack at ECX. */
function exit(cpu: CpuContext): void {
  const { state } = cpu;
  const selector = requireTarget(cpu, 'SYSEXIT');
  const { cpl } = state;
  if (cpl !== 0) throw generalProtection(`SYSEXIT needs CPL 0; CPL is ${cpl}`, { cpl });
  state.ip = state.register32(REGISTER.edx);
  state.setRegister32(REGISTER.esp, state.register32(REGISTER.ecx));
  loadFlat(cpu, (selector + 16) | 3, 3);
}

/** The selector in IA32_SYSENTER_CS; #UD without the feature, #GP(0) in real mode and for a null selector. */
function requireTarget(cpu: CpuContext, instruction: string): number {
  const { state } = cpu;
  if (!state.model.features.has('SEP'))
    throw invalidOpcode(`${instruction}: cpu "${state.model.name}" does not have it`);
  if (inRealMode(cpu)) throw generalProtection(`${instruction} needs protected mode`);
  const selector = Number(state.modelSpecific(MSR.sysenterCs) & 0xffffn);
  if ((selector & 0xfffc) === 0) throw generalProtection(`${instruction}: IA32_SYSENTER_CS is null`, { selector });
  return selector;
}

/** CS, and SS in the descriptor after it. */
function loadFlat(cpu: CpuContext, selector: number, cpl: 0 | 3): void {
  const flat = { base: 0, limit: 0xffffffff };
  const dpl = cpl << 13;
  cpu.state.setSegment(SEGMENT.cs, { ...flat, selector: selector & 0xffff, access: FLAT_CODE | dpl });
  cpu.state.setSegment(SEGMENT.ss, { ...flat, selector: (selector + 8) & 0xffff, access: FLAT_DATA | dpl });
  setPrivilegeLevel(cpu, cpl);
  cpu.codeContextChanged();
}

export const sysenterOperations: SystemOperations = {
  sysenter: (cpu) => enter(cpu),
  sysexit: (cpu) => exit(cpu),
};
