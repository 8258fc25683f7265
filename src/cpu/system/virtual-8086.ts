import { hex } from '../../util/hex.ts';
import { CR4 } from '../../x86/control-registers.ts';
import { EFLAGS, IOPL_SHIFT, ioPrivilegeLevel } from '../../x86/eflags.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { generalProtection, setPrivilegeLevel } from './operation.ts';
import { enterCode8086, requireOffset8086, segment8086 } from './segments-8086.ts';
import { currentStack, movePointer, planPushes, readStack, writePushes } from './stack.ts';
import { IO_BITMAP_BASE, taskStateIs32Bit } from './task-state.ts';

/** Bytes of the software interrupt redirection bitmap, which ends where the I/O permission bitmap begins (SDM 3, 20.3.3). */
const REDIRECTION_BYTES = 32;
/** EFLAGS bits that a program in virtual-8086 mode may change: CF PF AF ZF SF TF DF OF NT, then AC and ID. */
const ALWAYS_16 = 0x00004dd5;
const ALWAYS_32 = ALWAYS_16 | EFLAGS.AC | EFLAGS.ID;
/** The data segments in the stack frame of an interrupt from virtual-8086 mode, from the lowest address up (SDM 3, figure 20-4). */
export const FRAME_SEGMENTS = [SEGMENT.es, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs] as const;

/** True when VIF stands in for IF: CR4.VME in virtual-8086 mode below IOPL 3 (SDM 3, 20.3). */
export function virtualInterruptsIn8086({ state }: CpuContext): boolean {
  return (state.control(4) & CR4.VME) !== 0 && ioPrivilegeLevel(state.systemFlags) < 3;
}

/**
 * VIF and VIP are both 1 where VIF counts: no instruction runs then (SDM 3, 20.3.2 and 20.4). IRET and task switches alone lead here.
 */
export function virtualInterruptMet({ state }: CpuContext): boolean {
  const { systemFlags } = state;
  if ((~systemFlags & (EFLAGS.VIF | EFLAGS.VIP)) !== 0 || state.cpl !== 3 || ioPrivilegeLevel(systemFlags) === 3)
    return false;
  return (state.control(4) & ((systemFlags & EFLAGS.VM) !== 0 ? CR4.VME : CR4.PVI)) !== 0;
}

/** #GP(0) for an IOPL-sensitive instruction below IOPL 3 (SDM 3, 20.2.7). */
export function requireIoPrivilege3(cpu: CpuContext, instruction: string): void {
  const iopl = ioPrivilegeLevel(cpu.state.systemFlags);
  if (iopl < 3) throw generalProtection(`${instruction} in virtual-8086 mode needs IOPL 3; IOPL is ${iopl}`, { iopl });
}

/**
 * The 16 bits that PUSHF and a redirected interrupt push for a virtual-8086 task: below IOPL 3, VIF in the place of IF and
 * IOPL 3 (SDM 3, 20.3.1).
 */
export function flagImage8086(eflags: number): number {
  if (ioPrivilegeLevel(eflags) === 3) return eflags & 0xffff;
  const virtual = (eflags & EFLAGS.VIF) !== 0 ? EFLAGS.IF : 0;
  return (eflags & 0xffff & ~EFLAGS.IF) | virtual | (3 << IOPL_SHIFT);
}

/**
 * EFLAGS as POPF and IRET leave them in virtual-8086 mode (SDM 2, POPF and IRET). With CR4.VME below IOPL 3 the IF of a
 * 16-bit image goes to VIF, and an image that sets TF, or IF while VIP is 1, raises #GP(0).
 */
export function restoredFlags8086(cpu: CpuContext, image: number, width: 16 | 32): number {
  const { eflags } = cpu.state;
  if (!virtualInterruptsIn8086(cpu)) {
    const mask = (width === 16 ? ALWAYS_16 : ALWAYS_32) | EFLAGS.IF;
    return ((eflags & ~mask) | (image & mask)) >>> 0;
  }
  if ((image & EFLAGS.TF) !== 0) throw generalProtection('the flags set TF while CR4.VME is 1', { image });
  const interrupts = (image & EFLAGS.IF) !== 0;
  if (interrupts && (eflags & EFLAGS.VIP) !== 0) throw pendingInterrupt('the flags set IF', eflags);
  const kept = eflags & ~(ALWAYS_16 | EFLAGS.VIF);
  return (kept | (image & ALWAYS_16) | (interrupts ? EFLAGS.VIF : 0)) >>> 0;
}

/** #GP(0): the monitor wants to know when virtual interrupts are on again. */
export function pendingInterrupt(what: string, eflags: number): Error {
  return generalProtection(`${what} while a virtual interrupt is pending (EFLAGS.VIP)`, { eflags });
}

/** IRET within virtual-8086 mode (SDM 2, IRET, "return from virtual-8086 mode"). */
export function interruptReturnIn8086(cpu: CpuContext): void {
  const { state } = cpu;
  const width = cpu.instruction.operandSize;
  if (width === 32 || !virtualInterruptsIn8086(cpu)) requireIoPrivilege3(cpu, 'IRET');
  const stack = currentStack(cpu);
  const [offset = 0, pushed = 0, image = 0] = readStack(cpu, stack, 0, 3, width);
  const selector = pushed & 0xffff;
  const eflags = restoredFlags8086(cpu, image, width);
  requireOffset8086(cpu, selector, offset);
  state.setRegister32(REGISTER.esp, movePointer(stack, (3 * width) / 8));
  state.eflags = eflags | (width === 32 ? image & EFLAGS.RF : 0);
  enterCode8086(cpu, selector, offset);
}

/** IRETD at CPL 0 whose EFLAGS image has VM set: enters a virtual-8086 task (SDM 2, IRET, "return to virtual-8086 mode"). */
export function returnTo8086(cpu: CpuContext): void {
  const { state } = cpu;
  const frame = readStack(cpu, currentStack(cpu), 0, 9, 32);
  const [offset = 0, cs = 0, image = 0, pointer = 0, ss = 0, ...data] = frame;
  if (offset > 0xffff) {
    throw generalProtection(`IRET to virtual-8086 offset ${hex(offset)}, past the segment limit 0xffff`, { offset });
  }
  state.eflags = image;
  FRAME_SEGMENTS.forEach((index, n) => state.setSegment(index, segment8086(cpu, index, (data[n] ?? 0) & 0xffff)));
  state.setSegment(SEGMENT.ss, segment8086(cpu, SEGMENT.ss, ss & 0xffff));
  state.setRegister32(REGISTER.esp, pointer);
  setPrivilegeLevel(cpu, 3);
  enterCode8086(cpu, cs & 0xffff, offset);
}

/**
 * INT n in virtual-8086 mode (SDM 3, table 20-2): with CR4.VME and a clear bit in the redirection bitmap of the TSS the handler
 * is the task's own, out of the interrupt vector table at linear address 0. True when it was entered; false when the
 * interrupt goes through the IDT, which needs IOPL 3. INT3 and INTO are not asked about here.
 */
export function redirectInterrupt(cpu: CpuContext, vector: number): boolean {
  if ((cpu.state.control(4) & CR4.VME) === 0 || !isRedirected(cpu, vector)) {
    requireIoPrivilege3(cpu, `INT ${hex(vector)}`);
    return false;
  }
  const { state } = cpu;
  const { eflags } = state;
  const entry = cpu.memory.read(vector * 4, 32, true);
  const plan = planPushes(cpu, currentStack(cpu), 3, 16, state.cpl, 0);
  writePushes(cpu, plan, [flagImage8086(eflags), state.segment(SEGMENT.cs).selector, cpu.instruction.next]);
  state.setRegister32(REGISTER.esp, plan.pointer);
  cpu.calls.enterFar(cpu.instruction.next, plan.pointer, 'interrupt');
  const interrupts = ioPrivilegeLevel(eflags) === 3 ? EFLAGS.IF : EFLAGS.VIF;
  state.systemFlags &= ~(interrupts | EFLAGS.TF | EFLAGS.RF);
  enterCode8086(cpu, entry >>> 16, entry & 0xffff);
  return true;
}

/** The bit of a vector in the redirection bitmap is 0. #GP(0) when the TSS has no room for it. */
function isRedirected(cpu: CpuContext, vector: number): boolean {
  const task = cpu.state.segment(SEGMENT.tr);
  if (taskStateIs32Bit(task) !== true || task.limit < IO_BITMAP_BASE + 1) {
    throw generalProtection(`INT ${hex(vector)}: TR holds no 32-bit TSS with a redirection bitmap`, { vector });
  }
  const end = cpu.memory.read((task.base + IO_BITMAP_BASE) >>> 0, 16, true);
  const at = end - REDIRECTION_BYTES + (vector >>> 3);
  if (at < 0 || at > task.limit) {
    const reason = `redirection bitmap byte ${at} is outside the TSS, whose limit is ${hex(task.limit)}`;
    throw generalProtection(`INT ${hex(vector)}: ${reason}`, { vector, limit: task.limit });
  }
  return ((cpu.memory.read((task.base + at) >>> 0, 8, true) >>> (vector & 7)) & 1) === 0;
}
