import { powerMinus1, timesLogarithm, timesLogarithmPlus1 } from '../floating-point/exponential.ts';
import { INDEFINITE, ONE, type ExtendedResult } from '../floating-point/extended.ts';
import { arcTangent2, trigonometric, type Trigonometric } from '../floating-point/trigonometry.ts';
import type { CpuContext } from '../context.ts';
import { X87_STATUS } from '../x87-state.ts';
import type { SystemOperations } from './operation.ts';
import { checkPendingError, rememberInstruction } from './x87-access.ts';
import { popping, stack, unary } from './x87-arithmetic.ts';

/** Begins FSIN and its relatives; undefined where the argument is not in range (C2 says so) or a stack fault ended the instruction. */
function begin(cpu: CpuContext, name: Trigonometric, pushes: boolean): ExtendedResult | undefined {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  const underflow = x87.isEmpty(0);
  if (underflow || (pushes && !x87.isEmpty(7))) {
    x87.setConditions(X87_STATUS.c2, 0);
    if (!x87.raiseStackFault(!underflow)) return undefined;
    x87.setRegister(0, INDEFINITE);
    if (pushes) x87.push(INDEFINITE);
    return undefined;
  }
  const result = trigonometric(name, stack(x87, 0), x87.arithmetic);
  x87.setConditions(X87_STATUS.c1 | X87_STATUS.c2, result === undefined ? X87_STATUS.c2 : 0);
  return result;
}

function replaceTop(cpu: CpuContext, name: 'sin' | 'cos'): void {
  const { x87 } = cpu.state;
  const result = begin(cpu, name, false);
  if (result !== undefined && x87.raise(result.flags, result.up)) x87.setRegister(0, result.value);
}

/** FPTAN pushes a 1 behind the tangent; a NaN, its own or of an invalid operation, is pushed instead of it. */
function tangent(cpu: CpuContext): void {
  const { x87 } = cpu.state;
  const result = begin(cpu, 'tan', true);
  if (result === undefined || !x87.raise(result.flags, result.up)) return;
  x87.setRegister(0, result.value);
  x87.push(isSpecial(result) ? result.value : ONE);
}

const isSpecial = ({ value }: ExtendedResult): boolean => (value.signExponent & 0x7fff) === 0x7fff;

/** FSINCOS: the sine replaces ST(0), the cosine is pushed. */
function sineAndCosine(cpu: CpuContext): void {
  const { x87 } = cpu.state;
  const operand = stack(x87, 0);
  const { arithmetic } = x87;
  const sine = begin(cpu, 'sin', true);
  if (sine === undefined) return;
  const cosine = trigonometric('cos', operand, arithmetic) ?? sine;
  if (!x87.raise(sine.flags | cosine.flags, cosine.up)) return;
  x87.setRegister(0, sine.value);
  x87.push(cosine.value);
}

export const x87TranscendentalOperations: SystemOperations = {
  'x87-2xm1': unary(powerMinus1),
  'x87-yl2x': popping(timesLogarithm),
  'x87-yl2xp1': popping(timesLogarithmPlus1),
  'x87-patan': popping(arcTangent2),
  'x87-sin': (cpu) => replaceTop(cpu, 'sin'),
  'x87-cos': (cpu) => replaceTop(cpu, 'cos'),
  'x87-sincos': sineAndCosine,
  'x87-ptan': tangent,
};
