import type { Cpu } from '../cpu/cpu.ts';
import { CpuFault, Unimplemented } from '../cpu/fault.ts';
import { SEGMENT } from '../cpu/state.ts';
import { systemOperations } from '../cpu/system/system-operations.ts';
import { StartOfDayError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { formatException } from '../x86/exceptions.ts';

/** Loads a segment register for the user as MOV would for the guest: through the descriptor table, or not at all. */
export function loadSegment(cpu: Cpu, name: keyof typeof SEGMENT, selector: number): void {
  const { interruptShadow } = cpu.state;
  const load = (): void => systemOperations['load-segment']?.(cpu, [SEGMENT[name], selector]);
  checked(`${name.toUpperCase()} cannot be ${hex(selector, 4)}`, load);
  // No instruction has run, so none holds interrupts back.
  cpu.state.interruptShadow = interruptShadow;
}

/** Loads a control register for the user with the checks of MOV, but that of privilege: the user may always. */
export function loadControl(cpu: Cpu, index: number, value: number): void {
  const { cpl } = cpu.state;
  cpu.state.cpl = 0;
  try {
    checked(`CR${index} cannot be ${hex(value, 8)}`, () => systemOperations['write-control']?.(cpu, [index, value]));
  } finally {
    cpu.state.cpl = cpl;
  }
}

/** Turns the exception that a guest would get into an error for the user. */
function checked(title: string, load: () => void): void {
  try {
    load();
  } catch (error) {
    if (error instanceof CpuFault) {
      const exception = formatException(error.vector, error.errorCode);
      throw refused(title, `The CPU would refuse it with ${exception}: ${error.reason}`);
    }
    if (error instanceof Unimplemented) throw refused(title, `This machine does not have ${error.what}`);
    throw error;
  }
}

function refused(title: string, detail: string): StartOfDayError {
  return new StartOfDayError({ code: 'register-refused', blame: 'user', title, detail });
}
