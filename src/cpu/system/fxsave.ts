import { hex } from '../../util/hex.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import * as L from '../layout.ts';
import { MXCSR_MASK, readMxcsr, readXmm, writeMxcsr, writeXmm } from '../simd-state.ts';
import type { Words } from '../simd/words.ts';
import type { CpuState } from '../state.ts';
import { X87_TAG } from '../x87-state.ts';
import { generalProtection, type SystemOperations } from './operation.ts';
import {
  GENERAL,
  linearAddress,
  readMemory,
  requireRegisters,
  requireTaskNotSwitched,
  writeMemory,
  type SimdArguments,
} from './simd-access.ts';

/** Bytes of the image (SDM 2, FXSAVE, table 3-43), and those that outside 64-bit mode are written. */
const IMAGE_SIZE = 512;
const IMAGE_WRITTEN = 288;
/** Words of the image. */
const IMAGE = { control: 0, tag: 1, instruction: 2, operand: 4, mxcsr: 6, mask: 7, x87: 8, xmm: 40 } as const;

function requireFxsr(cpu: CpuContext, name: string): void {
  const cr0 = cpu.state.control(0);
  if ((cr0 & CR0.EM) !== 0) throw new CpuFault(VECTOR.NM, undefined, `${name} while CR0.EM is 1`, { cr0 });
  requireTaskNotSwitched(cpu, name);
}

/** One bit for each physical register that is not empty. */
function abridgedTag(tag: number): number {
  let bits = 0;
  for (let n = 0; n < 8; n++) if (((tag >>> (2 * n)) & 3) !== X87_TAG.empty) bits |= 1 << n;
  return bits;
}

/** The tag word in which what an abridged one marks is not empty. */
function fullTag(abridged: number): number {
  let tags = 0;
  for (let n = 0; n < 8; n++) if (((abridged >>> n) & 1) === 0) tags |= X87_TAG.empty << (2 * n);
  return tags;
}

function save(cpu: CpuContext, args: SimdArguments): void {
  requireFxsr(cpu, 'FXSAVE');
  const linear = linearAddress(cpu, args, IMAGE_SIZE, true, true);
  for (const at of [0, IMAGE_SIZE - 4]) cpu.memory.probeWrite((linear + at) >>> 0, 4);
  image(cpu.state).forEach((word, n) => cpu.memory.write((linear + 4 * n) >>> 0, 32, word));
}

/** The words that FXSAVE writes. */
function image(state: CpuState): Words {
  const { x87, words } = state;
  const { pointers, top } = x87;
  const result = new Array<number>(IMAGE_WRITTEN / 4).fill(0);
  result[IMAGE.control] = x87.control | (x87.status << 16);
  result[IMAGE.tag] = abridgedTag(x87.tagWord) | (pointers.opcode << 16);
  result[IMAGE.instruction] = pointers.instructionOffset;
  result[IMAGE.instruction + 1] = pointers.instructionSelector;
  result[IMAGE.operand] = pointers.operandOffset;
  result[IMAGE.operand + 1] = pointers.operandSelector;
  result[IMAGE.mxcsr] = readMxcsr(state);
  result[IMAGE.mask] = MXCSR_MASK;
  for (let n = 0; n < 8; n++) {
    const register = physicalRegister(top, n);
    for (let word = 0; word < 3; word++) result[IMAGE.x87 + 4 * n + word] = words[register + word] ?? 0;
    readXmm(state, n).forEach((word, index) => (result[IMAGE.xmm + 4 * n + index] = word));
  }
  return result;
}

/** Index of the first word of ST(n). */
function physicalRegister(top: number, n: number): number {
  return (L.X87_REGISTERS >> 2) + ((top + n) & 7) * 4;
}

function restore(cpu: CpuContext, args: SimdArguments): void {
  requireFxsr(cpu, 'FXRSTOR');
  const linear = linearAddress(cpu, args, IMAGE_SIZE, true, false);
  const words: number[] = [];
  for (let at = 0; at < IMAGE_WRITTEN; at += 4) words.push(cpu.memory.read((linear + at) >>> 0, 32) | 0);
  // The rest of the image must be readable too.
  cpu.memory.read((linear + IMAGE_SIZE - 4) >>> 0, 32);
  requireMxcsr('FXRSTOR', (words[IMAGE.mxcsr] ?? 0) >>> 0);
  load(cpu.state, words);
}

function load(state: CpuState, words: Words): void {
  const { x87 } = state;
  const word = (n: number): number => words[n] ?? 0;
  x87.control = word(IMAGE.control) & 0xffff;
  x87.status = word(IMAGE.control) >>> 16;
  x87.tagWord = fullTag(word(IMAGE.tag));
  x87.pointers = {
    instructionOffset: word(IMAGE.instruction) >>> 0,
    instructionSelector: word(IMAGE.instruction + 1),
    operandOffset: word(IMAGE.operand) >>> 0,
    operandSelector: word(IMAGE.operand + 1),
    opcode: word(IMAGE.tag) >>> 16,
  };
  for (let n = 0; n < 8; n++) {
    const at = IMAGE.x87 + 4 * n;
    state.words.set([word(at), word(at + 1), word(at + 2) & 0xffff], physicalRegister(x87.top, n));
    writeXmm(state, n, words.slice(IMAGE.xmm + 4 * n, IMAGE.xmm + 4 * n + 4));
  }
  writeMxcsr(state, word(IMAGE.mxcsr) >>> 0);
}

/** #GP(0) for a reserved bit of MXCSR. */
function requireMxcsr(instruction: string, value: number): void {
  const reserved = (value & ~MXCSR_MASK) >>> 0;
  if (reserved !== 0)
    throw generalProtection(`${instruction}: MXCSR ${hex(value)} sets reserved bits ${hex(reserved)}`, {
      value,
      reserved,
    });
}

function loadMxcsr(cpu: CpuContext, args: SimdArguments): void {
  requireRegisters(cpu, 'xmm');
  const [word = 0] = readMemory(cpu, args, GENERAL);
  requireMxcsr('LDMXCSR', word >>> 0);
  writeMxcsr(cpu.state, word >>> 0);
}

function storeMxcsr(cpu: CpuContext, args: SimdArguments): void {
  requireRegisters(cpu, 'xmm');
  writeMemory(cpu, args, GENERAL, [readMxcsr(cpu.state)]);
}

/** FXSAVE, FXRSTOR and the moves of MXCSR, by iced-x86's names of their encodings. */
export const fxsaveOperations: SystemOperations = {
  Fxsave_m512byte: save,
  Fxrstor_m512byte: restore,
  Ldmxcsr_m32: loadMxcsr,
  Stmxcsr_m32: storeMxcsr,
};
