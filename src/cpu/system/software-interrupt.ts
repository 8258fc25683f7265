import { deliverInterrupt } from './interrupt-delivery.ts';
import type { SystemOperations } from './operation.ts';

export const softwareInterruptOperations: SystemOperations = {
  /** INT n, INT3 and a taken INTO: in protected mode they differ in nothing but the vector. */
  'software-interrupt': (cpu, [vector = 0]) =>
    deliverInterrupt(cpu, vector, { kind: 'software', returnIp: cpu.instruction.next }),
};
