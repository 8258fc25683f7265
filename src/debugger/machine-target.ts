import type { SegmentName } from '../boot/protocol.ts';
import { explainInstruction, type InstructionExplanation } from '../cpu/explainer.ts';
import type { FaultRecord } from '../cpu/fault.ts';
import type { Extended } from '../cpu/floating-point/extended.ts';
import { pagingState } from '../cpu/mmu.ts';
import { ACCESS, SEGMENT } from '../cpu/state.ts';
import type { SegmentCache } from '../cpu/state.ts';
import type { Machine } from '../machine/machine.ts';
import type { MachineStop, RunLimits } from '../machine/stop.ts';
import { CR0 } from '../x86/control-registers.ts';
import { walkPages } from '../x86/page-walk.ts';
import { liveCallers } from './live-callers.ts';
import { REGISTER_NAMES, readRegister, writeRegister } from './machine-registers.ts';
import type { AddressSpace, Caller, RegisterValue, Target } from './target.ts';

const PAGE = 4096;
const ADDRESS_SPACE = 0x1_0000_0000;

/** The emulated machine as a debugger's target. */
export class MachineTarget implements Target {
  private readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  get instructions(): number {
    return this.machine.instructions;
  }
  get ticks(): number {
    return this.machine.ticks;
  }
  get instructionAddress(): bigint {
    const { state } = this.machine.cpu;
    return BigInt((state.segment(SEGMENT.cs).base + state.ip) >>> 0);
  }
  get codeSize(): 16 | 32 {
    return (this.segment('cs').access & ACCESS.big) !== 0 ? 32 : 16;
  }
  get paging(): boolean {
    return (this.machine.cpu.state.control(0) & CR0.PG) !== 0;
  }

  register(name: string): RegisterValue | undefined {
    return readRegister(this.machine.cpu.state, name);
  }
  setRegister(name: string, value: bigint): void {
    writeRegister(this.machine.cpu, name, value);
    this.machine.cpu.stateChanged();
  }
  registerNames(): readonly string[] {
    return REGISTER_NAMES;
  }
  segment(name: SegmentName): SegmentCache {
    return this.machine.cpu.state.segment(SEGMENT[name]);
  }
  x87Register(stack: number): Extended | undefined {
    const { x87 } = this.machine.cpu.state;
    return x87.isEmpty(stack) ? undefined : x87.register(stack);
  }

  read(space: AddressSpace, address: bigint, count: number): Uint8Array {
    const end = Math.min(Number(address) + count, ADDRESS_SPACE);
    const bytes = new Uint8Array(Math.max(0, end - Number(address)));
    const done = this.pieces(space, Number(address), bytes.length, (physical, offset, length) => {
      const piece = bytes.subarray(offset, offset + length);
      piece.set(this.machine.memory.bytes.subarray(physical, physical + length));
      this.machine.bus.peek(physical, piece);
    });
    return done < bytes.length ? bytes.subarray(0, done) : bytes;
  }

  write(space: AddressSpace, address: bigint, bytes: Uint8Array): number {
    return this.pieces(space, Number(address), bytes.length, (physical, offset, length) => {
      const { bus, memory } = this.machine;
      bus.poke(physical, bytes.subarray(offset, offset + length), (at, run) => memory.write(at, run));
    });
  }

  setBreakpoints(addresses: Iterable<bigint>): void {
    this.machine.setBreakpoints(Array.from(addresses, Number));
  }
  run(limits: RunLimits): MachineStop {
    return this.machine.run(limits);
  }
  step(): MachineStop | undefined {
    return this.machine.step();
  }

  explain(address: bigint): InstructionExplanation {
    const { state, memory } = this.machine.cpu;
    return explainInstruction(state, memory, (Number(address) - state.segment(SEGMENT.cs).base) >>> 0);
  }

  callers(): readonly Caller[] {
    return liveCallers(this.machine.cpu.callers(), this);
  }
  faults(): readonly FaultRecord[] {
    return this.machine.faults;
  }

  /** Calls `use` for each piece of a range that is contiguous in physical memory; returns the bytes before memory ends. */
  private pieces(
    space: AddressSpace,
    address: number,
    count: number,
    use: (physical: number, offset: number, length: number) => void,
  ): number {
    let done = 0;
    while (done < count) {
      const at = address + done;
      const physical = space === 'physical' || !this.paging ? at : this.translate(at);
      if (physical === undefined || physical >= this.machine.memory.size) break;
      const toPageEnd = space === 'physical' || !this.paging ? Infinity : PAGE - (at % PAGE);
      const length = Math.min(count - done, toPageEnd, this.machine.memory.size - physical);
      use(physical, done, length);
      done += length;
    }
    return done;
  }

  /** The page walk without its effects: a debugger sets no accessed bit, and rights do not bind it. */
  private translate(linear: number): number | undefined {
    const { state } = this.machine.cpu;
    const context = { ...pagingState(state), cpl: 0, access: 'read' } as const;
    const walk = walkPages(linear, context, (physical) =>
      this.machine.memory.contains(physical, 4) ? this.machine.memory.read32(physical) : 0,
    );
    return walk.fault === undefined ? walk.physical : undefined;
  }
}
