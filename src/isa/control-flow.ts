import { CONDITIONS } from './conditions.ts';
import { describe, REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value } from './value.ts';

const ends = { endsBlock: true };

/** Where a near JMP or CALL goes: a relative target, or the operand's value. */
function nearTarget(i: Instruction<OperandSize>): Value {
  return i.operands[0]?.kind === 't' ? i.binding.target() : i.destination.read();
}

/**
 * #GP(0) at a near transfer that is taken out of the code segment (SDM 2, JMP). Engines that do not know a relative target
 * while they build the instruction leave such a jump to the evaluator (`CodeBlock.leavesSegment`).
 */
function requireInside(i: Instruction<OperandSize>, to: Value, taken: Value<1> = constant(1, 1)): void {
  if (to.node.kind === 'field') return;
  const limit = i.state('code-limit');
  const target = to.zeroExtend(32);
  i.raise(taken.and(limit.ltu(target)), 13, constant(32, 0), 'the target is past the CS limit', { target, limit });
}

function jump(i: Instruction<OperandSize>, to: Value): void {
  requireInside(i, to);
  i.jump(to);
}

function branch(i: Instruction<OperandSize>, condition: Value<1>): void {
  requireInside(i, i.binding.target(), condition);
  i.branch(condition);
}

/** Far pointer in memory: offset, then selector. */
function farPointer(i: Instruction<OperandSize>): readonly [Value, Value] {
  if (i.operands[0]?.kind !== 'm') return [i.binding.immediate2(16), i.binding.immediate(32)];
  const size = i.width;
  const offset = i.load(i.binding.segment(), i.binding.address(), size);
  const selector = i.load(i.binding.segment(), i.binding.address().add(size / 8), 16);
  return [selector, offset.zeroExtend(32)];
}

const loop =
  (condition: ((i: Instruction<OperandSize>) => Value<1>) | undefined) =>
  (i: Instruction<OperandSize>): void => {
    const count = i.register(REGISTER.cx, i.binding.addressWidth).sub(1);
    i.setRegister(REGISTER.cx, count);
    const again = count.ne(0);
    branch(i, condition === undefined ? again : again.and(condition(i)));
  };

/** Near and far transfers, loops, software interrupts. */
export const CONTROL_FLOW: readonly Description[] = [
  describe(
    'Jmp',
    (i) => {
      if (i.binding.kinds.startsWith('f') || i.binding.kinds === 'mf') {
        const [selector, offset] = farPointer(i);
        i.transfer('far-jump', selector, offset);
      } else jump(i, nearTarget(i));
    },
    ends,
  ),
  describe(
    'Call',
    (i) => {
      if (i.binding.kinds.startsWith('f') || i.binding.kinds === 'mf') {
        const [selector, offset] = farPointer(i);
        i.transfer('far-call', selector, offset);
        return;
      }
      const to = nearTarget(i);
      i.push(i.binding.next().truncate(i.width));
      i.noteCall(i.binding.next(), i.width / 8);
      jump(i, to);
    },
    ends,
  ),
  describe(
    'Ret',
    (i) => {
      const release = i.operands.length > 0 ? i.binding.immediate(i.binding.stackWidth) : undefined;
      i.noteReturn();
      jump(i, i.pop(i.width, release));
    },
    ends,
  ),
  describe(
    'Retf',
    (i) => i.transfer('far-return', i.operands.length > 0 ? i.binding.immediate(16) : constant(16, 0)),
    ends,
  ),
  describe('Iret Iretd', (i) => i.transfer('interrupt-return'), ends),
  ...CONDITIONS.map((name, code) => describe(`J${name}`, (i) => branch(i, i.condition(code)), ends)),
  describe('Jcxz Jecxz', (i) => branch(i, i.register(REGISTER.cx, i.binding.addressWidth).eq(0)), ends),
  describe('Loop', loop(undefined), ends),
  describe(
    'Loope',
    loop((i) => i.flag('z')),
    ends,
  ),
  describe(
    'Loopne',
    loop((i) => i.flag('z').logicalNot()),
    ends,
  ),
  describe('Sysenter', (i) => i.transfer('sysenter'), ends),
  describe('Sysexit', (i) => i.transfer('sysexit'), ends),
  describe('Vmcall', (i) => i.transfer('vmcall'), ends),
  describe('Vmmcall', (i) => i.transfer('vmmcall'), ends),
  describe('Int', (i) => i.transfer('software-interrupt', i.binding.immediate(8), constant(8, 1)), ends),
  describe('Int3', (i) => i.transfer('software-interrupt', constant(8, 3)), ends),
  describe('Int1', (i) => i.transfer('debug-interrupt'), ends),
  describe(
    'Into',
    (i) => {
      i.doneIf(i.flag('o').logicalNot());
      i.transfer('software-interrupt', constant(8, 4));
    },
    ends,
  ),
  describe('Bound', (i) => {
    const index = i.destination.read();
    const lower = i.load(i.binding.segment(), i.binding.address(), i.width);
    const upper = i.load(i.binding.segment(), i.binding.address().add(i.width / 8), i.width);
    const outside = index.lts(lower).or(upper.lts(index));
    i.raise(outside, 5, undefined, 'the index is outside the bounds', { index, lower, upper });
  }),
  describe('Ud2', (i) => i.raise(constant(1, 1), 6, undefined, 'UD2 is an undefined instruction on purpose'), ends),
  describe(
    'Ud0 Ud1',
    (i) => i.raise(constant(1, 1), 6, undefined, 'UD0 and UD1 are undefined instructions on purpose'),
    ends,
  ),
];
