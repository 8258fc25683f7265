import { REGISTER } from '../../x86/registers.ts';
import type { CpuContext } from '../context.ts';
import { SEGMENT } from '../state.ts';
import { enterCode8086, requireOffset8086 } from './segments-8086.ts';
import { currentStack, movePointer, planPushes, readStack, writePushes } from './stack.ts';

/** Far JMP in real and virtual-8086 mode (SDM 2, JMP). */
export function farJump8086(cpu: CpuContext, selector: number, offset: number): void {
  requireOffset8086(cpu, selector, offset);
  enterCode8086(cpu, selector, offset);
}

/** Far CALL in real and virtual-8086 mode (SDM 2, CALL). */
export function farCall8086(cpu: CpuContext, selector: number, offset: number): void {
  const { state, instruction } = cpu;
  const plan = planPushes(cpu, currentStack(cpu), 2, instruction.operandSize, state.cpl, 0);
  requireOffset8086(cpu, selector, offset);
  writePushes(cpu, plan, [state.segment(SEGMENT.cs).selector, instruction.next]);
  state.setRegister32(REGISTER.esp, plan.pointer);
  cpu.calls.enterFar(instruction.next, plan.pointer, 'call');
  enterCode8086(cpu, selector, offset);
}

/** Far RET in real and virtual-8086 mode (SDM 2, RET). `release`: bytes of parameters that are dropped. */
export function farReturn8086(cpu: CpuContext, release: number): void {
  const width = cpu.instruction.operandSize;
  const stack = currentStack(cpu);
  const [offset = 0, pushed = 0] = readStack(cpu, stack, 0, 2, width);
  const selector = pushed & 0xffff;
  requireOffset8086(cpu, selector, offset);
  cpu.state.setRegister32(REGISTER.esp, movePointer(stack, (2 * width) / 8 + release));
  enterCode8086(cpu, selector, offset);
}
