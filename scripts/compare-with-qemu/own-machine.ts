import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as iced from 'iced-x86';
import { SEGMENT } from '../../src/cpu/state.ts';
import { bootDebuggee } from '../../src/debugger/boot-request.ts';
import type { Debuggee } from '../../src/debugger/debuggee.ts';
import type { MachineSnapshot } from '../../src/machine/machine-snapshot.ts';
import type { MachineStop } from '../../src/machine/stop.ts';
import { nodeScheduler } from '../../src/platform/node/scheduler.ts';
import { CONTROLS, GENERAL, SEGMENTS, type MachineState } from './machine-state.ts';

/** CF PF AF ZF SF OF, as iced-x86 and as EFLAGS name them. */
const FLAGS = [
  [iced.RflagsBits.CF, 0x1],
  [iced.RflagsBits.PF, 0x4],
  [iced.RflagsBits.AF, 0x10],
  [iced.RflagsBits.ZF, 0x40],
  [iced.RflagsBits.SF, 0x80],
  [iced.RflagsBits.OF, 0x800],
] as const;
export const STATUS_FLAGS = FLAGS.reduce((bits, [, bit]) => bits | bit, 0);

const LONGEST_INSTRUCTION = 15;
/** Instructions among which a place for a checkpoint is looked for. */
const WINDOW = 256;
/** Most arrivals at a checkpoint's address that QEMU has to stop at. */
const MOST_ARRIVALS = 600;
/** How far before its end a guest is looked at last. */
const LAST_WINDOW = 16;
const CODE_BIT = 0x800;
const ACCESSED = 0x100;

/** How another machine comes to where this one is: from the last checkpoint, so many arrivals at an address. */
export interface Checkpoint {
  /** Instructions since the entry. */
  readonly count: number;
  readonly address: number;
  readonly arrivals: number;
  /** Bits of EFLAGS that may be undefined here. */
  readonly undefinedFlags: number;
}

/** This project's machine at the entry of a kernel. */
export class OwnMachine {
  readonly debuggee: Debuggee;

  constructor(file: string, append: string, memory: number) {
    this.debuggee = bootDebuggee(
      {
        kernel: { name: basename(file), bytes: readFileSync(file) },
        entry: 'multiboot',
        // QEMU passes the path of the kernel before the words of the user.
        load: { memory, cmdline: append, bootLoaderName: 'qemu', modules: [], poison: false },
        registers: {},
        symbols: [],
      },
      nodeScheduler,
    );
  }

  get count(): number {
    return this.debuggee.machine.instructions;
  }
  get ip(): number {
    return this.debuggee.machine.cpu.state.ip;
  }
  get memory(): Uint8Array {
    return this.debuggee.machine.memory.bytes;
  }

  state(): MachineState {
    const { state } = this.debuggee.machine.cpu;
    const values: Record<string, number> = { eip: state.ip, eflags: state.eflags };
    GENERAL.forEach((name, index) => (values[name] = state.register32(index)));
    for (const index of CONTROLS) values[`cr${index}`] = state.control(index);
    for (const name of SEGMENTS) {
      const { selector, base, limit, access } = state.segment(SEGMENT[name]);
      Object.assign(values, { [name]: selector, [`${name}.base`]: base, [`${name}.limit`]: limit });
      values[`${name}.access`] = access;
    }
    for (const name of ['gdtr', 'idtr'] as const)
      Object.assign(values, { [`${name}.base`]: state[name].base, [`${name}.limit`]: state[name].limit });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value >>> 0]));
  }

  /** Takes over the registers that Multiboot leaves open and the memory of the other machine: `LIBERTIES.entry`. */
  adopt(other: MachineState, memory: Uint8Array): void {
    const { machine } = this.debuggee;
    const { state } = machine.cpu;
    GENERAL.forEach((name, index) => state.setRegister32(index, other[name] ?? 0));
    state.eflags = other['eflags'] ?? 2;
    for (const name of SEGMENTS) {
      const access = other[`${name}.access`] ?? 0;
      state.setSegment(SEGMENT[name], {
        selector: other[name] ?? 0,
        base: other[`${name}.base`] ?? 0,
        limit: other[`${name}.limit`] ?? 0,
        access: (access & CODE_BIT) !== 0 ? access | ACCESSED : access,
      });
    }
    for (const name of ['gdtr', 'idtr'] as const)
      state[name] = { base: other[`${name}.base`] ?? 0, limit: other[`${name}.limit`] ?? 0 };
    machine.memory.write(0, memory.subarray(0, 0xa0000));
    machine.memory.write(0x100000, memory.subarray(0x100000));
    machine.cpu.stateChanged();
  }

  save(): MachineSnapshot {
    return this.debuggee.machine.save();
  }
  restore(snapshot: MachineSnapshot): void {
    this.debuggee.machine.restore(snapshot);
    this.debuggee.machine.setBreakpoints([]);
  }
  run(instructions: number): MachineStop {
    return this.debuggee.machine.run({ maxInstructions: instructions, breakpoints: false });
  }

  /**
   * Runs to a place near `target` that another machine can find: no repeated string instruction, whose passes QEMU takes several at a
   * time, and few arrivals since now; in a long loop the place is behind the loop. Undefined when the guest ends, or `until` comes, before
   * there is one. `ended`: the guest goes no further than a few instructions behind the place.
   */
  advance(target: number, until: number): { readonly checkpoint: Checkpoint | undefined; readonly ended: boolean } {
    const start = this.count;
    const from = this.save();
    for (let first = target; ; first += target - start) {
      const ended = this.run(first - start).reason !== 'max-instructions';
      if (ended) {
        // The last checkpoint is before the end.
        first = Math.max(start, this.count - LAST_WINDOW);
        this.restore(from);
        this.run(first - start);
      }
      const candidates = this.candidates();
      this.restore(from);
      this.countArrivals(candidates);
      this.restore(from);
      const found = [...candidates.values()].filter(({ arrivals }) => arrivals > 0 && arrivals <= MOST_ARRIVALS);
      const defined = found.filter(({ undefinedFlags }) => undefinedFlags === 0);
      const [best] = (defined.length > 0 ? defined : found).sort((a, b) => a.arrivals - b.arrivals);
      if (best !== undefined) {
        this.run(best.count - start);
        return { checkpoint: best, ended };
      }
      if (ended || first >= until) return { checkpoint: undefined, ended };
    }
  }

  /** The addresses of the next instructions, each where it comes first. */
  private candidates(): Map<number, Checkpoint> {
    const found = new Map<number, Checkpoint>();
    let undefinedFlags: number = STATUS_FLAGS;
    for (let n = 0; n < WINDOW; n++) {
      const instruction = this.instruction();
      if (!isRepeated(instruction) && !found.has(this.ip))
        found.set(this.ip, { count: this.count, address: this.ip, arrivals: 0, undefinedFlags });
      undefinedFlags = undefinedAfter(instruction, undefinedFlags);
      instruction.free();
      if (this.run(1).reason !== 'max-instructions') break;
    }
    return found;
  }

  /** Counts the arrivals at the candidates up to each one's own instruction count; stops counting one that comes too often. */
  private countArrivals(candidates: Map<number, Checkpoint>): void {
    const { machine } = this.debuggee;
    const last = Math.max(...[...candidates.values()].map(({ count }) => count));
    const open = new Set(candidates.keys());
    machine.setBreakpoints(open);
    while (this.count <= last && open.size > 0) {
      if (machine.run({ maxInstructions: last + 1 - this.count }).reason !== 'breakpoint') break;
      const place = candidates.get(this.ip);
      if (place === undefined || this.count > place.count) continue;
      const arrivals = place.arrivals + 1;
      candidates.set(this.ip, { ...place, arrivals });
      if (arrivals > MOST_ARRIVALS && open.delete(this.ip)) machine.setBreakpoints(open);
    }
    machine.setBreakpoints([]);
  }

  /** The instruction at EIP. The caller frees it. */
  instruction(): iced.Instruction {
    const { target } = this.debuggee;
    const decoder = new iced.Decoder(
      target.codeSize,
      target.read('linear', target.instructionAddress, LONGEST_INSTRUCTION),
      iced.DecoderOptions.None,
    );
    decoder.ip = BigInt(this.ip);
    const instruction = decoder.decode();
    decoder.free();
    return instruction;
  }
}

export function isRepeated(instruction: iced.Instruction): boolean {
  return instruction.isStringInstruction && (instruction.hasRepPrefix || instruction.hasRepnePrefix);
}

/** Flags that may be undefined after an instruction, by iced-x86's tables. */
export function undefinedAfter(instruction: iced.Instruction, before: number): number {
  const [modified, open] = [instruction.rflagsModified, instruction.rflagsUndefined];
  let flags = before;
  for (const [bit, flag] of FLAGS) {
    if ((modified & bit) !== 0) flags &= ~flag;
    if ((open & bit) !== 0) flags |= flag;
  }
  return flags;
}
