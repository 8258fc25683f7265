import { requirePrivilege, type SystemOperations } from './operation.ts';

export const processorOperations: SystemOperations = {
  halt: (cpu) => {
    requirePrivilege(cpu, 'HLT');
    cpu.halt();
  },
  /** There are no caches to write back. */
  wbinvd: (cpu) => requirePrivilege(cpu, 'WBINVD'),
};
