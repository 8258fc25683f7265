import type { Commit, HostCall, Instruction } from '../isa/instruction.ts';
import { conditionOf, flagKindCode, flagKindOf, flagOf } from '../isa/flags.ts';
import type { RegisterRef, SegmentRef, StateName, Value, Width } from '../isa/value.ts';
import { truncateTo } from '../isa/value.ts';
import { internalError } from '../util/errors.ts';
import { hex } from '../util/hex.ts';
import { CpuFault } from './fault.ts';
import * as L from './layout.ts';
import type { Mmu } from './mmu.ts';
import { plainOperand, type OperandReader } from './plain-call.ts';
import { evaluatePure } from './pure-evaluation.ts';
import { segmentToLinear } from './segmentation.ts';
import type { ShadowStack } from './shadow-stack.ts';
import { SEGMENT, type CpuState } from './state.ts';

/** Runs a system operation by name with unsigned operands. */
export type RunOperation = (name: string, operands: readonly number[]) => void;

/** What a value or effect was planned to do once every check has passed. */
type Effect = () => void;

/**
 * The plain meaning of a recorded instruction: evaluates it on the machine's own state, slowly and obviously, and raises faults
 * with their reason. Every check is made, and every value computed, before anything changes.
 */
export class ReferenceEvaluator {
  private readonly state: CpuState;
  private readonly mmu: Mmu;
  private readonly shadowStack: ShadowStack;
  private readonly runOperation: RunOperation;
  private readonly readers = new WeakMap<HostCall, readonly (OperandReader | undefined)[]>();

  constructor(state: CpuState, mmu: Mmu, shadowStack: ShadowStack, runOperation: RunOperation) {
    this.state = state;
    this.mmu = mmu;
    this.shadowStack = shadowStack;
    this.runOperation = runOperation;
  }

  /** Runs one instruction whose next one is at offset `next`. Throws {@link CpuFault} with the state unchanged. */
  execute(instruction: Instruction<Width>, next: number): void {
    const memo = new Map<Value, bigint>();
    const valueOf = (value: Value): bigint => evaluatePure(value, this.state, leaf, memo);
    const leaf = (value: Value): bigint => this.leaf(value, valueOf);
    const number = (value: Value): number => Number(valueOf(value));

    if (this.check(instruction, valueOf, memo)) {
      this.state.ip = next;
      return;
    }
    const effects: Effect[] = [];
    this.plan(instruction.commits, valueOf, effects);
    const { control } = instruction;
    const calls = instruction.hostCalls.map((call) => ({ name: call.name, operands: this.operands(call, valueOf) }));
    const transfer = control.kind === 'transfer' ? this.operands(control.operation, valueOf) : [];
    let target = next;
    if (control.kind === 'jump') target = number(control.to);
    else if (control.kind === 'branch')
      target = number(valueOf(control.condition) !== 0n ? control.to : control.otherwise);

    for (const call of calls) this.runOperation(call.name, call.operands);
    if (control.kind === 'transfer') {
      this.runOperation(control.operation.name, transfer);
      return;
    }
    for (const effect of effects) effect();
    this.state.ip = target;
  }

  /** Makes the checks in order; true when the instruction is complete without effects. */
  private check(instruction: Instruction<Width>, valueOf: (value: Value) => bigint, memo: Map<Value, bigint>): boolean {
    for (const check of instruction.checks) {
      switch (check.kind) {
        case 'load':
          memo.set(check.value, this.load(check.value, valueOf));
          break;
        case 'passes':
          memo.set(check.made, 0n);
          break;
        case 'done-if':
          if (valueOf(check.condition) !== 0n) return true;
          break;
        case 'raise':
          if (valueOf(check.when) === 0n) {
            this.state.trace?.passed('operand', `not so: ${check.reason}${this.operandText(check.operands, valueOf)}`);
          } else {
            const operands = Object.entries(check.operands).map(
              ([name, value]) => [name, Number(valueOf(value))] as const,
            );
            const errorCode = check.errorCode === undefined ? undefined : Number(valueOf(check.errorCode));
            throw new CpuFault(check.vector, errorCode, check.reason, Object.fromEntries(operands));
          }
      }
    }
    return false;
  }

  private operandText(operands: Readonly<Record<string, Value>>, valueOf: (value: Value) => bigint): string {
    const parts = Object.entries(operands).map(([name, value]) => `${name} ${hex(valueOf(value))}`);
    return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  }

  /** The operands of a system operation; most need no evaluation. */
  private operands(call: HostCall, valueOf: (value: Value) => bigint): number[] {
    let readers = this.readers.get(call);
    if (readers === undefined) {
      readers = call.operands.map(plainOperand);
      this.readers.set(call, readers);
    }
    const { view } = this.state;
    return call.operands.map((operand, n) => readers[n]?.(view) ?? Number(valueOf(operand)));
  }

  private leaf(value: Value, valueOf: (value: Value) => bigint): bigint {
    const { node, width } = value;
    const { view } = this.state;
    const record = flagKindOf(view.getUint32(L.FLAG_KIND, true));
    switch (node.kind) {
      case 'register':
        return this.register(node.register, width);
      case 'condition':
        return valueOf(conditionOf(node.code, record.kind, record.width));
      case 'flag':
        if (node.flag === 'd') return BigInt((this.state.systemFlags >>> 10) & 1);
        return valueOf(flagOf(node.flag, record.kind, record.width));
      case 'eflags':
        return BigInt(this.state.eflags);
      case 'selector': {
        const segment = L.SEGMENTS + Number(valueOf(node.index)) * L.SEGMENT_SIZE;
        return BigInt(view.getUint32(segment + L.SEGMENT_SELECTOR, true));
      }
      case 'state':
        return BigInt(this.stateWord(node.name));
      default:
        throw internalError(`an unbound ${node.kind} in the reference evaluator`);
    }
  }

  private register(register: RegisterRef, width: Width): bigint {
    if (register.index === undefined) throw internalError('an unbound register in the reference evaluator');
    const raw = this.state.view.getBigUint64(L.REGISTERS + register.index * 8, true);
    return truncateTo(width, register.high ? raw >> 8n : raw);
  }

  private stateWord(name: StateName): number {
    const { state } = this;
    switch (name) {
      case 'privilege':
        return state.cpl;
      case 'cr0':
        return state.control(0);
      case 'cr4':
        return state.control(4);
      case 'code-limit':
        return state.segment(SEGMENT.cs).limit;
      case 'gdtr-base':
        return state.gdtr.base;
      case 'gdtr-limit':
        return state.gdtr.limit;
      case 'idtr-base':
        return state.idtr.base;
      case 'idtr-limit':
        return state.idtr.limit;
    }
  }

  private linear(
    segment: SegmentRef,
    offset: Value,
    bytes: number,
    write: boolean,
    valueOf: (value: Value) => bigint,
  ): number {
    if (segment === 'field') throw internalError('an unbound segment in the reference evaluator');
    return segmentToLinear(this.state, segment, Number(valueOf(offset)), bytes, write);
  }

  private load(value: Value, valueOf: (value: Value) => bigint): bigint {
    const { node, width } = value;
    if (node.kind !== 'load') throw internalError(`a check of a ${node.kind}`);
    const write = node.access.readModifyWrite;
    const bytes = width / 8;
    const linear = this.linear(node.segment, node.offset, bytes, false, valueOf);
    if (write) {
      this.linear(node.segment, node.offset, bytes, true, valueOf);
      this.mmu.probeWrite(linear, bytes);
    }
    if (width !== 64) return BigInt(this.mmu.read(linear, width as 8 | 16 | 32));
    return BigInt(this.mmu.read(linear, 32)) | (BigInt(this.mmu.read((linear + 4) >>> 0, 32)) << 32n);
  }

  private probe(segment: SegmentRef, offset: Value, width: Width, valueOf: (value: Value) => bigint): number {
    const linear = this.linear(segment, offset, width / 8, true, valueOf);
    this.mmu.probeWrite(linear, width / 8);
    return linear;
  }

  private store(linear: number, width: Width, value: bigint): void {
    if (width !== 64) return this.mmu.write(linear, width as 8 | 16 | 32, Number(value));
    this.mmu.write(linear, 32, Number(BigInt.asUintN(32, value)));
    this.mmu.write((linear + 4) >>> 0, 32, Number(value >> 32n));
  }

  private plan(commits: readonly Commit[], valueOf: (value: Value) => bigint, effects: Effect[]): void {
    for (const commit of commits) {
      switch (commit.kind) {
        case 'when':
          if (valueOf(commit.condition) !== 0n) this.plan(commit.body, valueOf, effects);
          break;
        case 'store': {
          const { width } = commit.value;
          const linear = this.probe(commit.segment, commit.offset, width, valueOf);
          const value = valueOf(commit.value);
          effects.push(() => this.store(linear, width, value));
          break;
        }
        case 'register': {
          const value = valueOf(commit.value);
          effects.push(() => this.setRegister(commit.register, commit.value.width, value));
          break;
        }
        case 'flags': {
          const code = flagKindCode(commit.flags, commit.width);
          const a = valueOf(commit.a);
          const b = commit.b === undefined ? undefined : valueOf(commit.b);
          const result = valueOf(commit.result);
          effects.push(() => this.setFlagRecord(code, a, b, result));
          break;
        }
        case 'eflags': {
          const image = Number(valueOf(commit.value));
          effects.push(() => (this.state.eflags = image));
          break;
        }
        case 'pass': {
          const again = valueOf(commit.again) !== 0n;
          effects.push(() => (this.state.repeating = again));
          break;
        }
        case 'shadow-enter': {
          const returnAddress = Number(valueOf(commit.returnAddress));
          const stackOffset = Number(valueOf(commit.stackOffset));
          effects.push(() => this.shadowStack.enter(returnAddress, stackOffset));
          break;
        }
        case 'shadow-leave': {
          const stackOffset = Number(valueOf(commit.stackOffset));
          effects.push(() => this.shadowStack.leave(stackOffset));
        }
      }
    }
  }

  private setRegister(register: RegisterRef, width: Width, value: bigint): void {
    if (register.index === undefined) throw internalError('an unbound register in the reference evaluator');
    const at = L.REGISTERS + register.index * 8 + (register.high ? 1 : 0);
    const { view } = this.state;
    if (width === 8) view.setUint8(at, Number(value));
    else if (width === 16) view.setUint16(at, Number(value), true);
    else view.setUint32(at, Number(value), true);
  }

  private setFlagRecord(code: number, a: bigint, b: bigint | undefined, result: bigint): void {
    const { view } = this.state;
    view.setUint32(L.FLAG_KIND, code, true);
    view.setBigUint64(L.FLAG_A, a, true);
    if (b !== undefined) view.setBigUint64(L.FLAG_B, b, true);
    view.setBigUint64(L.FLAG_RESULT, result, true);
  }
}
