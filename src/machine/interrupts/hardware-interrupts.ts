import type { Cpu } from '../../cpu/cpu.ts';
import type { InterruptSource } from '../supervisor.ts';
import type { InterruptRouting } from './interrupt-routing.ts';

/** Interrupts of bare hardware: the controllers raise them, EFLAGS.IF lets them in, and the IDT has their handlers. */
export function hardwareInterrupts(cpu: Cpu, routing: InterruptRouting): InterruptSource {
  return {
    pending: () => routing.pending(),
    open: () => cpu.interruptible,
    deliver: () => cpu.deliverInterrupt(routing.acknowledge()),
  };
}
