import { CR0 } from './control-registers.ts';
import { EFLAGS } from './eflags.ts';

/** How the CPU takes its instructions and segments. The number is the default operand and address size. */
export type CpuMode = 'real' | 'virtual-8086' | 'protected-16' | 'protected-32';

/** The mode from CR0, EFLAGS and the access word of CS as `accessWord` makes it (SDM 3, 2.2). */
export function cpuMode(cr0: number, eflags: number, csAccess: number): CpuMode {
  if ((cr0 & CR0.PE) === 0) return 'real';
  if ((eflags & EFLAGS.VM) !== 0) return 'virtual-8086';
  return (csAccess & (1 << 22)) !== 0 ? 'protected-32' : 'protected-16';
}
