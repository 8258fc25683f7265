import { describe, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value, type Width } from './value.ts';

/** The count is a byte whatever the operand size. */
const byteCount = (width: Width): readonly Width[] => [width, 8];
/** SHLD and SHRD: destination, source, byte count. */
const byteThird = (width: Width): readonly Width[] => [width, width, 8];

/** Shifts are written in a wider type, in which every masked count is in range. */
const wide = (width: Width): Width => (width <= 16 ? 32 : 64);

/** The count masked to 5 bits, SDM 2, "Instruction Operation". 64-bit operands come with long mode. */
function maskedCount(i: Instruction<OperandSize>, operand: number): Value<8> {
  return i.operandAt(operand, 8).read().and(31);
}

const rotate =
  (left: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const count = maskedCount(i, 1);
    const a: Value = i.destination.read();
    const width: Width = i.width;
    const places = count.and(width - 1).resize(width);
    const result = a.rotl(left ? places : places.negate().and(width - 1));
    const carry = left ? result.truncate(1) : result.msb();
    const overflow = left ? carry.xor(result.msb()) : carry.xor(result.shl(1).msb());
    i.when(count.ne(0), () => {
      i.destination.write(result as Value<OperandSize>);
      i.carryAndOverflow(carry, overflow);
    });
  };

/** RCL and RCR rotate width + 1 bits, the carry being the highest. */
const rotateThroughCarry =
  (left: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const size = i.width + 1;
    const masked = maskedCount(i, 1);
    const places = masked.remu(size).zeroExtend(64);
    const a = i.destination.read();
    const extended = a.zeroExtend(64).or(i.flag('c').zeroExtend(64).shl(i.width));
    const complement = places.like(size).sub(places).and(63);
    const rotated = left
      ? extended.shl(places).or(extended.shr(complement))
      : extended.shr(places).or(extended.shl(complement));
    const result = rotated.truncate(i.width);
    const carry = rotated.bit(i.width);
    const overflow = left ? carry.xor(result.msb()) : result.msb().xor(result.shl(1).msb());
    i.when(masked.ne(0), () => {
      i.destination.write(result);
      i.carryAndOverflow(carry, overflow);
    });
  };

const doubleShift =
  (left: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const count = maskedCount(i, 2).zeroExtend(64);
    const a = i.destination.read();
    const b = i.source.read().zeroExtend(64);
    const width = i.width;
    const high = left ? a.zeroExtend(64) : b;
    const low = left ? b : a.zeroExtend(64);
    const both = high.shl(width).or(low);
    const shifted = left ? both.shl(count).shr(width) : both.shr(count);
    const result = shifted.truncate(width);
    // Counts above the width leave a 16-bit destination and the flags undefined (SDM 2, SHLD).
    const lastOut = left ? count.like(width).sub(count).and(63) : count.sub(1).and(63);
    const carry = a.zeroExtend(64).shr(lastOut).truncate(1);
    i.when(count.ne(0), () => {
      i.destination.write(result);
      i.flagBits(result, carry, result.msb().xor(a.msb()));
    });
  };

export const SHIFT_ROTATE: readonly Description[] = [
  describe(
    'Shl Sal',
    (i) => {
      const width = wide(i.width);
      const count = maskedCount(i, 1).zeroExtend(width);
      const full = i.destination.read().zeroExtend(width).shl(count);
      const result = full.truncate(i.width);
      const carry = full.bit(i.width);
      i.when(count.ne(0), () => {
        i.destination.write(result);
        i.flagBits(result, carry, carry.xor(result.msb()));
      });
    },
    { operandWidths: byteCount },
  ),
  describe(
    'Shr',
    (i) => {
      const width = wide(i.width);
      const count = maskedCount(i, 1).zeroExtend(width);
      const a = i.destination.read();
      const result = a.zeroExtend(width).shr(count).truncate(i.width);
      const carry = a
        .zeroExtend(width)
        .shr(count.sub(1).and(width - 1))
        .truncate(1);
      i.when(count.ne(0), () => {
        i.destination.write(result);
        i.flagBits(result, carry, a.msb());
      });
    },
    { operandWidths: byteCount },
  ),
  describe(
    'Sar',
    (i) => {
      const width = wide(i.width);
      const count = maskedCount(i, 1).zeroExtend(width);
      const a = i.destination.read().signExtend(width);
      const result = a.sar(count).truncate(i.width);
      const carry = a.sar(count.sub(1).and(width - 1)).truncate(1);
      i.when(count.ne(0), () => {
        i.destination.write(result);
        i.flagBits(result, carry, constant(1, 0));
      });
    },
    { operandWidths: byteCount },
  ),
  describe('Rol', rotate(true), { operandWidths: byteCount }),
  describe('Ror', rotate(false), { operandWidths: byteCount }),
  describe('Rcl', rotateThroughCarry(true), { operandWidths: byteCount }),
  describe('Rcr', rotateThroughCarry(false), { operandWidths: byteCount }),
  describe('Shld', doubleShift(true), { operandWidths: byteThird }),
  describe('Shrd', doubleShift(false), { operandWidths: byteThird }),
];
