import { hex } from '../../util/hex.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { generalProtection } from './operation.ts';
import { enterCode8086, requireOffset8086 } from './segments-8086.ts';
import { currentStack, movePointer, planPushes, readStack, writePushes } from './stack.ts';

/** EFLAGS bits that IRET takes from the stack in real mode (SDM 2, IRET). */
const RESTORED = { 16: 0x00007fd5, 32: 0x00257fd5 } as const;

/**
 * Enters the handler of a vector through the interrupt vector table (SDM 2, INT n, "real-address mode"; SDM 3, 20.1.4).
 * No exception pushes an error code here. Throws {@link CpuFault} with nothing changed.
 */
export function deliverInRealMode(cpu: CpuContext, vector: number, returnIp: number): void {
  const { state, memory } = cpu;
  const { base, limit } = state.idtr;
  const first = vector * 4;
  if (first + 3 > limit) {
    const entry = `vector ${vector} needs bytes ${hex(first)} to ${hex(first + 3)} of the interrupt vector table`;
    throw generalProtection(`${entry}; IDTR limit is ${hex(limit, 4)}`, { vector, first, limit });
  }
  const plan = planPushes(cpu, currentStack(cpu), 3, 16, state.cpl, 0);
  const entry = memory.read((base + first) >>> 0, 32, true);
  writePushes(cpu, plan, [state.eflags, state.segment(SEGMENT.cs).selector, returnIp]);
  state.setRegister32(REGISTER.esp, plan.pointer);
  cpu.calls.enterFar(returnIp, plan.pointer, 'interrupt');
  state.systemFlags &= ~(EFLAGS.IF | EFLAGS.TF | EFLAGS.AC | EFLAGS.RF);
  state.interruptShadow = false;
  enterCode8086(cpu, entry >>> 16, entry & 0xffff);
}

/** IRET in real mode (SDM 2, IRET). */
export function interruptReturnInRealMode(cpu: CpuContext): void {
  const { state } = cpu;
  const width = cpu.instruction.operandSize;
  const stack = currentStack(cpu);
  const [offset = 0, pushed = 0, image = 0] = readStack(cpu, stack, 0, 3, width);
  const selector = pushed & 0xffff;
  if (offset > 0xffff)
    throw generalProtection(`IRET to offset ${hex(offset)}, which needs more than 16 bits`, { offset });
  requireOffset8086(cpu, selector, offset);
  state.setRegister32(REGISTER.esp, movePointer(stack, (3 * width) / 8));
  const restored = RESTORED[width];
  state.eflags = ((state.eflags & ~restored) | (image & restored)) >>> 0;
  enterCode8086(cpu, selector, offset);
}
