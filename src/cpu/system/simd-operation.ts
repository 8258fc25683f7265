import type { Words } from '../simd/words.ts';
import type { SystemOperation } from './operation.ts';
import {
  completeMmx,
  MEMORY,
  readMemory,
  readRegister,
  requireRegisters,
  writeMemory,
  writeRegister,
  type Place,
  type RegisterFile,
} from './simd-access.ts';

/** What an instruction makes of its destination before it, its source and its immediate byte. */
export type VectorFunction = (destination: Words, source: Words, immediate: number) => Words;

/** The source as it is; what a vector lacks becomes zero. */
export const source: VectorFunction = (_destination, words) => words;

/**
 * An instruction with a register as destination. `fromRegister` is its meaning where the source is a register, when that differs
 * (the scalar moves).
 */
export function toRegister(
  file: RegisterFile,
  from: Place,
  f: VectorFunction,
  fromRegister: VectorFunction = f,
): SystemOperation {
  return (cpu, args) => {
    const [destination = 0, operand = 0, immediate = 0] = args;
    requireRegisters(cpu, file, from.file);
    const inMemory = operand === MEMORY;
    const words = inMemory ? readMemory(cpu, args, from) : readRegister(cpu, from.file, operand);
    const result = (inMemory ? f : fromRegister)(readRegister(cpu, file, destination), words, immediate);
    writeRegister(cpu, file, destination, result);
    completeMmx(cpu, file, from.file);
  };
}

/** An instruction that writes a register or memory: `f` is what memory gets, `intoRegister` what a register does. */
export function toPlace(
  to: Place,
  file: RegisterFile,
  f: VectorFunction,
  intoRegister: VectorFunction = f,
): SystemOperation {
  return (cpu, args) => {
    const [operand = 0, index = 0] = args;
    requireRegisters(cpu, to.file, file);
    const words = readRegister(cpu, file, index);
    if (operand === MEMORY) writeMemory(cpu, args, to, f([], words, 0));
    else writeRegister(cpu, to.file, operand, intoRegister(readRegister(cpu, to.file, operand), words, 0));
    completeMmx(cpu, file);
  };
}

/** An operation under the name of its encoding in iced-x86. */
export type NamedOperation = readonly [codeName: string, operation: SystemOperation];

/** Operations for each entry of a table of functions. */
export function forEach<F>(
  table: Readonly<Record<string, F>>,
  operations: (mnemonic: string, f: F) => readonly NamedOperation[],
): Readonly<Record<string, SystemOperation>> {
  return Object.fromEntries(Object.entries(table).flatMap(([mnemonic, f]) => operations(mnemonic, f)));
}
