import type { AccessWidth } from '../context.ts';
import type { CpuState } from '../state.ts';

/** Writes the low `width` bits of a general register (index in encoding order of the 32-bit names); the rest stays. */
export function mergeRegister(state: CpuState, index: number, width: AccessWidth, value: number): void {
  if (width === 32) state.setRegister32(index, value);
  else if (width === 16) state.setRegister16(index, value);
  else state.setRegister16(index, (state.register32(index) & 0xff00) | (value & 0xff));
}
