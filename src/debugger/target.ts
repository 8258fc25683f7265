import type { SegmentName } from '../boot/protocol.ts';
import type { InstructionExplanation } from '../cpu/explainer.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import type { Extended } from '../cpu/floating-point/extended.ts';
import type { SegmentCache } from '../cpu/state.ts';
import type { MachineStop, RunLimits } from '../machine/stop.ts';

/** `linear` goes through the page tables as they stand now, `physical` does not. */
export type AddressSpace = 'linear' | 'physical';

/** A register as a number without a sign. */
export interface RegisterValue {
  readonly value: bigint;
  /** Width in bits. */
  readonly bits: number;
}

/** A call or interrupt that has not returned yet. */
export interface Caller {
  /** Where it returns to: an offset in its code segment. */
  readonly returnAddress: number;
  /** Linear base of that code segment. */
  readonly codeBase: number;
  /** Offset in SS of the return address. */
  readonly stackOffset: number;
  readonly kind: 'call' | 'interrupt';
}

/**
 * The machine as a debugger sees it. Nothing here touches a device, sets an accessed bit or changes guest memory, except the writes
 * that the user asks for.
 */
export interface Target {
  /** Retired instructions since entry. */
  readonly instructions: number;
  /** Guest time in ticks of 10 ns: instructions, and the time skipped while the guest waited. */
  readonly ticks: number;
  /** Linear address of the next instruction. */
  readonly instructionAddress: bigint;
  /** Width in bits of the code at the next instruction. */
  readonly codeSize: 16 | 32;
  readonly paging: boolean;

  /** A register or a field of a descriptor table register (`gdtr.base`) by lower-case name; undefined when there is none. */
  register(name: string): RegisterValue | undefined;
  /** Throws StartOfDayError when the register cannot be written. */
  setRegister(name: string, value: bigint): void;
  registerNames(): readonly string[];
  segment(name: SegmentName): SegmentCache;
  /** ST(n) of the x87 unit; undefined when it is empty. */
  x87Register(stack: number): Extended | undefined;

  /** Up to `count` bytes; fewer where memory ends or nothing is mapped. */
  read(space: AddressSpace, address: bigint, count: number): Uint8Array;
  /** Writes from `address` on and returns how many bytes were written before memory ended. */
  write(space: AddressSpace, address: bigint, bytes: Uint8Array): number;

  /** Arms exactly these linear addresses. */
  setBreakpoints(addresses: Iterable<bigint>): void;
  run(limits: RunLimits): MachineStop;
  /** Runs one instruction, breakpoints ignored. Undefined when it retired; allocates nothing then. */
  step(): MachineStop | undefined;

  /** What the instruction at a linear address of the code segment would do, check by check; changes nothing and asks no device. */
  explain(address: bigint): InstructionExplanation;

  /** Calls and interrupts that have not returned, innermost first. */
  callers(): readonly Caller[];
  /** Exceptions of the guest so far, oldest first. */
  faults(): readonly FaultRecord[];
}
