import { describe, REGISTER, SEGMENT_REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, select, type OperandSize, type Value, type Width } from './value.ts';

const ends = { endsBlock: true };

/** The distance to the next element: down when DF is set. */
function step(i: Instruction<OperandSize>): Value {
  const bytes = i.width / 8;
  const width: Width = i.binding.addressWidth;
  return select(i.flag('d'), constant(width, -bytes), constant(width, bytes));
}

/** An index register as an address. */
function at(i: Instruction<OperandSize>, index: number): Value<32> {
  return i.register(index, i.binding.addressWidth).zeroExtend(32);
}

function advance(i: Instruction<OperandSize>, ...indexes: readonly number[]): void {
  const width = i.binding.addressWidth as Width;
  for (const index of indexes) i.setRegister(index, i.register(index, width).add(step(i)));
}

/**
 * One element per pass: with a repeat prefix the instruction jumps to itself until the count is 0, so each pass retires as one
 * instruction (as single-stepping sees it) and an interrupt or fault restarts exactly.
 */
function element(i: Instruction<OperandSize>, body: () => Value<1> | undefined, ahead?: () => void): void {
  if (i.binding.repeat === undefined) {
    body();
    return;
  }
  if (i.binding.addressWidth === 32) ahead?.();
  const count = i.register(REGISTER.cx, i.binding.addressWidth);
  i.doneIf(count.eq(0));
  const equal = body();
  i.setRegister(REGISTER.cx, count.sub(1));
  let again = count.ne(1);
  if (equal !== undefined) again = again.and(i.binding.repeat === 'rep' ? equal : equal.logicalNot());
  i.repeat(again);
}

/** MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS. */
export const STRING: readonly Description[] = [
  describe(
    'Movsb Movsw Movsd',
    (i) =>
      element(
        i,
        () => {
          const value = i.load(i.binding.segment(), at(i, REGISTER.si), i.width);
          i.store(SEGMENT_REGISTER.es, at(i, REGISTER.di), value);
          advance(i, REGISTER.si, REGISTER.di);
          return undefined;
        },
        () => i.passesAhead(i.binding.segment()),
      ),
    ends,
  ),
  describe(
    'Stosb Stosw Stosd',
    (i) =>
      element(
        i,
        () => {
          i.store(SEGMENT_REGISTER.es, at(i, REGISTER.di), i.register(REGISTER.ax, i.width));
          advance(i, REGISTER.di);
          return undefined;
        },
        () => i.passesAhead(undefined),
      ),
    ends,
  ),
  describe(
    'Lodsb Lodsw Lodsd',
    (i) =>
      element(i, () => {
        i.setRegister(REGISTER.ax, i.load(i.binding.segment(), at(i, REGISTER.si), i.width));
        advance(i, REGISTER.si);
        return undefined;
      }),
    ends,
  ),
  describe(
    'Cmpsb Cmpsw Cmpsd',
    (i) =>
      element(i, () => {
        const a = i.load(i.binding.segment(), at(i, REGISTER.si), i.width);
        const b = i.load(SEGMENT_REGISTER.es, at(i, REGISTER.di), i.width);
        i.flags('sub', a, b, a.sub(b));
        advance(i, REGISTER.si, REGISTER.di);
        return a.eq(b);
      }),
    ends,
  ),
  describe(
    'Scasb Scasw Scasd',
    (i) =>
      element(i, () => {
        const a = i.register(REGISTER.ax, i.width);
        const b = i.load(SEGMENT_REGISTER.es, at(i, REGISTER.di), i.width);
        i.flags('sub', a, b, a.sub(b));
        advance(i, REGISTER.di);
        return a.eq(b);
      }),
    ends,
  ),
  describe(
    'Insb Insw Insd',
    (i) =>
      element(i, () => {
        i.host('input-string', i.register(REGISTER.dx, 16), constant(8, i.width), at(i, REGISTER.di));
        advance(i, REGISTER.di);
        return undefined;
      }),
    ends,
  ),
  describe(
    'Outsb Outsw Outsd',
    (i) =>
      element(i, () => {
        const from = at(i, REGISTER.si);
        i.host('output-string', i.register(REGISTER.dx, 16), constant(8, i.width), i.segmentNumber(), from);
        advance(i, REGISTER.si);
        return undefined;
      }),
    ends,
  ),
];
