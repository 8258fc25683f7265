import { CR0 } from '../../x86/control-registers.ts';
import { EFLAGS } from '../../x86/eflags.ts';
import type { CpuContext } from '../context.ts';
import type { X87State } from '../x87-state.ts';
import type { SystemOperations } from './operation.ts';
import { checkPendingError, readMemory, writableMemory, writeMemory, type MemoryOperand } from './x87-access.ts';

/** Fields of the environment in memory: seven words of 16 or 32 bits (SDM 1, figures 8-9 to 8-12). */
const FIELDS = 7;
const REGISTER_BYTES = 10;

/** Whether pointers are linear addresses of 20 or 32 bits, as in real mode and virtual-8086 mode. */
function realLayout(cpu: CpuContext): boolean {
  return (cpu.state.control(0) & CR0.PE) === 0 || (cpu.state.systemFlags & EFLAGS.VM) !== 0;
}

/** The seven words; `wide` is 32 bits each. */
function environmentWords(x87: X87State, wide: boolean, real: boolean): number[] {
  const { instructionOffset, instructionSelector, operandOffset, operandSelector, opcode } = x87.pointers;
  const words = [x87.control, x87.status, x87.tagWord];
  if (real) {
    const instruction = ((instructionSelector << 4) + instructionOffset) >>> 0;
    const operand = ((operandSelector << 4) + operandOffset) >>> 0;
    const high = (address: number): number => ((address >>> 16) << 12) >>> 0;
    words.push(instruction & 0xffff, high(instruction) | opcode, operand & 0xffff, high(operand));
    return wide ? words.map((word, n) => (n === 4 || n === 6 ? word : word | 0xffff0000) >>> 0) : words;
  }
  words.push(instructionOffset, instructionSelector, operandOffset, operandSelector);
  if (!wide) return words;
  const [control = 0, status = 0, tag = 0] = words;
  const reserved = 0xffff0000;
  return [
    (control | reserved) >>> 0,
    (status | reserved) >>> 0,
    (tag | reserved) >>> 0,
    instructionOffset,
    ((opcode << 16) | instructionSelector) >>> 0,
    operandOffset,
    (operandSelector | reserved) >>> 0,
  ];
}

function setEnvironment(x87: X87State, words: readonly number[], wide: boolean, real: boolean): void {
  const [control = 0, status = 0, tag = 0, w3 = 0, w4 = 0, w5 = 0, w6 = 0] = words;
  const linear = (low: number, high: number): number => ((low & 0xffff) | ((high >>> 12) << 16)) >>> 0;
  x87.pointers = real
    ? {
        instructionOffset: linear(w3, w4),
        instructionSelector: 0,
        operandOffset: linear(w5, w6),
        operandSelector: 0,
        opcode: w4,
      }
    : {
        instructionOffset: w3,
        instructionSelector: w4,
        operandOffset: w5,
        operandSelector: w6,
        opcode: wide ? w4 >>> 16 : 0,
      };
  x87.control = control;
  x87.status = status;
  x87.tagWord = tag;
}

function assemble(words: readonly number[], wide: boolean): bigint {
  const bits = wide ? 32 : 16;
  return words.reduce((image, word, n) => image | (BigInt.asUintN(bits, BigInt(word)) << BigInt(n * bits)), 0n);
}

function disassemble(image: bigint, wide: boolean): number[] {
  const bits = wide ? 32 : 16;
  return Array.from({ length: FIELDS }, (_, n) => Number(BigInt.asUintN(bits, image >> BigInt(n * bits))));
}

/** Size and alignment of the words (SDM 3, table 6-7). */
const wordBytes = (wide: boolean): 2 | 4 => (wide ? 4 : 2);
const environmentBytes = (wide: boolean): number => FIELDS * wordBytes(wide);

/** FNSTENV: all exceptions are masked afterwards. */
function storeEnvironment(cpu: CpuContext, wide: boolean, place: MemoryOperand): void {
  const { x87 } = cpu.state;
  const bytes = environmentBytes(wide);
  const linear = writableMemory(cpu, place, bytes, wordBytes(wide));
  const image = assemble(environmentWords(x87, wide, realLayout(cpu)), wide);
  writeMemory(cpu, linear, bytes, image, wordBytes(wide));
  x87.control |= 0x3f;
}

function loadEnvironment(cpu: CpuContext, wide: boolean, place: MemoryOperand): void {
  checkPendingError(cpu);
  const image = readMemory(cpu, place, environmentBytes(wide), wordBytes(wide));
  setEnvironment(cpu.state.x87, disassemble(image, wide), wide, realLayout(cpu));
}

/** FNSAVE: the environment, then ST(0) to ST(7); FNINIT follows. */
function save(cpu: CpuContext, wide: boolean, place: MemoryOperand): void {
  const { x87 } = cpu.state;
  const environment = environmentBytes(wide);
  const bytes = environment + 8 * REGISTER_BYTES;
  const linear = writableMemory(cpu, place, bytes, wordBytes(wide));
  let image = assemble(environmentWords(x87, wide, realLayout(cpu)), wide);
  for (let n = 0; n < 8; n++) {
    const { signExponent, significand } = x87.register(n);
    const at = BigInt((environment + n * REGISTER_BYTES) * 8);
    image |= ((BigInt(signExponent) << 64n) | significand) << at;
  }
  writeMemory(cpu, linear, bytes, image, wordBytes(wide));
  x87.initialise();
}

function restore(cpu: CpuContext, wide: boolean, place: MemoryOperand): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  const environment = environmentBytes(wide);
  const image = readMemory(cpu, place, environment + 8 * REGISTER_BYTES, wordBytes(wide));
  setEnvironment(x87, disassemble(image, wide), wide, realLayout(cpu));
  for (let n = 0; n < 8; n++) {
    const bits = image >> BigInt((environment + n * REGISTER_BYTES) * 8);
    const signExponent = Number(BigInt.asUintN(16, bits >> 64n));
    x87.setPhysical((x87.top + n) & 7, { signExponent, significand: BigInt.asUintN(64, bits) });
  }
}

export const x87EnvironmentOperations: SystemOperations = {
  'x87-store-environment': (cpu, [wide = 0, segment = 0, offset = 0]) =>
    storeEnvironment(cpu, wide !== 0, { segment, offset }),
  'x87-load-environment': (cpu, [wide = 0, segment = 0, offset = 0]) =>
    loadEnvironment(cpu, wide !== 0, { segment, offset }),
  'x87-save': (cpu, [wide = 0, segment = 0, offset = 0]) => save(cpu, wide !== 0, { segment, offset }),
  'x87-restore': (cpu, [wide = 0, segment = 0, offset = 0]) => restore(cpu, wide !== 0, { segment, offset }),
};
