import { describe, REGISTER, type Description, type Instruction } from './instruction.ts';
import { type OperandSize, type Value, type Width } from './value.ts';

/** Divide error, SDM 3, 6.15. */
const DIVIDE_ERROR = 0;

const twice = (width: Width): Width => (width * 2) as Width;

/** The double-width accumulator: AX, DX:AX or EDX:EAX. */
function accumulator(i: Instruction<OperandSize>): Value {
  if (i.width === 8) return i.register(REGISTER.ax, 16);
  const double = twice(i.width);
  const high = i.register(REGISTER.dx, i.width).zeroExtend(double).shl(i.width);
  return high.or(i.register(REGISTER.ax, i.width).zeroExtend(double));
}

function setAccumulator(i: Instruction<OperandSize>, low: Value, high: Value): void {
  if (i.width === 8) return i.setRegister(REGISTER.ax, low.zeroExtend(16).or(high.zeroExtend(16).shl(8)));
  i.setRegister(REGISTER.ax, low);
  i.setRegister(REGISTER.dx, high);
}

export const MULTIPLY_DIVIDE: readonly Description[] = [
  describe('Mul', (i) => {
    const double = twice(i.width);
    const product = i.register(REGISTER.ax, i.width).zeroExtend(double).mul(i.destination.read().zeroExtend(double));
    const high = product.shr(i.width).truncate(i.width);
    const low = product.truncate(i.width);
    const significant = high.ne(0);
    setAccumulator(i, low, high);
    i.flagBits(low, significant, significant);
  }),
  describe('Imul', (i) => {
    const double = twice(i.width);
    const count = i.operands.length;
    const a = count === 1 ? i.register(REGISTER.ax, i.width) : i.operandAt(count - 2, i.width).read();
    const b = i.operandAt(count - 1, i.width).read();
    const product = a.signExtend(double).mul(b.signExtend(double));
    const low = product.truncate(i.width);
    const truncated = low.signExtend(double).ne(product);
    if (count === 1) setAccumulator(i, low, product.shr(i.width).truncate(i.width));
    else i.destination.write(low);
    i.flagBits(low, truncated, truncated);
  }),
  describe('Div', (i) => {
    const double = twice(i.width);
    const dividend = accumulator(i);
    const divisor = i.destination.read().zeroExtend(double);
    i.raise(divisor.eq(0), DIVIDE_ERROR, undefined, 'division by zero', { dividend });
    const quotient = dividend.divu(divisor);
    const largest = dividend.like((1n << BigInt(i.width)) - 1n);
    i.raise(largest.ltu(quotient), DIVIDE_ERROR, undefined, 'the quotient does not fit', { dividend, divisor });
    setAccumulator(i, quotient.truncate(i.width), dividend.remu(divisor).truncate(i.width));
  }),
  describe('Idiv', (i) => {
    const double = twice(i.width);
    const dividend = accumulator(i);
    const divisor = i.destination.read().signExtend(double);
    i.raise(divisor.eq(0), DIVIDE_ERROR, undefined, 'division by zero', { dividend });
    const lowest = dividend.like(1n << BigInt(double - 1));
    const overflow = dividend.eq(lowest).and(divisor.eq(divisor.like(-1n)));
    i.raise(overflow, DIVIDE_ERROR, undefined, 'the quotient does not fit', { dividend, divisor });
    const quotient = dividend.divs(divisor);
    const fits = quotient.truncate(i.width).signExtend(double).eq(quotient);
    i.raise(fits.logicalNot(), DIVIDE_ERROR, undefined, 'the quotient does not fit', { dividend, divisor });
    setAccumulator(i, quotient.truncate(i.width), dividend.rems(divisor).truncate(i.width));
  }),
];
