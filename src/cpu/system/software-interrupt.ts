import { VECTOR } from '../../x86/exceptions.ts';
import { askHypervisor } from './hypercall.ts';
import { deliverInterrupt } from './interrupt-delivery.ts';
import { inVirtual8086Mode, type SystemOperations } from './operation.ts';
import { redirectInterrupt } from './virtual-8086.ts';

export const softwareInterruptOperations: SystemOperations = {
  /**
   * INT n (`explicit` 1), INT3 and a taken INTO: they differ in nothing but the vector, except in virtual-8086 mode, where only
   * INT n asks for IOPL 3 and can be redirected (SDM 3, 20.3.3).
   */
  'software-interrupt': (cpu, [vector = 0, explicit = 0]) => {
    if (askHypervisor(cpu, (by) => by.softwareInterrupt?.(vector))) return;
    if (explicit !== 0 && inVirtual8086Mode(cpu) && redirectInterrupt(cpu, vector)) return;
    deliverInterrupt(cpu, vector, { kind: 'software', returnIp: cpu.instruction.next });
  },
  /** INT1 (ICEBP) is a trap of the hardware, not of INT: no gate's DPL refuses it (SDM 2, INT n). */
  'debug-interrupt': (cpu) => deliverInterrupt(cpu, VECTOR.DB, { kind: 'exception', returnIp: cpu.instruction.next }),
};
