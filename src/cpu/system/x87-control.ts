import type { CpuContext } from '../context.ts';
import { X87_STATUS } from '../x87-state.ts';
import type { SystemOperations } from './operation.ts';
import { checkPendingError, readMemory, writableMemory, writeMemory, type MemoryOperand } from './x87-access.ts';

const AX = 0;

function storeWord(cpu: CpuContext, place: MemoryOperand, value: number): void {
  writeMemory(cpu, writableMemory(cpu, place, 2), 2, BigInt(value));
}

function loadControl(cpu: CpuContext, place: MemoryOperand): void {
  checkPendingError(cpu);
  cpu.state.x87.control = Number(readMemory(cpu, place, 2));
}

/** FINCSTP and FDECSTP. */
function rotate(cpu: CpuContext, steps: number): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  x87.top += steps;
  x87.setConditions(X87_STATUS.c1, 0);
}

function free(cpu: CpuContext, number: number, pop: boolean): void {
  checkPendingError(cpu);
  const { x87 } = cpu.state;
  x87.free(number);
  x87.setConditions(X87_STATUS.c1, 0);
  if (pop) x87.pop();
}

export const x87ControlOperations: SystemOperations = {
  'x87-initialise': (cpu) => cpu.state.x87.initialise(),
  'x87-clear-exceptions': (cpu) => (cpu.state.x87.status &= ~0x7f),
  'x87-load-control': (cpu, [segment = 0, offset = 0]) => loadControl(cpu, { segment, offset }),
  'x87-store-control': (cpu, [segment = 0, offset = 0]) => storeWord(cpu, { segment, offset }, cpu.state.x87.control),
  'x87-store-status': (cpu, [segment = 0, offset = 0]) => storeWord(cpu, { segment, offset }, cpu.state.x87.status),
  'x87-status-to-ax': (cpu) => cpu.state.setRegister16(AX, cpu.state.x87.status),
  'x87-rotate': (cpu, [steps = 0]) => rotate(cpu, steps),
  'x87-free': (cpu, [number = 0, pop = 0]) => free(cpu, number, pop !== 0),
  /** WAIT, FNOP. */
  'x87-wait': checkPendingError,
  /** FNENI, FNDISI and FNSETPM, which did something on the 8087 and 287. */
  'x87-nothing': () => undefined,
};
