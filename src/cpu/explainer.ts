import { InstructionDecoder, LONGEST_INSTRUCTION, type DecodedInstruction } from './decoder.ts';
import { CheckTrace, type CheckStep } from './check-trace.ts';
import type { AccessWidth, CpuBus, CpuContext } from './context.ts';
import { CpuFault, TripleFault, Unimplemented } from './fault.ts';
import {
  readRegisters,
  readWideRegisters,
  registerChanges,
  wideChanges,
  wideRegisters,
  type RegisterChange,
  type WideChange,
  type WideRegister,
} from './explained-registers.ts';
import { recordWithOperands } from './instruction-form.ts';
import * as L from './layout.ts';
import { memoryOperations } from './memory-operations.ts';
import { Mmu } from './mmu.ts';
import { ReferenceEvaluator } from './reference-evaluator.ts';
import type { RegisterUse } from './register-use.ts';
import { ShadowStack } from './shadow-stack.ts';
import { ACCESS, SEGMENT, type CpuState } from './state.ts';
import { raiseException } from './system/exception.ts';
import type { SystemOperations } from './system/operation.ts';
import { systemOperations } from './system/system-operations.ts';
import { hex } from '../util/hex.ts';
import { VECTOR } from '../x86/exceptions.ts';

/** A change of guest memory that the instruction would make. */
export interface MemoryChange {
  readonly physical: number;
  readonly width: AccessWidth;
  readonly before: number;
  readonly after: number;
}

/** How the instruction would end. */
export type ExplainedOutcome =
  /** `ip`: offset in CS of the next instruction. */
  | { readonly kind: 'completes'; readonly ip: number }
  /** `chain`: as `raiseException` gives it; `ip` is undefined when the CPU would shut down. */
  | { readonly kind: 'faults'; readonly chain: readonly CpuFault[]; readonly ip: number | undefined }
  /** It would ask a device, which looking must not do: what follows depends on the answer. */
  | { readonly kind: 'device'; readonly access: string }
  | { readonly kind: 'unimplemented'; readonly what: string };

/** What one instruction would do, and every check on the way. */
export interface InstructionExplanation {
  readonly steps: readonly CheckStep[];
  readonly outcome: ExplainedOutcome;
  /** In the order of the writes, accessed and dirty bits included. */
  readonly memory: readonly MemoryChange[];
  readonly registers: readonly RegisterChange[];
  /** x87, MMX and XMM registers: those that it reads, and those that would change. */
  readonly wideOperands: readonly WideRegister[];
  readonly wideChanges: readonly WideChange[];
}

/** Where the registers end; what lies behind is not touched by an explanation. */
const REGISTERS_END = L.SHADOW_STACK + L.SHADOW_ENTRIES * L.SHADOW_ENTRY_SIZE;

/** The instruction would reach a device. */
class DeviceReached extends Error {
  readonly access: string;
  constructor(access: string) {
    super(access);
    this.access = access;
  }
}

/** A bus that nobody answers, because looking must not touch a device (invariant 5). */
const SILENT_BUS: CpuBus = {
  portRead: (port, width) => reach(`reads ${width} bits from port ${hex(port)}`),
  portWrite: (port, width, value) => reach(`writes ${hex(value)} (${width} bits) to port ${hex(port)}`),
  memoryRead: (physical, width) => reach(`reads ${width} bits at phys:${hex(physical, 8)}, where no RAM is`),
  memoryWrite: (physical, width, value) =>
    reach(`writes ${hex(value)} (${width} bits) at phys:${hex(physical, 8)}, where no RAM is`),
  timeStamp: () => reach('reads the time stamp counter'),
  numericError: (asserted) => asserted && reach('asserts FERR#'),
};

function reach(access: string): never {
  throw new DeviceReached(access);
}

/** The machine's memory, with every write remembered and no translation kept. */
class ObservingMmu extends Mmu {
  readonly changes: MemoryChange[] = [];
  private readonly real: Mmu;

  constructor(state: CpuState, real: Mmu) {
    super(state, SILENT_BUS);
    this.real = real;
    this.alwaysMiss = true;
  }

  override isRam(physical: number, bytes: number): boolean {
    return this.real.isRam(physical, bytes);
  }

  override writePhysical(physical: number, width: AccessWidth, value: number): void {
    const before = this.isRam(physical, width / 8) ? this.readPhysical(physical, width) : 0;
    super.writePhysical(physical, width, value);
    if (before !== value) this.changes.push({ physical, width, before, after: value });
  }

  /** Makes memory what it was. */
  undo(): void {
    for (const { physical, width, before } of this.changes.toReversed()) super.writePhysical(physical, width, before);
  }
}

/**
 * Runs the instruction at offset `ip` of CS for its checks and effects alone: no device is asked, and registers, memory and
 * translations are as before when it returns.
 */
export function explainInstruction(state: CpuState, mmu: Mmu, ip = state.ip): InstructionExplanation {
  const saved = state.bytes.slice(0, REGISTERS_END);
  const observing = new ObservingMmu(state, mmu);
  const trace = new CheckTrace();
  const before = readRegisters(state);
  const wideBefore = readWideRegisters(state);
  state.ip = ip;
  state.trace = trace;
  try {
    const { outcome, use } = run(state, observing);
    return {
      steps: trace.steps,
      outcome,
      memory: observing.changes,
      registers: registerChanges(before, readRegisters(state)),
      wideOperands: wideRegisters(wideBefore, use.read),
      wideChanges: wideChanges(wideBefore, readWideRegisters(state), use.mmx),
    };
  } finally {
    state.trace = undefined;
    observing.undo();
    state.bytes.set(saved);
  }
}

function run(state: CpuState, memory: ObservingMmu): { outcome: ExplainedOutcome; use: RegisterUse } {
  let use: RegisterUse = { read: [], mmx: false };
  const outcome = outcomeOf(state, memory, (instruction) => (use = instruction));
  return { outcome, use };
}

/** `fetched` is told what the instruction uses, whether it completes or not. */
function outcomeOf(state: CpuState, memory: ObservingMmu, fetched: (use: RegisterUse) => void): ExplainedOutcome {
  const { ip } = state;
  try {
    try {
      const { decoded, use } = fetch(state, memory);
      fetched(use);
      execute(state, memory, decoded);
      return { kind: 'completes', ip: state.ip };
    } catch (error) {
      if (!(error instanceof CpuFault)) throw error;
      if (state.trace?.steps.at(-1)?.passed !== false) state.trace?.failed('operand', error.reason);
      const chain = raiseException(contextOf(state, memory, undefined), error, ip);
      return { kind: 'faults', chain, ip: state.ip };
    }
  } catch (error) {
    if (error instanceof DeviceReached) return { kind: 'device', access: error.access };
    if (error instanceof Unimplemented) return { kind: 'unimplemented', what: error.what };
    if (error instanceof TripleFault) return { kind: 'faults', chain: error.chain, ip: undefined };
    throw error;
  }
}

/** Reads and decodes the instruction at the instruction pointer; raises what the fetch raises. */
function fetch(state: CpuState, memory: ObservingMmu): { decoded: DecodedInstruction; use: RegisterUse } {
  const { ip } = state;
  const cs = state.segment(SEGMENT.cs);
  const codeSize = (cs.access & ACCESS.big) !== 0 ? 32 : 16;
  const stackWidth = (state.segment(SEGMENT.ss).access & ACCESS.big) !== 0 ? 32 : 16;
  const first = (cs.base + ip) >>> 0;
  const bytes: number[] = [];
  let physical = memory.translate(first, 'fetch');
  for (;;) {
    const linear = (first + bytes.length) >>> 0;
    if (bytes.length > 0 && (linear & 0xfff) === 0) physical = memory.translate(linear, 'fetch');
    bytes.push(memory.readPhysical(physical++, 8));
    const decoder = new InstructionDecoder(state.model);
    const open = decoder.open(Uint8Array.from(bytes), ip, { codeSize, stackWidth });
    const decoded = decoder.next(open, ip, { codeSize, stackWidth });
    open.free();
    if ('problem' in decoded) {
      if (decoded.problem === 'truncated' && bytes.length < LONGEST_INSTRUCTION) continue;
      throw new Unimplemented(`instruction ${decoded.name}`);
    }
    const last = ip + decoded.length - 1;
    const place = `CS ${hex(cs.selector, 4)}: ${decoded.length} bytes of instruction at ${hex(ip)}`;
    if (last > cs.limit) throw new CpuFault(VECTOR.GP, 0, `${place} pass the limit ${hex(cs.limit)}`);
    state.trace?.passed('fetch', `${place} are inside 0x0 … ${hex(cs.limit)}`);
    return { decoded, use: decoder.registerUse() };
  }
}

function execute(state: CpuState, memory: ObservingMmu, decoded: DecodedInstruction): void {
  const operations: SystemOperations = { ...systemOperations, ...memoryOperations(systemOperations) };
  const context = contextOf(state, memory, decoded);
  const evaluator = new ReferenceEvaluator(state, memory, new ShadowStack(state), (name, operands) => {
    operations[name]?.(context, operands);
  });
  evaluator.execute(recordWithOperands(decoded.form, decoded), context.instruction.next);
}

function contextOf(state: CpuState, memory: ObservingMmu, decoded: DecodedInstruction | undefined): CpuContext {
  const ip = decoded?.ip ?? state.ip;
  const nothing = (): void => undefined;
  return {
    state,
    memory,
    bus: SILENT_BUS,
    calls: new ShadowStack(state),
    instruction: {
      ip,
      next: (ip + (decoded?.length ?? 0)) >>> 0,
      operandSize: decoded?.form.width === 16 ? 16 : 32,
    },
    flushTranslations: nothing,
    invalidatePage: nothing,
    debugRegistersChanged: nothing,
    codeContextChanged: nothing,
    halt: nothing,
    attention: nothing,
  };
}
