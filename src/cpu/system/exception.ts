import { combineExceptions, formatException, VECTOR } from '../../x86/exceptions.ts';
import type { CpuContext } from '../context.ts';
import { CpuFault, NewTaskFault, TripleFault } from '../fault.ts';
import { deliverInterrupt } from './interrupt-delivery.ts';

/**
 * Delivers an exception, and what its delivery raises, until a handler is entered (SDM 3, 6.15, interrupt 8).
 * Returns every exception on the way in order: one when the first was delivered, the last is the one whose handler runs.
 * A fault that makes a double fault is told in the reason of the #DF that takes its place.
 * Throws {@link TripleFault} with the state as it was, unless a task switch had begun; its chain ends with the fault that stopped the #DF.
 * CR2 takes the address of a page fault (operand `address`, linear) even when it becomes a double fault.
 */
export function raiseException(cpu: CpuContext, fault: CpuFault, returnIp: number): readonly CpuFault[] {
  const savedCr2 = cpu.state.control(2);
  const chain = [fault];
  let current = fault;
  let ip = returnIpOf(fault, returnIp);
  try {
    latchPageFaultAddress(cpu, fault);
    for (;;) {
      const next = attempt(cpu, current, ip);
      if (next === undefined) return chain;
      ip = returnIpOf(next, ip);
      const outcome = combineExceptions(current.vector, next.vector);
      if (outcome === 'shutdown') throw new TripleFault([...chain, next]);
      latchPageFaultAddress(cpu, next);
      current = outcome === 'double-fault' ? doubleFault(current, next) : next;
      chain.push(current);
    }
  } catch (error) {
    cpu.state.setControl(2, savedCr2);
    throw error;
  }
}

/** Undefined when the handler was entered, else the fault that prevented it. */
function attempt(cpu: CpuContext, fault: CpuFault, returnIp: number): CpuFault | undefined {
  try {
    deliverInterrupt(cpu, fault.vector, { errorCode: fault.errorCode, kind: 'exception', returnIp });
    return undefined;
  } catch (error) {
    if (error instanceof CpuFault) return error;
    throw error;
  }
}

function returnIpOf(fault: CpuFault, otherwise: number): number {
  return fault instanceof NewTaskFault ? fault.returnIp : otherwise;
}

function doubleFault(first: CpuFault, second: CpuFault): CpuFault {
  const name = (fault: CpuFault): string => formatException(fault.vector, fault.errorCode);
  const reason = `${name(second)} while delivering ${name(first)}: ${second.reason}`;
  return new CpuFault(VECTOR.DF, 0, reason, { ...second.operands, first: first.vector, second: second.vector });
}

function latchPageFaultAddress(cpu: CpuContext, fault: CpuFault): void {
  const { address } = fault.operands;
  if (fault.vector === VECTOR.PF && address !== undefined) cpu.state.setControl(2, address);
}
