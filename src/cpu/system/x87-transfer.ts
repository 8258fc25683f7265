import { DOUBLE, SINGLE } from '../floating-point/binary-format.ts';
import { EXCEPTION } from '../floating-point/environment.ts';
import {
  DECIMAL_INDEFINITE,
  fromDecimal,
  toBinary,
  toDecimal,
  toInteger,
  type StoredResult,
} from '../floating-point/extended-conversion.ts';
import {
  INDEFINITE,
  operandOf,
  operandOfBinary,
  operandOfInteger,
  quiet,
  type Extended,
  type ExtendedOperand,
} from '../floating-point/extended.ts';
import { loadConstant } from '../floating-point/x87-constants.ts';
import { internalError } from '../../util/errors.ts';
import type { CpuContext } from '../context.ts';
import { X87_STATUS, type X87State } from '../x87-state.ts';
import type { SystemOperations } from './operation.ts';
import {
  checkPendingError,
  readMemory,
  rememberInstruction,
  writableMemory,
  writeMemory,
  type MemoryOperand,
} from './x87-access.ts';

/** A format of memory operands: how it is read, how a register is stored in it. */
interface MemoryFormat {
  readonly bytes: number;
  readonly load: (bits: bigint) => ExtendedOperand;
  readonly store: (value: Extended, x87: X87State) => StoredResult;
  /** What the masked response to an empty register stores. */
  readonly indefinite: bigint;
}

function integerFormat(bits: 16 | 32 | 64): MemoryFormat {
  return {
    bytes: bits / 8,
    load: (value) => operandOfInteger(BigInt.asIntN(bits, value)),
    store: (value, x87) => toInteger(value, bits, x87.arithmetic.rounding),
    indefinite: 1n << BigInt(bits - 1),
  };
}

const toBits = ({ signExponent, significand }: Extended): bigint => (BigInt(signExponent) << 64n) | significand;
const fromBits = (bits: bigint): Extended => ({
  signExponent: Number(bits >> 64n),
  significand: BigInt.asUintN(64, bits),
});

/** By the names that iced-x86 gives memory operands, in the order of `X87_FORMAT` in `src/isa/x87.ts`. */
const FORMATS: readonly MemoryFormat[] = [
  {
    bytes: 4,
    load: (bits) => operandOfBinary(SINGLE, bits),
    store: (value, x87) => toBinary(SINGLE, value, x87.arithmetic),
    indefinite: 0xffc0_0000n,
  },
  {
    bytes: 8,
    load: (bits) => operandOfBinary(DOUBLE, bits),
    store: (value, x87) => toBinary(DOUBLE, value, x87.arithmetic),
    indefinite: 0xfff8_0000_0000_0000n,
  },
  {
    bytes: 10,
    load: (bits) => operandOf(fromBits(bits)),
    store: (value) => ({ value: toBits(value), flags: 0, up: false }),
    indefinite: toBits(INDEFINITE),
  },
  integerFormat(16),
  integerFormat(32),
  integerFormat(64),
  {
    bytes: 10,
    load: (bits) => operandOf(fromDecimal(bits)),
    store: (value, x87) => toDecimal(value, x87.arithmetic.rounding),
    indefinite: DECIMAL_INDEFINITE,
  },
];

function formatOf(number: number): MemoryFormat {
  const format = FORMATS[number];
  if (format === undefined) throw internalError(`no x87 memory format ${number}`);
  return format;
}

/** A memory operand of an x87 instruction. Raises what the read raises. */
export function readOperand(cpu: CpuContext, format: number, place: MemoryOperand): ExtendedOperand {
  const { bytes, load } = formatOf(format);
  return load(readMemory(cpu, place, bytes));
}

/** Pushes where the new top is empty; otherwise a stack overflow, whose masked response pushes the indefinite. */
function pushChecked(x87: X87State, value: Extended): void {
  if (!x87.isEmpty(7)) {
    if (x87.raiseStackFault(true)) x87.push(INDEFINITE);
    return;
  }
  x87.setConditions(X87_STATUS.c1, 0);
  x87.push(value);
}

/** Number of the 80-bit format, whose loads and stores raise no arithmetic exception. */
const EXTENDED_FORMAT = 2;

/** FLD, FILD and FBLD from memory. */
function load(cpu: CpuContext, format: number, place: MemoryOperand): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  const { bits, number } = readOperand(cpu, format, place);
  rememberInstruction(cpu, place);
  if (format >= EXTENDED_FORMAT || !x87.isEmpty(7)) return pushChecked(x87, bits);
  const signaling = number.kind === 'signaling-nan';
  const denormal = number.kind === 'denormal' ? EXCEPTION.denormal : 0;
  x87.raise(signaling ? EXCEPTION.invalid : denormal, false);
  // An unmasked denormal exception does not keep the number from the stack.
  if (!signaling || (x87.unmasked & EXCEPTION.invalid) === 0) x87.push(signaling ? quiet(bits) : bits);
}

/** FST, FIST, FBSTP to memory. What is stored is checked for room before the state changes. */
function store(cpu: CpuContext, format: number, place: MemoryOperand, pop: boolean): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  const { bytes, store: convert, indefinite } = formatOf(format);
  const linear = writableMemory(cpu, place, bytes);
  rememberInstruction(cpu, place);
  if (x87.isEmpty(0)) {
    if (!x87.raiseStackFault(false)) return;
    writeMemory(cpu, linear, bytes, indefinite);
  } else {
    const { value, flags, up } = convert(x87.register(0), x87);
    // Nothing is stored, and so nothing is inexact, where the number is out of range and that is not masked (SDM 1, 8.5.4).
    const outOfRange = flags & x87.unmasked & (EXCEPTION.overflow | EXCEPTION.underflow);
    if (!x87.raise(outOfRange === 0 ? flags : outOfRange, up && outOfRange === 0) || outOfRange !== 0) return;
    writeMemory(cpu, linear, bytes, value);
  }
  if (pop) x87.pop();
}

function loadRegister(cpu: CpuContext, source: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  if (!x87.isEmpty(source)) return pushChecked(x87, x87.register(source));
  if (x87.raiseStackFault(false)) x87.push(INDEFINITE);
}

/** FSTPNCE (D9 D8+i): an empty ST(0) is popped without being stored, and is no stack fault. */
function storeUnchecked(cpu: CpuContext, destination: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  x87.setConditions(X87_STATUS.c1, 0);
  if (!x87.isEmpty(0)) x87.setRegister(destination, x87.register(0));
  x87.pop();
}

function storeRegister(cpu: CpuContext, destination: number, pop: boolean): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  if (x87.isEmpty(0)) {
    if (!x87.raiseStackFault(false)) return;
    x87.setRegister(destination, INDEFINITE);
  } else {
    x87.setConditions(X87_STATUS.c1, 0);
    x87.setRegister(destination, x87.register(0));
  }
  if (pop) x87.pop();
}

/** FXCH: the masked response to empty registers fills them with the indefinite first. */
function exchange(cpu: CpuContext, other: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  const emptyOnes = [0, other].filter((number) => x87.isEmpty(number));
  if (emptyOnes.length > 0 && !x87.raiseStackFault(false)) return;
  for (const number of emptyOnes) x87.setRegister(number, INDEFINITE);
  const [first, second] = [x87.register(0), x87.register(other)];
  x87.setRegister(0, second);
  x87.setRegister(other, first);
  x87.setConditions(X87_STATUS.c1, 0);
}

/** FCMOVcc: empty registers are a stack underflow whether or not the condition holds. */
function conditionalMove(cpu: CpuContext, source: number, holds: boolean): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  if (x87.isEmpty(0) || x87.isEmpty(source)) {
    if (x87.raiseStackFault(false)) x87.setRegister(0, INDEFINITE);
    return;
  }
  if (holds) x87.setRegister(0, x87.register(source));
}

function pushConstant(cpu: CpuContext, number: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  rememberInstruction(cpu, undefined);
  pushChecked(x87, loadConstant(number, x87.arithmetic.rounding));
}

export const x87TransferOperations: SystemOperations = {
  'x87-load': (cpu, [format = 0, segment = 0, offset = 0]) => load(cpu, format, { segment, offset }),
  'x87-store': (cpu, [format = 0, segment = 0, offset = 0, pop = 0]) =>
    store(cpu, format, { segment, offset }, pop !== 0),
  'x87-load-register': (cpu, [source = 0]) => loadRegister(cpu, source),
  'x87-store-register': (cpu, [destination = 0, pop = 0]) => storeRegister(cpu, destination, pop !== 0),
  'x87-store-register-unchecked': (cpu, [destination = 0]) => storeUnchecked(cpu, destination),
  'x87-exchange': (cpu, [other = 0]) => exchange(cpu, other),
  'x87-conditional-move': (cpu, [source = 0, holds = 0]) => conditionalMove(cpu, source, holds !== 0),
  'x87-load-constant': (cpu, [number = 0]) => pushConstant(cpu, number),
};
