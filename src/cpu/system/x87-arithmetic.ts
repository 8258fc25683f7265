import {
  add,
  divide,
  multiply,
  roundToIntegral,
  scale,
  squareRoot,
  subtract,
  extract,
} from '../floating-point/extended-arithmetic.ts';
import { remainder } from '../floating-point/extended-remainder.ts';
import {
  INDEFINITE,
  operandOf,
  type ExtendedControl,
  type ExtendedOperand,
  type ExtendedResult,
} from '../floating-point/extended.ts';
import { X87_STATUS, type X87State } from '../x87-state.ts';
import type { CpuContext } from '../context.ts';
import type { SystemOperation, SystemOperations } from './operation.ts';
import { checkPendingError, rememberInstruction, type MemoryOperand } from './x87-access.ts';
import { readOperand } from './x87-transfer.ts';

type Binary = (a: ExtendedOperand, b: ExtendedOperand, control: ExtendedControl) => ExtendedResult;
type Unary = (a: ExtendedOperand, control: ExtendedControl) => ExtendedResult;

/** Destination and source to the new destination. */
const BINARY: Readonly<Record<string, Binary>> = {
  add,
  mul: multiply,
  sub: subtract,
  subr: (a, b, control) => subtract(b, a, control),
  div: divide,
  divr: (a, b, control) => divide(b, a, control),
};

/** ST(0) to the new ST(0). */
const UNARY: Readonly<Record<string, Unary>> = {
  sqrt: squareRoot,
  rndint: (a, { rounding }) => roundToIntegral(a, rounding),
};

/** Writes a result, or keeps the destination where an unmasked exception says so; true when it was written. */
function store(x87: X87State, destination: number, result: ExtendedResult): boolean {
  if (!x87.raise(result.flags, result.up)) return false;
  x87.setRegister(destination, result.value);
  return true;
}

/** The masked response to an empty operand. */
function storeUnderflow(x87: X87State, destination: number): boolean {
  if (!x87.raiseStackFault(false)) return false;
  x87.setRegister(destination, INDEFINITE);
  return true;
}

/** ST(destination) = ST(destination) op ST(source). */
function registers(operation: Binary): SystemOperation {
  return (cpu, [destination = 0, source = 0, pop = 0]) => {
    checkPendingError(cpu);
    const { x87 } = cpu.state;
    rememberInstruction(cpu, undefined);
    const written =
      x87.isEmpty(destination) || x87.isEmpty(source)
        ? storeUnderflow(x87, destination)
        : store(x87, destination, operation(stack(x87, destination), stack(x87, source), x87.arithmetic));
    if (written && pop !== 0) x87.pop();
  };
}

/** ST(0) = ST(0) op memory. */
function memory(operation: Binary): SystemOperation {
  return (cpu, [format = 0, segment = 0, offset = 0]) => {
    checkPendingError(cpu);
    const { x87 } = cpu.state;
    const place: MemoryOperand = { segment, offset };
    const operand = readOperand(cpu, format, place);
    rememberInstruction(cpu, place);
    if (x87.isEmpty(0)) storeUnderflow(x87, 0);
    else store(x87, 0, operation(stack(x87, 0), operand, x87.arithmetic));
  };
}

/** ST(0) = op ST(0). */
export function unary(operation: Unary): SystemOperation {
  return (cpu) => {
    checkPendingError(cpu);
    const { x87 } = cpu.state;
    rememberInstruction(cpu, undefined);
    if (x87.isEmpty(0)) storeUnderflow(x87, 0);
    else store(x87, 0, operation(stack(x87, 0), x87.arithmetic));
  };
}

/** ST(1) = ST(0) op ST(1), then pop. */
export function popping(operation: Binary): SystemOperation {
  return (cpu) => {
    checkPendingError(cpu);
    const { x87 } = cpu.state;
    rememberInstruction(cpu, undefined);
    const written =
      x87.isEmpty(0) || x87.isEmpty(1)
        ? storeUnderflow(x87, 1)
        : store(x87, 1, operation(stack(x87, 0), stack(x87, 1), x87.arithmetic));
    if (written) x87.pop();
  };
}

export function stack(x87: X87State, number: number): ExtendedOperand {
  return operandOf(x87.register(number));
}

/** FSCALE: ST(0) and ST(1), nothing popped. */
const scaleTop: SystemOperation = (cpu) => registers(scale)(cpu, [0, 1, 0]);

/** FPREM and FPREM1: C0 C3 C1 are the quotient's low bits 2, 1 and 0, C2 tells a partial remainder. */
function partialRemainder(cpu: CpuContext, nearest: boolean): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  const { c0, c1, c2, c3, conditions } = X87_STATUS;
  x87.setConditions(c2, 0);
  if (x87.isEmpty(0) || x87.isEmpty(1)) {
    storeUnderflow(x87, 0);
    return;
  }
  const result = remainder(stack(x87, 0), stack(x87, 1), nearest, x87.arithmetic);
  const { quotient } = result;
  if (!store(x87, 0, result) || quotient === undefined) return;
  const flags = (quotient & 4 ? c0 : 0) | (quotient & 2 ? c3 : 0) | (quotient & 1 ? c1 : 0);
  x87.setConditions(conditions, flags | (result.incomplete ? c2 : 0));
}

/** FXTRACT: the exponent replaces ST(0), the significand is pushed. */
const extractTop: SystemOperation = (cpu) => {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  const underflow = x87.isEmpty(0);
  if (underflow || !x87.isEmpty(7)) {
    if (!x87.raiseStackFault(!underflow)) return;
    x87.setRegister(0, INDEFINITE);
    x87.push(INDEFINITE);
    return;
  }
  const { exponent, significand, flags } = extract(stack(x87, 0));
  if (!x87.raise(flags, false)) return;
  x87.setRegister(0, exponent);
  x87.push(significand);
};

/** FCHS and FABS: the sign alone, of any bit pattern. */
function sign(change: (signExponent: number) => number): SystemOperation {
  return (cpu) => {
    checkPendingError(cpu);
    const { x87 } = cpu.state;
    rememberInstruction(cpu, undefined);
    if (x87.isEmpty(0)) {
      storeUnderflow(x87, 0);
      return;
    }
    const { signExponent, significand } = x87.register(0);
    x87.setRegister(0, { signExponent: change(signExponent), significand });
    x87.setConditions(X87_STATUS.c1, 0);
  };
}

export const x87ArithmeticOperations: SystemOperations = {
  ...Object.fromEntries(Object.entries(BINARY).map(([name, operation]) => [`x87-${name}`, registers(operation)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([name, operation]) => [`x87-${name}-memory`, memory(operation)])),
  ...Object.fromEntries(Object.entries(UNARY).map(([name, operation]) => [`x87-${name}`, unary(operation)])),
  'x87-scale': scaleTop,
  'x87-prem': (cpu) => partialRemainder(cpu, false),
  'x87-prem1': (cpu) => partialRemainder(cpu, true),
  'x87-xtract': extractTop,
  'x87-chs': sign((signExponent) => signExponent ^ 0x8000),
  'x87-abs': sign((signExponent) => signExponent & 0x7fff),
};
