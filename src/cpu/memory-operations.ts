import type { SystemOperations } from './system/operation.ts';
import type { AccessWidth, CpuContext } from './context.ts';
import { segmentToLinear } from './segmentation.ts';
import { SEGMENT } from './state.ts';
import { checkPortAccess } from './system/port-io.ts';
import { withPointer } from './system/stack.ts';

const BP = 5;
const SP = 4;

/**
 * ENTER, SDM 2: `allocation` bytes of locals, `level` frame pointers copied. Everything is checked before anything is pushed,
 * in the order of the accesses; the last check is that the new top of the stack can be written.
 */
function enter(cpu: CpuContext, allocation: number, level: number): void {
  const { state, memory } = cpu;
  const width = cpu.instruction.operandSize;
  const bytes = width / 8;
  const segment = state.segment(SEGMENT.ss);
  const stack = (offset: number, write: boolean): number =>
    segmentToLinear(state, SEGMENT.ss, withPointer(segment, 0, offset), bytes, write);

  const start = state.register32(SP);
  const outer = state.register32(BP);
  const frame = withPointer(segment, start, start - bytes);
  const copied = Math.max(level - 1, 0);
  const pointer = start - (1 + level) * bytes - allocation;
  const copy = (n: number): number => memory.read(stack(outer - n * bytes, false), width);
  const place = (slot: number): number => stack(start - (slot + 1) * bytes, true);
  const probe = (linear: number): void => memory.probeWrite(linear, bytes);

  probe(place(0));
  for (let n = 1; n <= copied; n++) {
    copy(n);
    probe(place(n));
  }
  if (level > 0) probe(place(level));
  probe(stack(pointer, true));

  memory.write(place(0), width, outer);
  // A frame pointer that was pushed just now may be among those that are copied.
  for (let n = 1; n <= copied; n++) memory.write(place(n), width, copy(n));
  if (level > 0) memory.write(place(level), width, frame);
  state.setRegister32(SP, withPointer(segment, start, pointer));
  if (width === 32) state.setRegister32(BP, withPointer(segment, outer, frame));
  else state.setRegister16(BP, frame);
}

/** INS: the port is read when nothing can refuse the write any more. */
function inputString(cpu: CpuContext, port: number, width: AccessWidth, offset: number): void {
  checkPortAccess(cpu, port, width);
  const linear = segmentToLinear(cpu.state, SEGMENT.es, offset, width / 8, true);
  cpu.memory.probeWrite(linear, width / 8);
  cpu.memory.write(linear, width, cpu.bus.portRead(port, width));
}

/** OUTS. */
function outputString(cpu: CpuContext, port: number, width: AccessWidth, segment: number, offset: number): void {
  checkPortAccess(cpu, port, width);
  const linear = segmentToLinear(cpu.state, segment, offset, width / 8, false);
  cpu.bus.portWrite(port, width, cpu.memory.read(linear, width));
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
    'input-string': (cpu, [port = 0, width = 8, offset = 0]) => inputString(cpu, port, width as AccessWidth, offset),
    'output-string': (cpu, [port = 0, width = 8, segment = 0, offset = 0]) =>
      outputString(cpu, port, width as AccessWidth, segment, offset),
  };
}
