import { CR0 } from '../../x86/control-registers.ts';
import { VECTOR } from '../../x86/exceptions.ts';
import { hex } from '../../util/hex.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault, NumericErrorFreeze } from '../fault.ts';
import { segmentToLinear } from '../segmentation.ts';
import { SEGMENT, type SegmentIndex } from '../state.ts';

/** Where a memory operand is. */
export interface MemoryOperand {
  readonly segment: number;
  readonly offset: number;
}

/**
 * What every waiting x87 and MMX instruction does first (SDM 1, 8.7): a pending unmasked exception is #MF with CR0.NE; without, FERR#
 * tells the interrupt controllers, and the CPU waits for an interrupt unless IGNNE# is active. Throws with the state unchanged.
 */
export function checkPendingError(cpu: CpuContext): void {
  const { state, bus } = cpu;
  const { x87 } = state;
  const pending = x87.errorPending;
  if ((state.control(0) & CR0.NE) === 0) {
    const ignored = bus.numericError?.(pending) ?? false;
    if (pending && !ignored) throw new NumericErrorFreeze();
    return;
  }
  if (!pending) return;
  const { status, control } = x87;
  const reason = `an unmasked x87 exception is pending: status ${hex(status, 4)}, control ${hex(control, 4)}`;
  throw new CpuFault(VECTOR.MF, undefined, reason, { status, control });
}

/** Remembers the running instruction as the last x87 one; without a memory operand the operand pointer stays. */
export function rememberInstruction(cpu: CpuContext, operand: MemoryOperand | undefined): void {
  const { state } = cpu;
  const { x87 } = state;
  const { operandOffset, operandSelector } = x87.pointers;
  x87.pointers = {
    instructionOffset: cpu.instruction.ip,
    instructionSelector: state.segment(SEGMENT.cs).selector,
    operandOffset: operand?.offset ?? operandOffset,
    operandSelector: operand === undefined ? operandSelector : state.segment(operand.segment as SegmentIndex).selector,
    opcode: opcodeOf(cpu),
  };
}

/** The eleven opcode bits of the running instruction, which begins with any prefixes before its ESC byte. */
function opcodeOf(cpu: CpuContext): number {
  const { ip, next } = cpu.instruction;
  const { base } = cpu.state.segment(SEGMENT.cs);
  const { trace } = cpu.state;
  // The instruction has been fetched: this is no access of its own.
  cpu.state.trace = undefined;
  const byteAt = (offset: number): number => cpu.memory.read((base + offset) >>> 0, 8);
  let opcode = 0;
  for (let offset = ip; offset !== next; offset = (offset + 1) >>> 0) {
    const byte = byteAt(offset);
    if ((byte & 0xf8) !== 0xd8) continue;
    opcode = ((byte & 7) << 8) | byteAt((offset + 1) >>> 0);
    break;
  }
  cpu.state.trace = trace;
  return opcode;
}

/** What a number of so many bytes is aligned to, in bytes: 80-bit ones to 8 (SDM 3, table 6-7). */
const naturalAlignment = (bytes: number): number => (bytes === 10 ? 8 : bytes);

/** Reads `bytes` bytes, little-endian. */
export function readMemory(
  cpu: CpuContext,
  { segment, offset }: MemoryOperand,
  bytes: number,
  alignment = naturalAlignment(bytes),
): bigint {
  const linear = segmentToLinear(cpu.state, segment, offset, bytes, false);
  cpu.memory.checkAlignment(linear, alignment);
  let value = 0n;
  for (let at = 0; at < bytes;) {
    const width = bytes - at >= 4 && alignment > 2 ? 32 : 16;
    value |= BigInt(cpu.memory.read((linear + at) >>> 0, width)) << BigInt(at * 8);
    at += width / 8;
  }
  return value;
}

/** The linear address of `bytes` bytes that can be written; raises what the write would, and changes nothing. */
export function writableMemory(
  cpu: CpuContext,
  { segment, offset }: MemoryOperand,
  bytes: number,
  alignment = naturalAlignment(bytes),
): number {
  const linear = segmentToLinear(cpu.state, segment, offset, bytes, true);
  cpu.memory.probeWrite(linear, bytes, false, alignment);
  return linear;
}

/** Writes `bytes` bytes, little-endian, where {@link writableMemory} found room. */
export function writeMemory(
  cpu: CpuContext,
  linear: number,
  bytes: number,
  value: bigint,
  alignment = naturalAlignment(bytes),
): void {
  for (let at = 0; at < bytes;) {
    const width = bytes - at >= 4 && alignment > 2 ? 32 : 16;
    cpu.memory.write((linear + at) >>> 0, width, Number(BigInt.asUintN(width, value >> BigInt(at * 8))));
    at += width / 8;
  }
}
