import { SEGMENT } from '../cpu/state.ts';
import type { SupervisorHost } from '../machine/supervisor.ts';

/** Writes guest physical memory, RAM or not, where decoded code is noticed. */
export function writePhysical({ cpu }: SupervisorHost, physical: number, bytes: Uint8Array): void {
  for (const [n, byte] of bytes.entries()) cpu.memory.writePhysical(physical + n, 8, byte);
}

/** Linear address of the instruction that runs. */
export function callerOf({ cpu }: SupervisorHost): number {
  return (cpu.state.segmentBase(SEGMENT.cs) + cpu.instruction.ip) >>> 0;
}
