/** An exception the CPU raises, with the check that failed and its operands (invariant 6). The state is as before the instruction. */
export class CpuFault extends Error {
  /** 0..31, SDM volume 3, chapter 6. */
  readonly vector: number;
  /** As pushed; undefined for vectors without one. */
  readonly errorCode: number | undefined;
  /** The check that failed, with its operands, as a sentence fragment: "CS selector 0x10: index 2 is past the GDT limit 0x0f". */
  readonly reason: string;
  /** Named operands of the check, for views and tests. */
  readonly operands: Readonly<Record<string, number>>;

  constructor(
    vector: number,
    errorCode: number | undefined,
    reason: string,
    operands: Readonly<Record<string, number>> = {},
  ) {
    super(`#${vector} ${reason}`);
    this.name = 'CpuFault';
    this.vector = vector;
    this.errorCode = errorCode;
    this.reason = reason;
    this.operands = operands;
  }
}

/** A fault of a task that was just switched to: its handler returns there, and the old task is left (SDM 3, 7.3). */
export class NewTaskFault extends CpuFault {
  /** Offset in CS of the task's first instruction. */
  readonly returnIp: number;

  constructor(fault: CpuFault, returnIp: number) {
    super(fault.vector, fault.errorCode, fault.reason, fault.operands);
    this.returnIp = returnIp;
  }
}

/** One exception as the machine recorded it. */
export interface FaultRecord {
  readonly vector: number;
  readonly errorCode: number | undefined;
  readonly reason: string;
  readonly operands: Readonly<Record<string, number>>;
  /** CS selector and offset of the instruction that faulted. */
  readonly cs: number;
  readonly ip: number;
  /** Instructions retired before it. */
  readonly instruction: number;
  /** The reason why this fault was raised while delivering the one before it in the chain; undefined for the first. */
  readonly during?: string;
}

/** What the machine does not have yet: an instruction, a mode, a device register (invariant 4). */
export class Unimplemented extends Error {
  readonly what: string;
  constructor(what: string) {
    super(what);
    this.name = 'Unimplemented';
    this.what = what;
  }
}

/** A run stops before this instruction, because somebody waits for what it asks: a hypercall. The state is as before it. */
export class StopBefore extends Error {
  /** The hypercall: "mmu_update". */
  readonly call: string;
  /** With its arguments: "mmu_update(count=0x1)". */
  readonly what: string;
  constructor(call: string, what: string) {
    super(what);
    this.name = 'StopBefore';
    this.call = call;
    this.what = what;
  }
}

/**
 * A waiting x87 instruction with an unmasked exception pending while CR0.NE is 0 and IGNNE# inactive: the CPU stands still before it
 * until an interrupt comes (SDM 1, D.2.1). The state is as before the instruction.
 */
export class NumericErrorFreeze extends Error {
  constructor() {
    super('waiting for the interrupt of an x87 exception');
    this.name = 'NumericErrorFreeze';
  }
}

/** The CPU cannot deliver a fault, nor the double fault: shutdown (SDM 3, 6.15, interrupt 8). The chain names every step. */
export class TripleFault extends Error {
  readonly chain: readonly CpuFault[];
  constructor(chain: readonly CpuFault[]) {
    super('triple fault');
    this.name = 'TripleFault';
    this.chain = chain;
  }
}
