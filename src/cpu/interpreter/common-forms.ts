import type { HandlerRun } from './handler-run.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** What compiled 32-bit code mostly consists of, by the width of its operands. */
const COMMON: Readonly<Partial<Record<number, ReadonlySet<string>>>> = {
  8: words('Mov Cmp Test'),
  32: words(
    'Mov Movzx Movsx Lea Push Pop Leave Call Ret Jmp Loop Add Sub Adc Sbb And Or Xor Cmp Test Inc Dec Neg Not Shl Shr Sar Imul Mul Div Cdq Cwd ' +
      'Jo Jno Jb Jae Je Jne Jbe Ja Js Jns Jp Jnp Jl Jge Jle Jg',
  ),
};

/** True for a run that takes so much of the time that its handler is a case of the dispatch loop; fused pairs are there for no other reason. */
export function isCommon({ forms, completesMisses }: HandlerRun): boolean {
  if (completesMisses) return false;
  const [form] = forms;
  if (form === undefined || forms.length > 1) return forms.length > 1;
  return COMMON[form.width]?.has(form.description.mnemonics[0] ?? '') === true;
}
