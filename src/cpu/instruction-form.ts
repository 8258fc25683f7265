import { Instruction, type Binding, type Commit, type Description, type Repeat } from '../isa/instruction.ts';
import {
  constant,
  Value,
  type Field,
  type OperandSize,
  type RegisterRef,
  type SegmentRef,
  type StateName,
  type Width,
} from '../isa/value.ts';

/**
 * A form is everything about an instruction except its operands' values: description, widths, operand kinds, prefixes,
 * address and stack width. The interpreter has one handler for each.
 */
export interface InstructionForm {
  /** Unique; names the handler. */
  readonly key: string;
  readonly description: Description;
  readonly width: Width;
  readonly operandWidths: readonly Width[];
  readonly kinds: string;
  readonly repeat: Repeat | undefined;
  readonly addressWidth: 16 | 32;
  readonly stackWidth: 16 | 32;
  /** POP to memory at ESP, whose address follows the pop. */
  readonly baseIsStackPointer: boolean;
  /** Only the reference evaluator runs it. */
  readonly slow: boolean;
  readonly accessesMemory: boolean;
}

export type FormParts = Omit<InstructionForm, 'key' | 'slow' | 'accessesMemory' | 'baseIsStackPointer'> & {
  readonly baseIsStackPointer?: boolean;
};

/** Names a form and finds out whether generated code may run it. */
export function makeForm(parts: FormParts): InstructionForm {
  const widths = [parts.width, ...parts.operandWidths].join('.');
  const { baseIsStackPointer = false } = parts;
  const modes = `${parts.repeat ?? ''} a${parts.addressWidth} s${parts.stackWidth}${baseIsStackPointer ? ' sp' : ''}`;
  const key = `${parts.description.mnemonics[0] ?? ''} ${widths} ${parts.kinds} ${modes}`;
  const form = { ...parts, baseIsStackPointer, key, slow: true, accessesMemory: true };
  if (parts.description.slow) return form;
  const instruction = recordWithFields(form);
  return { ...form, slow: needsEvaluator(instruction), accessesMemory: accessesMemory(instruction) };
}

function accessesMemory({ checks, commits }: Instruction<Width>): boolean {
  const stores = (commit: Commit): boolean =>
    commit.kind === 'store' || (commit.kind === 'when' && commit.body.some(stores));
  return checks.some((check) => check.kind === 'load') || commits.some(stores);
}

/** Host calls and second faulting stores need the evaluator, which checks everything before it changes anything. */
function needsEvaluator(instruction: Instruction<Width>): boolean {
  if (instruction.hostCalls.length > 0 || instruction.control.kind === 'transfer') return true;
  const faulting = (commits: readonly Commit[]): number =>
    commits.reduce((total, commit) => {
      if (commit.kind === 'when') return total + 2 * faulting(commit.body);
      return total + (commit.kind === 'store' && commit.access?.readModifyWrite !== true ? 1 : 0);
    }, 0);
  return faulting(instruction.commits) > 1;
}

/** An instruction's operands: what the micro-op fields hold. */
export interface BoundOperands {
  /** Offset of the instruction in CS, and its length in bytes. */
  readonly ip: number;
  readonly length: number;
  readonly registers: readonly RegisterRef[];
  /** Numbers of the x87 stack, MMX and XMM register operands, in operand order. */
  readonly vectors: readonly number[];
  /** Register index in encoding order, or -1. */
  readonly base: number;
  readonly index: number;
  /** Log2 of the scale. */
  readonly scale: number;
  readonly displacement: number;
  readonly segment: number;
  readonly immediate: number;
  readonly immediate2: number;
  readonly target: number;
}

/** Records the description with operands that are fields of the micro-op. */
export function recordWithFields(form: InstructionForm): Instruction<Width> {
  return record(form, new FieldBinding(form));
}

/** Records the description with the operands known, and with the CS limit where that is known too. */
export function recordWithOperands(
  form: InstructionForm,
  operands: BoundOperands,
  codeLimit?: number,
): Instruction<Width> {
  return record(form, new OperandBinding(form, operands, codeLimit));
}

function record(form: InstructionForm, binding: Binding): Instruction<Width> {
  const instruction = new Instruction<Width>(binding, form.width, form.operandWidths);
  form.description.describe(instruction as unknown as Instruction<OperandSize>);
  return instruction;
}

/** A 16-bit address wraps at 64 KiB (SDM 1, 3.3.7). */
const wrap = (form: InstructionForm, address: Value<32>): Value<32> =>
  form.addressWidth === 16 ? address.and(0xffff) : address;

class FieldBinding implements Binding {
  readonly kinds: string;
  readonly repeat: Repeat | undefined;
  readonly stackWidth: 16 | 32;
  readonly addressWidth: 16 | 32;
  readonly baseIsStackPointer: boolean;
  private readonly form: InstructionForm;

  constructor(form: InstructionForm) {
    this.form = form;
    this.kinds = form.kinds;
    this.repeat = form.repeat;
    this.stackWidth = form.stackWidth;
    this.addressWidth = form.addressWidth;
    this.baseIsStackPointer = form.baseIsStackPointer;
  }
  private field<W extends Width>(width: W, field: Field): Value<W> {
    return new Value(width, { kind: 'field', field });
  }
  register(slot: 0 | 1): RegisterRef {
    return { slot };
  }
  immediate(width: Width): Value {
    return this.field(width, 'immediate');
  }
  immediate2(width: Width): Value {
    // Only slow forms have a second immediate; they are never lowered.
    return constant(width, 0);
  }
  vector(): Value<8> {
    // Only slow forms have such operands; they are never lowered.
    return constant(8, 0);
  }
  address(): Value<32> {
    const base = new Value(32, { kind: 'address-register', role: 'base' });
    const index = new Value(32, { kind: 'address-register', role: 'index' });
    const scale = this.field(8, 'scale').zeroExtend(32);
    return wrap(this.form, base.add(this.field(32, 'displacement')).add(index.shl(scale)));
  }
  segment(): SegmentRef {
    return 'field';
  }
  target(): Value<32> {
    return this.field(32, 'target');
  }
  next(): Value<32> {
    return this.field(32, 'next');
  }
  self(): Value<32> {
    return this.field(32, 'self');
  }
  known(): undefined {
    return undefined;
  }
}

class OperandBinding implements Binding {
  readonly kinds: string;
  readonly repeat: Repeat | undefined;
  readonly stackWidth: 16 | 32;
  readonly addressWidth: 16 | 32;
  readonly baseIsStackPointer: boolean;
  private readonly form: InstructionForm;
  private readonly operands: BoundOperands;
  private readonly codeLimit: number | undefined;

  constructor(form: InstructionForm, operands: BoundOperands, codeLimit: number | undefined) {
    this.form = form;
    this.operands = operands;
    this.codeLimit = codeLimit;
    this.kinds = form.kinds;
    this.repeat = form.repeat;
    this.stackWidth = form.stackWidth;
    this.addressWidth = form.addressWidth;
    this.baseIsStackPointer = form.baseIsStackPointer;
  }
  register(slot: 0 | 1): RegisterRef {
    // A slot that no operand uses is never read.
    return this.operands.registers[slot] ?? { index: 0, high: false };
  }
  immediate(width: Width): Value {
    return constant(width, this.operands.immediate);
  }
  immediate2(width: Width): Value {
    return constant(width, this.operands.immediate2);
  }
  vector(slot: 0 | 1): Value<8> {
    return constant(8, this.operands.vectors[slot] ?? 0);
  }
  address(): Value<32> {
    const { base, index, scale, displacement } = this.operands;
    const register = (number: number): Value<32> =>
      new Value(32, { kind: 'register', register: { index: number, high: false } });
    const width = this.form.addressWidth;
    const part = (number: number): Value<32> => register(number).truncate(width).zeroExtend(32);
    let address: Value<32> = constant(32, displacement);
    if (index >= 0) address = part(index).shl(scale).add(address);
    if (base >= 0) address = part(base).add(address);
    return wrap(this.form, address);
  }
  segment(): SegmentRef {
    return this.operands.segment;
  }
  target(): Value<32> {
    return constant(32, this.operands.target);
  }
  next(): Value<32> {
    return constant(32, this.operands.ip + this.operands.length);
  }
  self(): Value<32> {
    return constant(32, this.operands.ip);
  }
  known(name: StateName): Value<32> | undefined {
    return name === 'code-limit' && this.codeLimit !== undefined ? constant(32, this.codeLimit) : undefined;
  }
}
