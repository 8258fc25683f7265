import { describe, type Description, type Instruction } from './instruction.ts';
import type { OperandSize } from './value.ts';

/** CR0 bits: monitor coprocessor, emulation, task switched. */
const CR0_MP = 2;
const CR0_EM = 4;
const CR0_TS = 8;
const DEVICE_NOT_AVAILABLE = 7;

/** #NM while CR0.EM or CR0.TS is set (SDM 3, table 2-2). */
function requireCoprocessor(i: Instruction<OperandSize>): void {
  const cr0 = i.state('cr0');
  i.raise(cr0.and(CR0_EM).ne(0), DEVICE_NOT_AVAILABLE, undefined, 'an x87 instruction while CR0.EM is 1', { cr0 });
  i.raise(cr0.and(CR0_TS).ne(0), DEVICE_NOT_AVAILABLE, undefined, 'an x87 instruction while CR0.TS is 1', { cr0 });
}

/**
 * This CPU has no x87 unit, and says so in CPUID. As on a 486 SX, the instructions that a kernel probes for one with do nothing then:
 * FNSTSW and FNSTCW leave their destination as it was, which is how the kernel finds out (SDM 1, 18.1).
 */
export const COPROCESSOR: readonly Description[] = [
  describe('Fninit Fnclex Fnstsw Fnstcw', requireCoprocessor),
  describe('Wait', (i) => {
    const cr0 = i.state('cr0');
    const both = CR0_MP | CR0_TS;
    i.raise(cr0.and(both).eq(both), DEVICE_NOT_AVAILABLE, undefined, 'WAIT while CR0.MP and CR0.TS are 1', { cr0 });
  }),
];
