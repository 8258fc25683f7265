import type { FaultRecord } from '../cpu/fault.ts';
import { SEGMENT, type CpuState } from '../cpu/state.ts';
import type { WatchHit } from '../cpu/watchpoints.ts';
import { count, hex } from '../util/hex.ts';
import { formatException } from '../x86/exceptions.ts';
import type { MachineStop } from './stop.ts';

/** Address of code as the user reads it: the offset where CS starts at 0, else selector and offset (`f000:fff0`). */
export function codeAddress(state: CpuState, ip: number): string {
  const { base, selector } = state.segment(SEGMENT.cs);
  if (base === 0) return hex(ip, 8);
  const digits = (value: number): string => value.toString(16).padStart(4, '0');
  return `${digits(selector)}:${digits(ip)}`;
}

/** Why a fault right after the entry is the end. */
export const NOBODY_CATCHES =
  'Between its entry and its own IDT nothing can catch a fault of a kernel, and no LIDT has run yet.';

/** The stops of a machine, each with its sentence. `at` comes from {@link codeAddress}. */
export const stops = {
  breakpoint: (at: string): MachineStop => ({ reason: 'breakpoint', description: `Breakpoint at ${at}.` }),

  watchpoint: (at: string, watch: WatchHit): MachineStop => {
    const { access, address, bytes, oldValue, newValue } = watch;
    const change =
      oldValue === undefined || newValue === undefined
        ? ''
        : `: ${hex(oldValue, bytes * 2)} became ${hex(newValue, bytes * 2)}`;
    const what = `${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${hex(address, 8)}`;
    const verb = access === 'write' ? 'wrote' : 'read';
    return { reason: 'watchpoint', description: `The instruction at ${at} ${verb} ${what}${change}.`, watch };
  },

  maxInstructions: (instructions: number): MachineStop => ({
    reason: 'max-instructions',
    description: `${count(instructions)} ${instructions === 1 ? 'instruction has' : 'instructions have'} run.`,
  }),

  slice: (): MachineStop => ({ reason: 'yield', description: 'slice', idle: false }),

  idle: (): MachineStop => ({ reason: 'yield', description: 'idle', idle: true }),

  haltInterruptsOff: (at: string): MachineStop => ({
    reason: 'halt',
    description: `Halted with interrupts off at ${at}: only an NMI or a reset would wake it.`,
  }),

  haltNoEvent: (at: string): MachineStop => ({
    reason: 'halt',
    description: `Halted at ${at} with interrupts on, but no device will raise one that is not masked.`,
  }),

  /** `catches`: the kernel had handlers by then. */
  tripleFault: (at: string, chain: readonly FaultRecord[], catches: boolean): MachineStop => {
    const first = chain[0];
    const fault = first ? `${formatException(first.vector, first.errorCode)} (${first.reason})` : 'an exception';
    const last = chain.length > 1 ? chain[chain.length - 1] : undefined;
    const because = last ? `: ${last.reason}` : '';
    return {
      reason: 'triple-fault',
      description: `Triple fault at ${at}: neither ${fault} nor the double fault could be delivered${because}.${catches ? '' : ` ${NOBODY_CATCHES}`}`,
      chain,
    };
  },

  reset: (at: string, how: string): MachineStop => ({
    reason: 'shutdown',
    description: `The guest asked for a reset through ${how} at ${at}.`,
  }),

  powerOff: (at: string): MachineStop => ({
    reason: 'shutdown',
    description: `The guest switched the machine off through ACPI (S5) at ${at}.`,
  }),

  debugExit: (at: string, value: number): MachineStop => {
    const exitCode = ((value << 1) | 1) >>> 0;
    return {
      reason: 'debug-exit',
      description: `The guest wrote ${hex(value)} to the debug exit port 0xf4 at ${at}: exit code ${exitCode}.`,
      exitCode,
    };
  },

  hypercall: (at: string, what: string, hypercall: string): MachineStop => ({
    reason: 'hypercall',
    hypercall,
    description: `Before the hypercall ${what} at ${at}.`,
  }),

  unimplemented: (at: string, what: string): MachineStop => ({
    reason: 'unimplemented',
    description: `At ${at} the guest needs what this machine does not have: ${what}.`,
  }),
};
