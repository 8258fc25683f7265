import { kindName } from '../../x86/descriptor-text.ts';
import { isConforming } from '../../x86/descriptor.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { decodeGate, type Gate } from '../../x86/gate.ts';
import { REGISTER } from '../../x86/registers.ts';
import { decodeSelector } from '../../x86/selector.ts';
import type { CpuContext } from '../context.ts';
import type { CpuFault } from '../fault.ts';
import { SEGMENT } from '../state.ts';
import {
  enterCode,
  probeCode,
  readTarget,
  requireCode,
  requireOffset,
  requirePresent,
  type CodeTarget,
} from './code-segment.ts';
import { markAccessed, probeAccessed, selectorFault, type SelectorUse, type TableEntry } from './descriptor-table.ts';
import { farCall8086, farJump8086 } from './far-transfer-8086.ts';
import { inProtectedMode, type SystemOperations } from './operation.ts';
import { currentStack, planPushes, readStack, writePushes } from './stack.ts';
import { innerStack } from './task-state.ts';
import { readTaskEntry, switchTask } from './task-switch.ts';

const USE: SelectorUse = { name: 'CS', vector: VECTOR.GP, external: 0 };

/** Far JMP (SDM 2, JMP): a code segment, or a call gate to code of the same level. */
function farJump(cpu: CpuContext, selector: number, offset: number): void {
  if (!inProtectedMode(cpu)) return farJump8086(cpu, selector, truncated(offset, cpu.instruction.operandSize));
  const entry = readTarget(cpu, selector, USE);
  if (isTask(entry)) return transferToTask(cpu, entry, 'jump');
  const gate = callGateOf(cpu, entry);
  const target =
    gate === undefined
      ? checkDirectTarget(cpu, entry, truncated(offset, cpu.instruction.operandSize))
      : checkGateTarget(cpu, gate, 'jump');
  requireOffset(target.entry, target.offset, USE);
  probeCode(cpu, target);
  enterCode(cpu, target);
}

/** Far CALL (SDM 2, CALL): a code segment, or a call gate to code of the same or a more privileged level. */
function farCall(cpu: CpuContext, selector: number, offset: number): void {
  if (!inProtectedMode(cpu)) return farCall8086(cpu, selector, truncated(offset, cpu.instruction.operandSize));
  const entry = readTarget(cpu, selector, USE);
  if (isTask(entry)) return transferToTask(cpu, entry, 'nest');
  const gate = callGateOf(cpu, entry);
  if (gate === undefined) {
    const { operandSize } = cpu.instruction;
    const target = checkDirectTarget(cpu, entry, truncated(offset, operandSize));
    callSameLevel(cpu, target, operandSize);
    return;
  }
  const target = checkGateTarget(cpu, gate, 'call');
  if (target.cpl < cpu.state.cpl) callInnerLevel(cpu, target, gate);
  else callSameLevel(cpu, target, gate.width);
}

function callSameLevel(cpu: CpuContext, target: CodeTarget, width: 16 | 32): void {
  const plan = planPushes(cpu, currentStack(cpu), 2, width, cpu.state.cpl, 0);
  requireOffset(target.entry, target.offset, USE);
  probeCode(cpu, target);
  writePushes(cpu, plan, [cpu.state.segment(SEGMENT.cs).selector, cpu.instruction.next]);
  cpu.state.setRegister32(REGISTER.esp, plan.pointer);
  cpu.calls.enterFar(cpu.instruction.next, plan.pointer, 'call');
  enterCode(cpu, target);
}

/** The stack of the inner level receives SS:ESP, the parameters in their order, and the return address (SDM 3, 5.8.5). */
function callInnerLevel(cpu: CpuContext, target: CodeTarget, gate: CallGate): void {
  const { state } = cpu;
  const inner = innerStack(cpu, target.cpl, 0);
  const plan = planPushes(cpu, inner, 4 + gate.parameters, gate.width, target.cpl, inner.entry.selector & 0xfffc);
  const parameters = readStack(cpu, currentStack(cpu), 0, gate.parameters, gate.width).reverse();
  requireOffset(target.entry, target.offset, USE);
  probeCode(cpu, target);
  probeAccessed(cpu, inner.entry);

  const outer = [state.segment(SEGMENT.ss).selector, state.register32(REGISTER.esp)];
  writePushes(cpu, plan, [...outer, ...parameters, state.segment(SEGMENT.cs).selector, cpu.instruction.next]);
  markAccessed(cpu, inner.entry);
  state.setSegment(SEGMENT.ss, inner.segment);
  state.setRegister32(REGISTER.esp, plan.pointer);
  cpu.calls.enterFar(cpu.instruction.next, plan.pointer, 'call');
  enterCode(cpu, target);
}

/** A code segment reached without a gate: same level, or conforming code of a more privileged one (SDM 3, 5.8.1). */
function checkDirectTarget(cpu: CpuContext, entry: TableEntry, offset: number): CodeTarget {
  const { cpl } = cpu.state;
  const { dpl, kind } = entry.descriptor;
  const { rpl } = decodeSelector(entry.selector);
  const refuse = (reason: string): CpuFault => selectorFault(VECTOR.GP, entry.selector, USE, reason, { dpl, rpl, cpl });
  if (kind !== 'code') throw refuse(` is ${kindName(entry.descriptor)}; a far transfer needs code or a call gate`);
  if (isConforming(entry.descriptor)) {
    if (dpl > cpl) throw refuse(` is conforming code with DPL ${dpl}, less privileged than CPL ${cpl}`);
  } else {
    if (rpl > cpl) throw refuse(` has RPL ${rpl}, less privileged than CPL ${cpl}`);
    if (dpl !== cpl) throw refuse(` has DPL ${dpl}; without a gate it must equal CPL ${cpl}`);
  }
  requirePresent(entry, USE);
  return { entry, offset, cpl };
}

function isTask({ descriptor }: TableEntry): boolean {
  return descriptor.kind === 'task-gate' || descriptor.kind === 'tss-available' || descriptor.kind === 'tss-busy';
}

/** JMP or CALL to a TSS, or to a task gate (SDM 2, JMP; SDM 3, 7.3). The offset is not used. */
function transferToTask(cpu: CpuContext, entry: TableEntry, kind: 'jump' | 'nest'): void {
  const isGate = entry.descriptor.kind === 'task-gate';
  requireGateLevel(cpu, entry, isGate ? 'a task gate' : 'a TSS');
  if (isGate && !entry.descriptor.present)
    throw selectorFault(VECTOR.NP, entry.selector, USE, ' is a task gate that is not present');
  const use: SelectorUse = { ...USE, name: isGate ? 'task gate: TSS' : 'TSS' };
  const task = readTaskEntry(cpu, isGate ? entry.low >>> 16 : entry.selector, use, false);
  switchTask(cpu, task, { kind, returnIp: cpu.instruction.next, external: 0 });
}

/** #GP with the selector unless both CPL and RPL are as privileged as the gate or TSS. */
function requireGateLevel(cpu: CpuContext, { selector, descriptor: { dpl } }: TableEntry, what: string): void {
  const { rpl } = decodeSelector(selector);
  const { cpl } = cpu.state;
  if (dpl >= Math.max(cpl, rpl)) return;
  const level = cpl > dpl ? `CPL ${cpl}` : `RPL ${rpl}`;
  throw selectorFault(VECTOR.GP, selector, USE, ` is ${what} with DPL ${dpl}, more privileged than ${level}`);
}

type CallGate = Gate & { readonly width: 16 | 32 };

/** The entry as a call gate that this level may use; undefined when it is not a gate. */
function callGateOf(cpu: CpuContext, entry: TableEntry): CallGate | undefined {
  const { kind, present } = entry.descriptor;
  const gate = kind === 'call-gate' ? decodeGate(entry.low, entry.high) : undefined;
  if (gate?.width === undefined) return undefined;
  requireGateLevel(cpu, entry, 'a call gate');
  if (!present) throw selectorFault(VECTOR.NP, entry.selector, USE, ' is a call gate that is not present');
  return { ...gate, width: gate.width };
}

/** The code segment behind a call gate. Its offset is checked after the stack, as the CPU does. */
function checkGateTarget(cpu: CpuContext, gate: CallGate, transfer: 'jump' | 'call'): CodeTarget {
  const use = { ...USE, name: 'call gate: CS' };
  const entry = readTarget(cpu, gate.selector, use);
  requireCode(entry, use);
  const { cpl } = cpu.state;
  const { dpl } = entry.descriptor;
  const conforming = isConforming(entry.descriptor);
  if (dpl > cpl) throw selectorFault(VECTOR.GP, gate.selector, use, ` has DPL ${dpl}, less privileged than CPL ${cpl}`);
  if (transfer === 'jump' && !conforming && dpl !== cpl)
    throw selectorFault(VECTOR.GP, gate.selector, use, ` has DPL ${dpl}; a jump cannot change CPL ${cpl}`);
  requirePresent(entry, use);
  return { entry, offset: gate.offset, cpl: conforming ? cpl : dpl };
}

function truncated(offset: number, operandSize: 16 | 32): number {
  return operandSize === 16 ? offset & 0xffff : offset;
}

export const farTransferOperations: SystemOperations = {
  'far-jump': (cpu, [selector = 0, offset = 0]) => farJump(cpu, selector, offset),
  'far-call': (cpu, [selector = 0, offset = 0]) => farCall(cpu, selector, offset),
};
