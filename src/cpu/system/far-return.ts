import { isConforming } from '../../x86/descriptor.ts';
import { EFLAGS, ioPrivilegeLevel } from '../../x86/eflags.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { REGISTER } from '../../x86/registers.ts';
import { decodeSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import type { CpuFault } from '../fault.ts';
import { ACCESS, SEGMENT } from '../state.ts';
import {
  enterCode,
  probeCode,
  readTarget,
  requireCode,
  requireOffset,
  requirePresent,
  type CodeTarget,
} from './code-segment.ts';
import {
  cacheOf,
  markAccessed,
  probeAccessed,
  selectorFault,
  type SelectorUse,
  type TableEntry,
} from './descriptor-table.ts';
import { farReturn8086 } from './far-transfer-8086.ts';
import { inProtectedMode, inRealMode, inVirtual8086Mode, type SystemOperations } from './operation.ts';
import { interruptReturnInRealMode } from './real-mode.ts';
import { checkStackSegment, DATA_REGISTERS, nullSegment } from './segment-load.ts';
import { currentStack, movePointer, readStack, withPointer } from './stack.ts';
import { readTaskEntry, switchTask } from './task-switch.ts';
import { interruptReturnIn8086, returnTo8086 } from './virtual-8086.ts';

const CS_USE: SelectorUse = { name: 'return CS', vector: VECTOR.GP, external: 0 };
const SS_USE: SelectorUse = { name: 'return SS', vector: VECTOR.GP, external: 0 };

/** What a return loads, checked. */
interface Return {
  readonly target: CodeTarget;
  /** The stack of an outer level, or nothing when the level stays. */
  readonly stack: TableEntry | undefined;
  /** ESP after the return. */
  readonly pointer: number;
}

/** Far RET (SDM 2, RET). `release` is the immediate: bytes of parameters dropped from both stacks. */
function farReturn(cpu: CpuContext, release: number): void {
  if (!inProtectedMode(cpu)) return farReturn8086(cpu, release);
  const width = cpu.instruction.operandSize;
  const [offset = 0, selector = 0] = readStack(cpu, currentStack(cpu), 0, 2, width);
  commit(cpu, planReturn(cpu, selector & 0xffff, offset, 2, release));
}

/** IRET (SDM 2, IRET) from every mode. */
function interruptReturn(cpu: CpuContext): void {
  if (inRealMode(cpu)) return interruptReturnInRealMode(cpu);
  if (inVirtual8086Mode(cpu)) return interruptReturnIn8086(cpu);
  const { state } = cpu;
  if ((state.systemFlags & EFLAGS.NT) !== 0) return taskReturn(cpu);
  const width = cpu.instruction.operandSize;
  const [offset = 0, selector = 0, image = 0] = readStack(cpu, currentStack(cpu), 0, 3, width);
  if (width === 32 && (image & EFLAGS.VM) !== 0 && state.cpl === 0) return returnTo8086(cpu);
  const plan = planReturn(cpu, selector & 0xffff, offset, 3, 0);
  const mask = restoredFlags(state.cpl, ioPrivilegeLevel(state.systemFlags), width);
  const eflags = ((state.eflags & ~mask) | (image & mask)) >>> 0;
  commit(cpu, plan);
  state.eflags = eflags;
}

/** IRET while NT is 1: back to the task that the back link of the TSS names (SDM 2, IRET, "task return"). */
function taskReturn(cpu: CpuContext): void {
  const link = cpu.memory.read(cpu.state.segment(SEGMENT.tr).base, 16, true);
  const entry = readTaskEntry(cpu, link, { name: 'back link: TSS', vector: VECTOR.TS, external: 0 }, true);
  switchTask(cpu, entry, { kind: 'return', returnIp: cpu.instruction.next, external: 0 });
}

/** The checks of a return whose CS was found on the stack; `popped` values were read so far. */
function planReturn(cpu: CpuContext, selector: number, offset: number, popped: number, release: number): Return {
  const { cpl } = cpu.state;
  const width = cpu.instruction.operandSize;
  const entry = readTarget(cpu, selector, CS_USE);
  requireCode(entry, CS_USE);
  const { rpl } = decodeSelector(selector);
  const { dpl } = entry.descriptor;
  const refuse = (reason: string): CpuFault => selectorFault(VECTOR.GP, selector, CS_USE, reason, { dpl, rpl, cpl });
  if (rpl < cpl) throw refuse(` has RPL ${rpl}, more privileged than CPL ${cpl}`);
  if (isConforming(entry.descriptor)) {
    if (dpl > rpl) throw refuse(` is conforming code with DPL ${dpl}, less privileged than RPL ${rpl}`);
  } else if (dpl !== rpl) throw refuse(` has DPL ${dpl}; it must equal RPL ${rpl}`);
  requirePresent(entry, CS_USE);

  const target = { entry, offset, cpl: rpl };
  const stack = currentStack(cpu);
  const skip = (popped * width) / 8 + release;
  if (rpl === cpl) {
    requireOffset(entry, offset, CS_USE);
    return { target, stack: undefined, pointer: movePointer(stack, skip) };
  }
  const [pointer = 0, stackSelector = 0] = readStack(cpu, stack, skip, 2, width);
  const outer = checkStackSegment(cpu, stackSelector & 0xffff, rpl, SS_USE);
  requireOffset(entry, offset, CS_USE);
  const segment = cacheOf(outer);
  const landed = withPointer(segment, stack.pointer, pointer);
  return { target, stack: outer, pointer: movePointer({ segment, pointer: landed }, release) };
}

function commit(cpu: CpuContext, { target, stack, pointer }: Return): void {
  probeCode(cpu, target);
  if (stack !== undefined) {
    probeAccessed(cpu, stack);
    markAccessed(cpu, stack);
    cpu.state.setSegment(SEGMENT.ss, cacheOf(stack));
    dropPrivilegedSegments(cpu, target.cpl);
  }
  cpu.state.setRegister32(REGISTER.esp, pointer);
  enterCode(cpu, target);
}

/** Data and non-conforming code segments that the outer level may not use become null (SDM 3, 5.8.6). */
function dropPrivilegedSegments(cpu: CpuContext, cpl: number): void {
  const conformingCode = ACCESS.code | ACCESS.expandDownOrConforming;
  for (const register of DATA_REGISTERS) {
    const { access } = cpu.state.segment(register);
    const dpl = (access >>> ACCESS.dplShift) & 3;
    if (access !== 0 && (access & conformingCode) !== conformingCode && dpl < cpl)
      cpu.state.setSegment(register, nullSegment(0));
  }
}

/** EFLAGS bits that IRET takes from the stack in protected mode (SDM 2, IRET). */
function restoredFlags(cpl: number, iopl: number, width: 16 | 32): number {
  const always =
    EFLAGS.CF | EFLAGS.PF | EFLAGS.AF | EFLAGS.ZF | EFLAGS.SF | EFLAGS.TF | EFLAGS.DF | EFLAGS.OF | EFLAGS.NT;
  const wide = width === 32 ? EFLAGS.RF | EFLAGS.AC | EFLAGS.ID : 0;
  const interrupts = cpl <= iopl ? EFLAGS.IF : 0;
  const privileged = cpl === 0 ? EFLAGS.IOPL | (width === 32 ? EFLAGS.VIF | EFLAGS.VIP : 0) : 0;
  return always | wide | interrupts | privileged;
}

/** A return, with the call that it ends taken off the record. */
function leaving(cpu: CpuContext, perform: () => void): void {
  const stackOffset = cpu.state.register32(REGISTER.esp);
  perform();
  cpu.calls.leave(stackOffset);
}

export const farReturnOperations: SystemOperations = {
  'far-return': (cpu, [release = 0]) => leaving(cpu, () => farReturn(cpu, release)),
  'interrupt-return': (cpu) => leaving(cpu, () => interruptReturn(cpu)),
};
