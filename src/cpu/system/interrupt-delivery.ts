import { hex } from '../../util/hex.ts';
import { kindName } from '../../x86/descriptor-text.ts';
import { decodeDescriptor, isConforming } from '../../x86/descriptor.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { SELECTOR_ERROR } from '../../x86/error-codes.ts';
import { exceptionFact, VECTOR } from '../../x86/exceptions.ts';
import { decodeGate, type Gate } from '../../x86/gate.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
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
import { markAccessed, probeAccessed, selectorFault } from './descriptor-table.ts';
import { inRealMode, inVirtual8086Mode } from './operation.ts';
import { deliverInRealMode } from './real-mode.ts';
import { nullSegment } from './segment-load.ts';
import { currentStack, movePointer, planPushes, writePushes, type PushPlan } from './stack.ts';
import { innerStack, type InnerStack } from './task-state.ts';
import { readTaskEntry, switchTask } from './task-switch.ts';
import { FRAME_SEGMENTS } from './virtual-8086.ts';

/** What is delivered. */
export interface InterruptDelivery {
  /** Pushed last, when the vector has one. */
  readonly errorCode?: number;
  /** `software` is INT n, INT3 and INTO: the gate's DPL is checked, and faults on the way are not external. */
  readonly kind: 'exception' | 'external' | 'software';
  /** Offset in CS pushed as the return address. */
  readonly returnIp: number;
}

/**
 * Enters the handler of `vector` through its gate in the IDT (SDM 2, INT n, "protected mode"; SDM 3, 6.12).
 * Throws {@link CpuFault} with nothing changed when a check refuses; a fault of a task that a task gate led to is one of that task.
 */
export function deliverInterrupt(cpu: CpuContext, vector: number, delivery: InterruptDelivery): void {
  if (inRealMode(cpu)) return deliverInRealMode(cpu, vector, delivery.returnIp);
  const external = delivery.kind === 'software' ? 0 : SELECTOR_ERROR.external;
  const gate = readGate(cpu, vector, delivery.kind, external);
  if (gate.kind === 'task') return enterTaskGate(cpu, gate, vector, delivery, external);
  const target = checkTarget(cpu, gate, vector, external);
  const width = gate.width ?? 32;

  const inner = target.cpl < cpu.state.cpl ? innerStack(cpu, target.cpl, external) : undefined;
  const frame = frameOf(cpu, vector, delivery, inner !== undefined);
  const errorCode = inner === undefined ? external : (inner.entry.selector & 0xfffc) | external;
  const plan = planPushes(cpu, inner ?? currentStack(cpu), frame.length, width, target.cpl, errorCode);
  requireOffset(target.entry, target.offset, { name: `vector ${vector}: CS`, vector: VECTOR.GP, external });
  probeCode(cpu, target);
  if (inner !== undefined) probeAccessed(cpu, inner.entry);

  const stack = { ...(inner ?? currentStack(cpu)), pointer: plan.pointer };
  const code = delivery.errorCode === undefined ? 0 : width / 8;
  cpu.calls.enterFar(delivery.returnIp, movePointer(stack, code), 'interrupt');
  commit(cpu, gate, target, inner, plan, frame);
}

/** The gate of a vector, with every check up to its presence. */
function readGate(cpu: CpuContext, vector: number, kind: InterruptDelivery['kind'], external: number): Gate {
  const { base, limit } = cpu.state.idtr;
  const first = vector * 8;
  const last = first + 7;
  const refuse = (fault: number, reason: string, operands: Readonly<Record<string, number>>): CpuFault =>
    new CpuFault(fault, first | SELECTOR_ERROR.idt | external, reason, { vector, ...operands });
  if (last > limit) {
    const reason = `vector ${vector} needs IDT bytes ${hex(first)} to ${hex(last)}; IDTR limit is ${hex(limit, 4)}`;
    throw refuse(VECTOR.GP, reason, { first, last, limit });
  }
  const address = (base + first) >>> 0;
  const low = cpu.memory.read(address, 32, true);
  const high = cpu.memory.read((address + 4) >>> 0, 32, true);
  const gate = decodeGate(low, high);
  if (gate === undefined || gate.kind === 'call') {
    const what = kindName(decodeDescriptor(low, high));
    throw refuse(VECTOR.GP, `vector ${vector}: IDT entry is ${what}; an interrupt, trap or task gate is needed`, {
      low,
      high,
    });
  }
  const { cpl } = cpu.state;
  if (kind === 'software' && gate.dpl < cpl)
    throw refuse(VECTOR.GP, `vector ${vector}: gate DPL is ${gate.dpl}, more privileged than CPL ${cpl}`, {
      dpl: gate.dpl,
      cpl,
    });
  if (!gate.present) throw refuse(VECTOR.NP, `vector ${vector}: gate is not present`, { low, high });
  cpu.state.trace?.passed(
    'descriptor',
    `vector ${vector}: IDT entry at lin:${hex(address, 8)} is ${describeGate(gate)}`,
  );
  return gate;
}

/** The handler is a task of its own (SDM 3, 6.12.2). */
function enterTaskGate(
  cpu: CpuContext,
  gate: Gate,
  vector: number,
  { returnIp, errorCode, kind }: InterruptDelivery,
  external: number,
): void {
  const use = { name: `vector ${vector}: TSS`, vector: VECTOR.GP, external };
  const entry = readTaskEntry(cpu, gate.selector, use, false);
  switchTask(cpu, entry, { kind: 'nest', returnIp, external, resume: resumes(cpu, vector, kind), errorCode });
}

/**
 * The handler returns to an instruction that must then pass its own instruction breakpoint: one that faulted, or one that repeats and has
 * made a pass (SDM 3, 17.3.1.1).
 */
function resumes({ state }: CpuContext, vector: number, kind: InterruptDelivery['kind']): boolean {
  return state.repeating || (kind === 'exception' && exceptionFact(vector)?.kind === 'fault');
}

/** The code segment a gate leads to, and the level it runs at. Its offset is checked after the stack, as the CPU does. */
function checkTarget(cpu: CpuContext, gate: Gate, vector: number, external: number): CodeTarget {
  const use = { name: `vector ${vector}: CS`, vector: VECTOR.GP, external };
  const entry = readTarget(cpu, gate.selector, use);
  requireCode(entry, use);
  const { cpl } = cpu.state;
  const { dpl } = entry.descriptor;
  if (dpl > cpl)
    throw selectorFault(VECTOR.GP, gate.selector, use, ` has DPL ${dpl}, less privileged than CPL ${cpl}`, {
      dpl,
      cpl,
    });
  requirePresent(entry, use);
  const conforming = isConforming(entry.descriptor);
  if (inVirtual8086Mode(cpu) && (conforming || dpl !== 0)) {
    const what = conforming ? 'is conforming' : `has DPL ${dpl}`;
    throw selectorFault(VECTOR.GP, gate.selector, use, ` ${what}; virtual-8086 mode is left to CPL 0 alone`, { dpl });
  }
  return { entry, offset: gate.offset, cpl: conforming ? cpl : dpl };
}

/** What is pushed, in order. */
function frameOf(cpu: CpuContext, vector: number, delivery: InterruptDelivery, switched: boolean): number[] {
  const { state } = cpu;
  const resume = resumes(cpu, vector, delivery.kind) ? EFLAGS.RF : 0;
  const outer = switched ? [state.segment(SEGMENT.ss).selector, state.register32(REGISTER.esp)] : [];
  if (inVirtual8086Mode(cpu)) outer.unshift(...FRAME_SEGMENTS.map((index) => state.segment(index).selector).reverse());
  const code = delivery.errorCode === undefined ? [] : [delivery.errorCode];
  return [...outer, state.eflags | resume, state.segment(SEGMENT.cs).selector, delivery.returnIp, ...code];
}

function commit(
  cpu: CpuContext,
  gate: Gate,
  target: CodeTarget,
  inner: InnerStack | undefined,
  plan: PushPlan,
  frame: readonly number[],
): void {
  const { state } = cpu;
  writePushes(cpu, plan, frame);
  if (inner !== undefined) {
    markAccessed(cpu, inner.entry);
    state.setSegment(SEGMENT.ss, inner.segment);
  }
  state.setRegister32(REGISTER.esp, plan.pointer);
  if (inVirtual8086Mode(cpu)) for (const index of FRAME_SEGMENTS) state.setSegment(index, nullSegment(0));
  const masked = EFLAGS.TF | EFLAGS.NT | EFLAGS.RF | EFLAGS.VM | (gate.kind === 'interrupt' ? EFLAGS.IF : 0);
  state.systemFlags &= ~masked;
  state.interruptShadow = false;
  enterCode(cpu, target);
}

/** `an interrupt gate, DPL 0 → 0x0008:0x00101000`. */
function describeGate({ kind, dpl, selector, offset }: Gate): string {
  const target = kind === 'task' ? hex(selector, 4) : `${hex(selector, 4)}:${hex(offset, 8)}`;
  return `${kind === 'interrupt' ? 'an' : 'a'} ${kind} gate, DPL ${dpl} → ${target}`;
}
