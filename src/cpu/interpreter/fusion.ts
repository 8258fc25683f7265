import { CONDITIONS } from '../../isa/conditions.ts';
import type { InstructionForm } from '../instruction-form.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.split(','));

/** Conditional jumps that compilers make: not those on overflow or parity. */
const CONDITIONAL_JUMPS: ReadonlySet<string> = new Set(
  CONDITIONS.filter((name) => !/[op]$/.test(name)).map((name) => `J${name} t`),
);
/** Whose flags a conditional jump reads, at once or behind a move; of 8 or 32 bits. */
const COMPARISONS = words('Cmp rr,Cmp ri,Cmp rm,Cmp mr,Cmp mi,Test rr,Test ri,Test mr,Test mi');
/** Register arithmetic and moves: any two of them, and each before a conditional jump. */
const ARITHMETIC = words(
  'Add rr,Add ri,Sub rr,Sub ri,And rr,And ri,Or rr,Or ri,Xor rr,Xor ri,Inc r,Dec r,Lea rm,Shl ri,Shr ri,Sar ri',
);
const MOVES = words('Mov rr,Mov ri,Mov rm,Mov mr');
/** Other pairs of what functions begin and end with, and of arguments. */
const PAIRS = words(
  'Push r+Push r,Push r+Mov rr,Push r+Sub ri,Push r+Call t,Push i+Call t,Push i+Push i,Push m+Push m,Mov rr+Push r,Mov rm+Push r,' +
    'Lea rm+Push r,Lea rm+Call t,Mov rr+Call t,Mov ri+Call t,Mov rm+Call t,Mov mr+Call t,Pop r+Pop r,Pop r+Ret ,Add ri+Pop r,' +
    'Add ri+Ret ,Add rr+Pop r,Leave +Ret ,Add ri+Jmp t,Mov rr+Jmp t,Mov rm+Jmp t,Mov mr+Jmp t,' +
    'Mov rm+Cmp rr,Mov rm+Cmp ri,Mov rm+Test rr,Mov rr+Cmp rr,Mov rr+Cmp ri,Mov rr+Test rr',
);

const nameOf = ({ description, kinds }: InstructionForm): string => `${description.mnemonics[0] ?? ''} ${kinds}`;

/** True for a pair that gets one handler: nothing is looked up in between, and flags that the second one sets anyway are never written. */
export function fuses(first: InstructionForm, second: InstructionForm): boolean {
  if (first.slow || second.slow || second.width !== 32) return false;
  const [name, next] = [nameOf(first), nameOf(second)];
  if (COMPARISONS.has(name) && first.width !== 16) return CONDITIONAL_JUMPS.has(next) || MOVES.has(next);
  if (first.width !== 32) return false;
  const simple = ARITHMETIC.has(name) || MOVES.has(name);
  if (simple && (ARITHMETIC.has(next) || MOVES.has(next) || CONDITIONAL_JUMPS.has(next))) return true;
  return PAIRS.has(`${name}+${next}`);
}
