import { EFLAGS } from '../../x86/eflags.ts';
import { compare, type Relation } from '../floating-point/extended-arithmetic.ts';
import { operandOf, unpack, zero, type ExtendedOperand } from '../floating-point/extended.ts';
import type { CpuContext } from '../context.ts';
import { X87_STATUS, type X87State } from '../x87-state.ts';
import type { SystemOperations } from './operation.ts';
import { checkPendingError, rememberInstruction, type MemoryOperand } from './x87-access.ts';
import { stack } from './x87-arithmetic.ts';
import { readOperand } from './x87-transfer.ts';

const { c0, c1, c2, c3, conditions } = X87_STATUS;
/** SDM 1, table 8-6. */
const CONDITIONS: Readonly<Record<Relation, number>> = { greater: 0, less: c0, equal: c3, unordered: c0 | c2 | c3 };
/** ZF PF CF (SDM 2, FCOMI). */
const STATUS_FLAGS: Readonly<Record<Relation, number>> = {
  greater: 0,
  less: EFLAGS.CF,
  equal: EFLAGS.ZF,
  unordered: EFLAGS.CF | EFLAGS.PF | EFLAGS.ZF,
};
const CLEARED_FLAGS = EFLAGS.CF | EFLAGS.PF | EFLAGS.AF | EFLAGS.ZF | EFLAGS.SF | EFLAGS.OF;

/** How ST(0) relates to an operand. */
interface Comparison {
  readonly relation: Relation;
  /** No unmasked exception: registers may be popped. */
  readonly completes: boolean;
}

/** Compares ST(0) with an operand (undefined: an empty register) and reports the exceptions. */
function relate(x87: X87State, operand: ExtendedOperand | undefined, signaling: boolean): Comparison {
  if (operand === undefined || x87.isEmpty(0)) return { relation: 'unordered', completes: x87.raiseStackFault(false) };
  const { relation, flags } = compare(stack(x87, 0), operand, signaling);
  return { relation, completes: x87.raise(flags, false) };
}

/** The condition flags tell the relation even of an instruction that an unmasked exception keeps from popping. */
function toConditions(x87: X87State, { relation, completes }: Comparison, pops: number): void {
  x87.setConditions(conditions, CONDITIONS[relation]);
  for (let n = 0; completes && n < pops; n++) x87.pop();
}

/** The operand in ST(n); undefined when it is empty. */
function registerOperand(x87: X87State, number: number): ExtendedOperand | undefined {
  return x87.isEmpty(number) ? undefined : stack(x87, number);
}

function compareRegister(cpu: CpuContext, source: number, signaling: boolean, pops: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  toConditions(x87, relate(x87, registerOperand(x87, source), signaling), pops);
}

function compareMemory(cpu: CpuContext, format: number, place: MemoryOperand, pops: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  const operand = readOperand(cpu, format, place);
  rememberInstruction(cpu, place);
  toConditions(x87, relate(x87, operand, true), pops);
}

/** FCOMI and FUCOMI. */
function compareToFlags(cpu: CpuContext, source: number, signaling: boolean, pop: boolean): void {
  checkPendingError(cpu);
  const { state } = cpu;
  const { x87 } = state;
  rememberInstruction(cpu, undefined);
  const { relation, completes } = relate(x87, registerOperand(x87, source), signaling);
  state.eflags = (state.eflags & ~CLEARED_FLAGS) | STATUS_FLAGS[relation];
  if (pop && completes) x87.pop();
}

function test(cpu: CpuContext): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  toConditions(x87, relate(x87, operandOf(zero(0)), true), 0);
}

/** FXAM: the class of ST(0) in C3 C2 C0, its sign in C1 (SDM 2, FXAM). Raises nothing. */
function examine(cpu: CpuContext): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  const number = unpack(x87.register(0));
  const sign = number.sign === 1 ? c1 : 0;
  x87.setConditions(conditions, sign | (x87.isEmpty(0) ? c3 | c0 : CLASSES[number.kind]));
}

const CLASSES: Readonly<Record<ReturnType<typeof unpack>['kind'], number>> = {
  unsupported: 0,
  'quiet-nan': c0,
  'signaling-nan': c0,
  normal: c2,
  infinity: c2 | c0,
  zero: c3,
  denormal: c3 | c2,
};

export const x87CompareOperations: SystemOperations = {
  'x87-compare': (cpu, [source = 0, signaling = 0, pops = 0]) => compareRegister(cpu, source, signaling !== 0, pops),
  'x87-compare-memory': (cpu, [format = 0, segment = 0, offset = 0, pops = 0]) =>
    compareMemory(cpu, format, { segment, offset }, pops),
  'x87-compare-flags': (cpu, [source = 0, signaling = 0, pop = 0]) =>
    compareToFlags(cpu, source, signaling !== 0, pop !== 0),
  'x87-test': test,
  'x87-examine': examine,
};
