import { StopBefore } from '../cpu/fault.ts';
import { Emitter } from '../util/emitter.ts';
import { hex } from '../util/hex.ts';

/** One argument of a hypercall as the guest gave it. */
export interface HypercallArgument {
  readonly name: string;
  /** Unsigned. */
  readonly value: bigint;
  /** The value decoded, where hexadecimal digits say too little: "SHUTDOWN_crash". */
  readonly text?: string;
}

/** What a guest asks its hypervisor. */
export interface Hypercall {
  readonly number: number;
  /** As the interface names it, a sub-operation behind a dot: "mmu_update", "sched_op.block". */
  readonly name: string;
  readonly arguments: readonly HypercallArgument[];
  /** Linear address of the instruction that asks. */
  readonly caller: number;
}

/** A hypercall that was made. */
export interface HypercallRecord extends Hypercall {
  /** Instructions retired before it. */
  readonly instruction: number;
  /** What the guest got, unsigned; undefined for a call that does not return a value. */
  readonly result: bigint | undefined;
}

/** Which hypercalls to stop before. */
export type HypercallFilter = (call: Hypercall) => boolean;

/** What {@link HypercallLog.restore} takes back. */
export interface HypercallLogState {
  readonly counts: readonly (readonly [name: string, count: number])[];
  readonly records: readonly HypercallRecord[];
}

/** Records kept, the latest ones. */
const KEPT = 1024;

/** Every hypercall of a guest: counted, the latest ones kept, and a place to stop at. */
export class HypercallLog {
  /** After each hypercall. */
  readonly onHypercall = new Emitter<HypercallRecord>();
  /** Stops before the calls that it says; undefined stops before none. */
  stopBefore: HypercallFilter | undefined;
  private readonly instructions: () => number;
  private counted = new Map<string, number>();
  private latest: HypercallRecord[] = [];
  /** Instruction count at which the machine stopped before a call: the same call runs when it goes on. */
  private stoppedAt = -1;

  /** `instructions`: retired so far. */
  constructor(instructions: () => number) {
    this.instructions = instructions;
  }

  /** How often each hypercall was made, by name, in the order of the first. */
  get counts(): ReadonlyMap<string, number> {
    return this.counted;
  }

  /** Oldest first. */
  get records(): readonly HypercallRecord[] {
    return this.latest;
  }

  /**
   * Makes one hypercall: `run` does it and returns what the guest gets. Throws `StopBefore` without running it when somebody waits for it, and
   * what `run` throws; then nothing is recorded.
   */
  make<R extends bigint | number | undefined>(call: Hypercall, run: () => R): R {
    const instruction = this.instructions();
    if (this.stoppedAt !== instruction && this.stopBefore?.(call) === true) {
      this.stoppedAt = instruction;
      throw new StopBefore(call.name, describeHypercall(call));
    }
    const result = run();
    this.counted.set(call.name, (this.counted.get(call.name) ?? 0) + 1);
    const record = {
      ...call,
      instruction,
      result: result === undefined ? undefined : BigInt.asUintN(64, BigInt(result)),
    };
    this.latest.push(record);
    if (this.latest.length > KEPT) this.latest.shift();
    this.onHypercall.fire(record);
    return result;
  }

  save(): HypercallLogState {
    return { counts: [...this.counted], records: [...this.latest] };
  }

  /** Tells nobody. */
  restore({ counts, records }: HypercallLogState): void {
    this.counted = new Map(counts);
    this.latest = [...records];
    this.stoppedAt = -1;
  }
}

/** `sched_op.shutdown(reason=0x3 SHUTDOWN_crash)`. */
export function describeHypercall({ name, arguments: given }: Hypercall): string {
  const one = ({ name: argument, value, text }: HypercallArgument): string =>
    `${argument}=${hex(value)}${text === undefined ? '' : ` ${text}`}`;
  return `${name}(${given.map(one).join(', ')})`;
}
