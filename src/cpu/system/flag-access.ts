import { CR4 } from '../../x86/control-registers.ts';
import { EFLAGS, ioPrivilegeLevel } from '../../x86/eflags.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { generalProtection, inVirtual8086Mode, type SystemOperations } from './operation.ts';
import { currentStack, movePointer, readStack } from './stack.ts';
import { pendingInterrupt, requireIoPrivilege3, restoredFlags8086, virtualInterruptsIn8086 } from './virtual-8086.ts';

/** Flags that POPF may change at every level: CF PF AF ZF SF TF DF OF NT, and AC and ID with a 32-bit operand. */
const ALWAYS = { 16: 0x00004dd5, 32: 0x00244dd5 } as const;

/** POPF (SDM 2, POPF, table 4-15). VM, VIF and VIP stay; a 32-bit POPF clears RF. */
function popFlags(cpu: CpuContext): void {
  const { state } = cpu;
  const width = cpu.instruction.operandSize;
  const virtual = inVirtual8086Mode(cpu);
  if (virtual && (width === 32 || !virtualInterruptsIn8086(cpu))) requireIoPrivilege3(cpu, 'POPF');
  const stack = currentStack(cpu);
  const [image = 0] = readStack(cpu, stack, 0, 1, width);
  state.eflags = virtual ? restoredFlags8086(cpu, image, width) : restoredFlags(cpu, image, width);
  state.setRegister32(REGISTER.esp, movePointer(stack, width / 8));
}

function restoredFlags({ state }: CpuContext, image: number, width: 16 | 32): number {
  const { cpl, eflags } = state;
  const interrupts = cpl <= ioPrivilegeLevel(eflags) ? EFLAGS.IF : 0;
  const privileged = cpl === 0 ? EFLAGS.IOPL : 0;
  const mask = ALWAYS[width] | interrupts | privileged | (width === 32 ? EFLAGS.RF : 0);
  return ((eflags & ~mask) | (image & mask & ~EFLAGS.RF)) >>> 0;
}

/**
 * The flag that CLI and STI change: IF, or VIF where the program's interrupts are virtual (CR4.VME in virtual-8086 mode below
 * IOPL 3, CR4.PVI at CPL 3). #GP(0) where neither may be changed (SDM 2, CLI, table 3-7).
 */
function interruptFlag(cpu: CpuContext, instruction: string): number {
  const { state } = cpu;
  const { cpl, systemFlags } = state;
  const iopl = ioPrivilegeLevel(systemFlags);
  if (cpl <= iopl) {
    state.trace?.passed('privilege', `${instruction} needs CPL at most IOPL ${iopl}, and CPL is ${cpl}`);
    return EFLAGS.IF;
  }
  if (inVirtual8086Mode(cpu)) {
    if (!virtualInterruptsIn8086(cpu)) requireIoPrivilege3(cpu, instruction);
    return EFLAGS.VIF;
  }
  if (cpl === 3 && (state.control(4) & CR4.PVI) !== 0) return EFLAGS.VIF;
  throw generalProtection(`${instruction} needs CPL at most IOPL ${iopl}; CPL is ${cpl}`, { cpl, iopl });
}

function clearInterrupts(cpu: CpuContext): void {
  cpu.state.systemFlags &= ~interruptFlag(cpu, 'CLI');
}

/** Interrupts come one instruction late when IF was 0, so that STI and HLT, or STI and RET, cannot be torn apart (SDM 2, STI). */
function setInterrupts(cpu: CpuContext): void {
  const { state } = cpu;
  const flag = interruptFlag(cpu, 'STI');
  if (flag === EFLAGS.VIF && (state.systemFlags & EFLAGS.VIP) !== 0)
    throw pendingInterrupt('STI sets VIF', state.systemFlags);
  if ((state.systemFlags & flag) !== 0) return;
  state.systemFlags |= flag;
  if (flag === EFLAGS.IF) state.interruptShadow = true;
}

export const flagOperations: SystemOperations = {
  'pop-flags': (cpu) => popFlags(cpu),
  cli: (cpu) => clearInterrupts(cpu),
  sti: (cpu) => setInterrupts(cpu),
};
