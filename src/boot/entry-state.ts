import { SEGMENT } from '../cpu/state.ts';
import type { CpuState, SegmentIndex } from '../cpu/state.ts';
import type { EntryState, GeneralRegister, SegmentName } from './protocol.ts';

/** In encoding order. */
const REGISTERS: readonly GeneralRegister[] = ['eax', 'ecx', 'edx', 'ebx', 'esp', 'ebp', 'esi', 'edi'];
const SEGMENTS = Object.entries(SEGMENT) as [SegmentName, SegmentIndex][];

/** Puts the CPU at the entry. Whoever caches code or translations must be told. */
export function applyEntryState(cpu: CpuState, state: EntryState): void {
  for (const [index, name] of REGISTERS.entries()) cpu.setRegister32(index, state.registers[name]);
  for (const [name, index] of SEGMENTS) cpu.setSegment(index, state.segments[name]);
  cpu.ip = state.eip;
  cpu.eflags = state.eflags;
  cpu.gdtr = state.gdtr;
  cpu.idtr = state.idtr;
  cpu.setControl(0, state.cr0);
  cpu.setControl(3, state.cr3);
  cpu.setControl(4, state.cr4);
  cpu.cpl = state.cpl;
  cpu.interruptShadow = false;
}
