import { CONDITIONS } from '../../isa/conditions.ts';
import type { InstructionForm } from '../instruction-form.ts';

/** Instructions whose flags a following conditional jump reads at once. */
const FIRST: ReadonlySet<string> = new Set(['Cmp', 'Test', 'Dec', 'Inc', 'Sub', 'Add', 'And']);
const CONDITIONAL_JUMPS: ReadonlySet<string> = new Set(CONDITIONS.map((name) => `J${name}`));

/** True for a pair that gets one handler: the jump then needs no lazy flag record in between. */
export function fuses(first: InstructionForm, second: InstructionForm): boolean {
  const [name = ''] = first.description.mnemonics;
  return FIRST.has(name) && !first.slow && CONDITIONAL_JUMPS.has(second.description.mnemonics[0] ?? '');
}
