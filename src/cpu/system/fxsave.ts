import { hex } from '../../util/hex.ts';
import { CR0 } from '../../x86/control-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import * as L from '../layout.ts';
import { MXCSR_MASK, readMxcsr, readXmm, writeMxcsr, writeXmm } from '../simd-state.ts';
import type { Words } from '../simd/words.ts';
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

const X87_TOP_SHIFT = 11;
const X87_EXCEPTIONS = 0x3f;
const X87_SUMMARY = 0x8080;

function requireFxsr(cpu: CpuContext, name: string): void {
  const cr0 = cpu.state.control(0);
  if ((cr0 & CR0.EM) !== 0) throw new CpuFault(VECTOR.NM, undefined, `${name} while CR0.EM is 1`, { cr0 });
  requireTaskNotSwitched(cpu, name);
}

/** One bit for each physical register that is not empty. */
function abridgedTag(tag: number): number {
  let bits = 0;
  for (let n = 0; n < 8; n++) if (((tag >>> (2 * n)) & 3) !== 3) bits |= 1 << n;
  return bits;
}

/** The two-bit tag of a register that is not empty, from what it holds (SDM 2, FXSAVE, table 3-45). */
function tagOf(low: number, high: number, signAndExponent: number): number {
  const exponent = signAndExponent & 0x7fff;
  const [valid, zero, special] = [0, 1, 2];
  if (exponent === 0x7fff) return special;
  if (exponent === 0) return (low | high) === 0 ? zero : special;
  return high < 0 ? valid : special;
}

function save(cpu: CpuContext, args: SimdArguments): void {
  requireFxsr(cpu, 'FXSAVE');
  const linear = linearAddress(cpu, args, IMAGE_SIZE, true, true);
  cpu.memory.probeWrite(linear, IMAGE_SIZE);
  image(cpu).forEach((word, n) => cpu.memory.write((linear + 4 * n) >>> 0, 32, word));
}

/** The words that FXSAVE writes. */
function image({ state }: CpuContext): Words {
  const { view, words } = state;
  const part = (at: number): number => view.getUint32(at, true);
  const status = part(L.X87_STATUS);
  const top = (status >>> X87_TOP_SHIFT) & 7;
  const result = new Array<number>(IMAGE_WRITTEN / 4).fill(0);
  result[IMAGE.control] = part(L.X87_CONTROL) | (status << 16);
  result[IMAGE.tag] = abridgedTag(part(L.X87_TAG)) | (part(L.X87_OPCODE) << 16);
  result[IMAGE.instruction] = part(L.X87_INSTRUCTION_OFFSET);
  result[IMAGE.instruction + 1] = part(L.X87_INSTRUCTION_SELECTOR);
  result[IMAGE.operand] = part(L.X87_OPERAND_OFFSET);
  result[IMAGE.operand + 1] = part(L.X87_OPERAND_SELECTOR);
  result[IMAGE.mxcsr] = readMxcsr(state);
  result[IMAGE.mask] = MXCSR_MASK;
  for (let n = 0; n < 8; n++) {
    const at = (L.X87_REGISTERS >> 2) + ((top + n) & 7) * 4;
    for (let word = 0; word < 3; word++) result[IMAGE.x87 + 4 * n + word] = words[at + word] ?? 0;
    result[IMAGE.x87 + 4 * n + 2] = (words[at + 2] ?? 0) & 0xffff;
    readXmm(state, n).forEach((word, index) => (result[IMAGE.xmm + 4 * n + index] = word));
  }
  return result;
}

function restore(cpu: CpuContext, args: SimdArguments): void {
  requireFxsr(cpu, 'FXRSTOR');
  const linear = linearAddress(cpu, args, IMAGE_SIZE, true, false);
  const words: number[] = [];
  for (let at = 0; at < IMAGE_WRITTEN; at += 4) words.push(cpu.memory.read((linear + at) >>> 0, 32) | 0);
  // The rest of the image must be readable too.
  cpu.memory.read((linear + IMAGE_SIZE - 4) >>> 0, 32);
  const word = (n: number): number => words[n] ?? 0;
  const mxcsr = word(IMAGE.mxcsr) >>> 0;
  requireMxcsr('FXRSTOR', mxcsr);

  const { state } = cpu;
  const set = (at: number, value: number): void => state.view.setUint32(at, value, true);
  const control = word(IMAGE.control) & 0xffff;
  const exceptions = word(IMAGE.control) >>> 16;
  // The summary follows from the exceptions and their masks.
  const pending = (exceptions & ~control & X87_EXCEPTIONS) !== 0 ? X87_SUMMARY : 0;
  const status = (exceptions & ~X87_SUMMARY) | pending;
  const top = (status >>> X87_TOP_SHIFT) & 7;
  const abridged = word(IMAGE.tag);
  let tags = 0;
  for (let n = 0; n < 8; n++) {
    const register = (top + n) & 7;
    const at = IMAGE.x87 + 4 * n;
    const [low, high, upper] = [word(at), word(at + 1), word(at + 2) & 0xffff];
    const place = (L.X87_REGISTERS >> 2) + register * 4;
    state.words.set([low, high, upper], place);
    tags |= (((abridged >>> register) & 1) === 0 ? 3 : tagOf(low, high, upper)) << (2 * register);
    writeXmm(state, n, words.slice(IMAGE.xmm + 4 * n, IMAGE.xmm + 4 * n + 4));
  }
  set(L.X87_CONTROL, control);
  set(L.X87_STATUS, status);
  set(L.X87_TAG, tags);
  set(L.X87_OPCODE, (abridged >>> 16) & 0x7ff);
  set(L.X87_INSTRUCTION_OFFSET, word(IMAGE.instruction));
  set(L.X87_INSTRUCTION_SELECTOR, word(IMAGE.instruction + 1) & 0xffff);
  set(L.X87_OPERAND_OFFSET, word(IMAGE.operand));
  set(L.X87_OPERAND_SELECTOR, word(IMAGE.operand + 1) & 0xffff);
  writeMxcsr(state, mxcsr);
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
