import { internalError } from '../util/errors.ts';
import type { Instruction } from '../isa/instruction.ts';
import type { Width } from '../isa/value.ts';
import type { CpuContext } from './context.ts';
import type { DebugEvents } from './debug-events.ts';
import type { DecodedInstruction } from './decoder.ts';
import { recordWithOperands } from './instruction-form.ts';
import { memoryOperations } from './memory-operations.ts';
import type { Mmu } from './mmu.ts';
import { plainCall, type OperandReader } from './plain-call.ts';
import { ReferenceEvaluator } from './reference-evaluator.ts';
import type { SystemOperation, SystemOperations } from './system/operation.ts';
import { SEGMENT } from './state.ts';
import { systemOperations } from './system/system-operations.ts';

/** What an operation means besides its effect. */
type OperationKind = 'plain' | 'port' | 'interrupt' | 'interrupt-return';

const KINDS: Readonly<Record<string, OperationKind>> = {
  'port-in': 'port',
  'port-out': 'port',
  'input-string': 'port',
  'output-string': 'port',
  'software-interrupt': 'interrupt',
  'debug-interrupt': 'interrupt',
  'interrupt-return': 'interrupt-return',
};

interface Operation {
  readonly run: SystemOperation;
  readonly kind: OperationKind;
}

/** How an instruction is run, found out when it is first met. */
interface ExecutionPlan {
  readonly place: CpuContext['instruction'];
  readonly recorded: Instruction<Width>;
  /** Where the instruction is a plain call: its operation, the readers of its operands, and room for them. */
  readonly operation: Operation | undefined;
  readonly readers: readonly OperandReader[];
  readonly operands: number[];
  readonly transfers: boolean;
}

/** Runs single instructions with the reference evaluator and the system operations. */
export class InstructionExecution {
  /** The instruction that runs, or ran last. */
  place: CpuContext['instruction'] = { ip: 0, next: 0, operandSize: 32 };
  /** Its linear address. */
  linear = 0;
  /** The last instruction entered an interrupt handler: TF traps nothing then, because the handler runs with TF clear (SDM 3, 17.3.1.4). */
  interrupted = false;
  /** DR6 bits of the breakpoints on ports that the last instruction met. */
  portHits = 0;

  private readonly cpu: CpuContext;
  private readonly debug: DebugEvents;
  private readonly onInterruptReturn: () => void;
  private readonly evaluator: ReferenceEvaluator;
  private readonly operations: ReadonlyMap<string, Operation>;
  private readonly plans = new WeakMap<DecodedInstruction, ExecutionPlan>();

  constructor(cpu: CpuContext, memory: Mmu, debug: DebugEvents, onInterruptReturn: () => void) {
    this.cpu = cpu;
    this.debug = debug;
    this.onInterruptReturn = onInterruptReturn;
    const all: SystemOperations = { ...systemOperations, ...memoryOperations(systemOperations) };
    this.operations = new Map(
      Object.entries(all).map(([name, run]) => [name, { run, kind: KINDS[name] ?? 'plain' }] as const),
    );
    this.evaluator = new ReferenceEvaluator(cpu.state, memory, cpu.calls, (name, operands) =>
      this.operate(this.operation(name), operands),
    );
  }

  /** Runs one instruction. Throws `CpuFault` and `Unimplemented` with the state unchanged. */
  run(decoded: DecodedInstruction): void {
    let plan = this.plans.get(decoded);
    if (plan === undefined) {
      plan = this.plan(decoded);
      this.plans.set(decoded, plan);
    }
    this.place = plan.place;
    this.linear = (this.cpu.state.segmentBase(SEGMENT.cs) + plan.place.ip) >>> 0;
    this.interrupted = false;
    this.portHits = 0;
    const { operation, readers, operands } = plan;
    if (operation === undefined) return this.evaluator.execute(plan.recorded, plan.place.next);
    const { state } = this.cpu;
    for (let n = 0; n < readers.length; n++) operands[n] = readers[n]?.(state.view) ?? 0;
    this.operate(operation, operands);
    if (!plan.transfers) state.ip = plan.place.next;
  }

  private plan(decoded: DecodedInstruction): ExecutionPlan {
    const { ip, length, form } = decoded;
    const recorded = recordWithOperands(form, decoded);
    const call = plainCall(recorded);
    return {
      place: { ip, next: (ip + length) >>> 0, operandSize: form.width === 16 ? 16 : 32 },
      recorded,
      operation: call === undefined ? undefined : this.operation(call.name),
      readers: call?.operands ?? [],
      operands: (call?.operands ?? []).map(() => 0),
      transfers: call?.transfers === true,
    };
  }

  private operation(name: string): Operation {
    const operation = this.operations.get(name);
    if (operation === undefined) throw internalError(`no system operation "${name}"`);
    return operation;
  }

  private operate({ run, kind }: Operation, operands: readonly number[]): void {
    run(this.cpu, operands);
    if (kind === 'port') this.portHits = this.debug.portHits(operands[0] ?? 0, (operands[1] ?? 8) / 8);
    else if (kind === 'interrupt') this.interrupted = true;
    else if (kind === 'interrupt-return') this.onInterruptReturn();
  }
}
