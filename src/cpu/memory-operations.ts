import type { SystemOperations } from './system/operation.ts';
import type { AccessWidth, CpuContext } from './context.ts';
import { segmentToLinear } from './segmentation.ts';
import { ACCESS, SEGMENT } from './state.ts';

const BP = 5;
const SP = 4;

/** ENTER, SDM 2: `allocation` bytes of locals, `level` frame pointers copied. Everything is checked before anything is pushed. */
function enter(cpu: CpuContext, allocation: number, level: number): void {
  const { state, memory } = cpu;
  const width = cpu.instruction.operandSize;
  const bytes = width / 8;
  const mask = (state.segment(SEGMENT.ss).access & ACCESS.big) !== 0 ? 0xffffffff : 0xffff;
  const stackOffset = (value: number): number => (value & mask) >>> 0;
  const stack = (offset: number, write: boolean): number =>
    segmentToLinear(state, SEGMENT.ss, stackOffset(offset), bytes, write);

  const start = state.register32(SP);
  const frame = start - bytes;
  const values = [state.register32(BP)];
  for (let n = 1; n < level; n++) values.push(memory.read(stack(state.register32(BP) - n * bytes, false), width));
  if (level > 0) values.push(frame);
  const places = values.map((_, n) => stack(start - (n + 1) * bytes, true));
  for (const place of places) memory.probeWrite(place, bytes);
  places.forEach((place, n) => memory.write(place, width, values[n] ?? 0));
  const pointer = start - values.length * bytes - allocation;
  const keep = (old: number, value: number): number => ((old & ~mask) | (value & mask)) >>> 0;
  state.setRegister32(SP, keep(start, pointer));
  if (width === 32) state.setRegister32(BP, keep(0, frame));
  else state.setRegister16(BP, frame);
}

/** Operations that reach memory through a segment, beside those of `system/`. */
export function memoryOperations(system: SystemOperations): SystemOperations {
  const run = (name: string, cpu: CpuContext, ...args: number[]): void => system[name]?.(cpu, args);
  return {
    enter: (cpu, [allocation = 0, level = 0]) => enter(cpu, allocation, level),
    invlpg: (cpu, [segment = 0, offset = 0]) => {
      const base = cpu.state.segment(segment as 0 | 1 | 2 | 3 | 4 | 5).base;
      run('invlpg', cpu, (base + offset) >>> 0);
    },
    'overflow-interrupt': (cpu, [overflow = 0]) => {
      if (overflow === 0) cpu.state.ip = cpu.instruction.next;
      else run('software-interrupt', cpu, 4, 2);
    },
    'input-string': (cpu, [port = 0, width = 8, offset = 0]) => {
      const linear = segmentToLinear(cpu.state, SEGMENT.es, offset, width / 8, true);
      const saved = cpu.state.register32(0);
      run('port-in', cpu, port, width);
      const value = cpu.state.register32(0);
      cpu.state.setRegister32(0, saved);
      cpu.memory.write(linear, width as AccessWidth, value);
    },
  };
}
