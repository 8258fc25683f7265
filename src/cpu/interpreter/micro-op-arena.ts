import type { DecodedInstruction } from '../decoder.ts';
import * as L from '../layout.ts';
import type { CpuState } from '../state.ts';
import { FIXED_HANDLER } from './handler-module.ts';

const U = L.MICRO_OP;
const COUNT = (L.MICRO_OPS_END - L.MICRO_OPS) / U.size;
/** The file's slot that is always zero stands for "no register". */
const NONE = L.ZERO;

/** The micro-ops in the machine's memory, and what the driver knows about each beside it. Addresses are byte addresses in that memory. */
export class MicroOpArena {
  private readonly state: CpuState;
  private readonly pointers = new Uint32Array(COUNT);
  private readonly slots = new Uint32Array(COUNT);
  private instructions: (DecodedInstruction | undefined)[] = [];
  private next: number = L.MICRO_OPS;

  constructor(state: CpuState) {
    this.state = state;
  }

  /** Room for `count` more micro-ops. */
  hasRoom(count: number): boolean {
    return this.next + count * U.size <= L.MICRO_OPS_END;
  }
  clear(): void {
    this.next = L.MICRO_OPS;
    this.instructions = [];
  }

  /** Address of the first of `count` new micro-ops. */
  allocate(count: number): number {
    const first = this.next;
    this.next += count * U.size;
    return first;
  }

  /** Offset in CS of the instruction at a micro-op. */
  instructionPointer(microOp: number): number {
    return this.pointers[index(microOp)] ?? 0;
  }
  instructionAt(microOp: number): DecodedInstruction | undefined {
    return this.instructions[index(microOp)];
  }
  /** Instructions left in the block, this one included. */
  left(microOp: number): number {
    return this.state.bytes[microOp + U.left] ?? 0;
  }
  handler(microOp: number): number {
    return this.state.view.getUint16(microOp + U.handler, true);
  }
  setHandler(microOp: number, handler: number): void {
    this.state.view.setUint16(microOp + U.handler, handler, true);
  }
  /** Names the handler that completes accesses which miss the TLBs. */
  setOnMiss(microOp: number, handler: number): void {
    this.state.view.setUint16(microOp + U.onMiss, handler, true);
  }
  /** Makes a block's first micro-op enter a translated region at one of its blocks. */
  enterRegion(microOp: number, region: number, entry: number): void {
    this.setHandler(microOp, region);
    this.state.bytes[microOp + U.entry] = entry;
  }
  setLink(slot: number, microOp: number): void {
    this.state.words[slot >> 2] = microOp;
  }
  /** Address of the link that a stub stands in for. */
  slotOf(stub: number): number {
    return this.slots[index(stub)] ?? 0;
  }

  /** A micro-op that leaves with the offset of a block that is not linked yet. */
  stub(ip: number, slot: number): number {
    const microOp = this.allocate(1);
    this.makeStub(microOp, ip, slot);
    return microOp;
  }
  makeStub(microOp: number, ip: number, slot: number): void {
    this.pointers[index(microOp)] = ip;
    this.slots[index(microOp)] = slot;
    this.setHandler(microOp, FIXED_HANDLER.unlinked);
    this.state.bytes[microOp + U.left] = 0;
  }

  /** Fills the operand fields. */
  write(microOp: number, instruction: DecodedInstruction, left: number): void {
    const { bytes, words } = this.state;
    const word = microOp >> 2;
    const [register0, register1] = instruction.registers;
    const place = (register: { readonly index?: number | undefined; readonly high?: boolean } | undefined): number =>
      register?.index === undefined ? NONE : register.index * 8 + (register.high === true ? 1 : 0);
    this.instructions[index(microOp)] = instruction;
    this.pointers[index(microOp)] = instruction.ip;
    bytes[microOp + U.register0] = place(register0);
    bytes[microOp + U.register1] = place(register1);
    bytes[microOp + U.base] = instruction.base < 0 ? NONE : instruction.base * 8;
    bytes[microOp + U.index] = instruction.index < 0 ? NONE : instruction.index * 8;
    words[word + U.displacement / 4] = instruction.displacement;
    words[word + U.immediate / 4] = instruction.immediate;
    words[word + U.next / 4] = instruction.ip + instruction.length;
    bytes[microOp + U.scale] = instruction.scale;
    bytes[microOp + U.segment] = instruction.segment * L.SEGMENT_SIZE;
    bytes[microOp + U.left] = left;
  }
}

const index = (microOp: number): number => (microOp - L.MICRO_OPS) / U.size;
