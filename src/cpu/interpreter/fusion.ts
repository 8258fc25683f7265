import type { InstructionForm } from '../instruction-form.ts';

/** Instructions whose flags a following conditional jump reads at once. */
const FIRST: ReadonlySet<string> = new Set(['Cmp', 'Test', 'Dec', 'Inc', 'Sub', 'Add', 'And']);
const CONDITIONAL_JUMP = /^J(?!mp|cxz|ecxz)/;

/** True for a pair that gets one handler: the jump then needs no lazy flag record in between. */
export function fuses(first: InstructionForm, second: InstructionForm): boolean {
  const [name = ''] = first.description.mnemonics;
  return FIRST.has(name) && !first.slow && CONDITIONAL_JUMP.test(second.description.mnemonics[0] ?? '');
}
