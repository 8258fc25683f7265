import { hex } from '../../util/hex.ts';
import { CR0, CR4 } from '../../x86/control-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault } from '../fault.ts';
import { segmentToLinear } from '../segmentation.ts';
import { enterMmx, readMmx, readXmm, writeMmx, writeXmm } from '../simd-state.ts';
import type { Words } from '../simd/words.ts';
import { generalProtection, invalidOpcode } from './operation.ts';
import { checkPendingError } from './x87-access.ts';

/** Operands of these operations: two of registers or {@link MEMORY}, the immediate, and where the memory operand is. */
export type SimdArguments = readonly number[];
export const ARGUMENT = { first: 0, second: 1, immediate: 2, segment: 3, offset: 4 } as const;
/** In the place of a register number: the operand is in memory. */
export const MEMORY = 8;

/** Where a register operand lives. */
export type RegisterFile = 'mmx' | 'xmm' | 'general';

/** An operand in a register or in memory. */
export interface Place {
  readonly file: RegisterFile;
  /** Bytes that are accessed in memory. */
  readonly bytes: 2 | 4 | 8 | 16;
  /** #GP(0) in memory off a 16-byte boundary. */
  readonly aligned: boolean;
}

export const MMX: Place = { file: 'mmx', bytes: 8, aligned: false };
export const XMM: Place = { file: 'xmm', bytes: 16, aligned: true };
export const XMM_UNALIGNED: Place = { file: 'xmm', bytes: 16, aligned: false };
export const XMM_LOW64: Place = { file: 'xmm', bytes: 8, aligned: false };
export const XMM_LOW32: Place = { file: 'xmm', bytes: 4, aligned: false };
export const GENERAL: Place = { file: 'general', bytes: 4, aligned: false };

/** The checks of SDM 3, tables 2-2 and 12-1, for an instruction that uses these registers. */
export function requireRegisters(cpu: CpuContext, ...files: readonly RegisterFile[]): void {
  const cr0 = cpu.state.control(0);
  if ((cr0 & CR0.EM) !== 0) throw invalidOpcode('an MMX or SSE instruction while CR0.EM is 1', { cr0 });
  if (files.includes('xmm')) {
    const cr4 = cpu.state.control(4);
    if ((cr4 & CR4.OSFXSR) === 0) throw invalidOpcode('an SSE instruction while CR4.OSFXSR is 0', { cr4 });
  }
  requireTaskNotSwitched(cpu, 'an MMX or SSE instruction');
  // MMX instructions wait for x87 exceptions like x87 ones (SDM 1, 9.6.3).
  if (files.includes('mmx')) checkPendingError(cpu);
}

/** #NM while CR0.TS is 1. */
export function requireTaskNotSwitched(cpu: CpuContext, what: string): void {
  const cr0 = cpu.state.control(0);
  if ((cr0 & CR0.TS) !== 0) throw new CpuFault(VECTOR.NM, undefined, `${what} while CR0.TS is 1`, { cr0 });
}

export function readRegister({ state }: CpuContext, file: RegisterFile, index: number): Words {
  if (file === 'xmm') return readXmm(state, index);
  return file === 'mmx' ? readMmx(state, index) : [state.register32(index) | 0];
}

export function writeRegister({ state }: CpuContext, file: RegisterFile, index: number, words: Words): void {
  if (file === 'xmm') writeXmm(state, index, words);
  else if (file === 'mmx') writeMmx(state, index, words);
  else state.setRegister32(index, words[0] ?? 0);
}

/**
 * What accesses are to be aligned to, in bytes, where #AC is on: of 16 bytes that need not be aligned the CPU may look at more, or at none
 * (SDM 3, 6.15, interrupt 17).
 */
const MOST_ALIGNMENT = 8;

/** The linear address of the memory operand, with the checks of its segment and of its alignment. */
export function linearAddress(
  cpu: CpuContext,
  args: SimdArguments,
  bytes: number,
  aligned: boolean,
  write: boolean,
): number {
  const [, , , segment = 0, offset = 0] = args;
  const linear = segmentToLinear(cpu.state, segment, offset, bytes, write);
  if (aligned && (linear & 15) !== 0)
    throw generalProtection(`the operand at lin:${hex(linear, 8)} is not on a 16-byte boundary`, { linear });
  cpu.memory.checkAlignment(linear, Math.min(bytes, MOST_ALIGNMENT));
  return linear;
}

/** The words of the memory operand; two bytes are one word, zero-extended. */
export function readMemory(cpu: CpuContext, args: SimdArguments, { bytes, aligned }: Place): Words {
  const linear = linearAddress(cpu, args, bytes, aligned, false);
  if (bytes === 2) return [cpu.memory.read(linear, 16)];
  const words: number[] = [];
  for (let at = 0; at < bytes; at += 4) words.push(cpu.memory.read((linear + at) >>> 0, 32) | 0);
  return words;
}

/** Writes as many words as the operand has, once nothing can refuse any of them. */
export function writeMemory(cpu: CpuContext, args: SimdArguments, { bytes, aligned }: Place, words: Words): void {
  const linear = linearAddress(cpu, args, bytes, aligned, true);
  cpu.memory.probeWrite(linear, bytes, false, 1);
  for (let at = 0; at < bytes; at += 4) cpu.memory.write((linear + at) >>> 0, 32, words[at >> 2] ?? 0);
}

/** An instruction with an MMX register operand is complete: the x87 unit is in MMX state. */
export function completeMmx(cpu: CpuContext, ...files: readonly RegisterFile[]): void {
  if (files.includes('mmx')) enterMmx(cpu.state);
}
