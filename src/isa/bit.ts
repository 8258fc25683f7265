import { describe, type Description, type Instruction } from './instruction.ts';
import { constant, type OperandSize, type Value, type Width } from './value.ts';

/** BT with an immediate takes a byte. */
const bitOperand = (width: Width, codeName: string): readonly Width[] => [width, codeName.endsWith('imm8') ? 8 : width];

/**
 * BT, BTS, BTR, BTC. With a memory operand and a register offset the bit string reaches beyond the operand (SDM 2, table 3-2):
 * the offset is signed and selects a whole operand first.
 */
function bitTest(change: ((value: Value, mask: Value) => Value) | undefined): (i: Instruction<OperandSize>) => void {
  return (i) => {
    const width = i.width;
    const fromRegister = i.operands[1]?.kind === 'r';
    const offset: Value = fromRegister ? i.source.read() : i.operandAt(1, 8).read().resize(width);
    const mask = constant<Width>(width, 1).shl(offset.and(width - 1));
    if (!i.destination.isMemory || !fromRegister) {
      const value: Value = i.destination.read();
      i.changeStatusFlags(1, value.and(mask).ne(0).zeroExtend(32));
      if (change !== undefined) i.destination.write(change(value, mask) as Value<OperandSize>);
      return;
    }
    const units = offset.signExtend(64).sar(Math.log2(width)).truncate(32);
    const address = i.binding.address().add(units.shl(Math.log2(width / 8)));
    const wrapped = i.binding.addressWidth === 16 ? address.and(0xffff) : address;
    const access = { readModifyWrite: change !== undefined };
    const value: Value = i.load(i.binding.segment(), wrapped, width, access);
    i.changeStatusFlags(1, value.and(mask).ne(0).zeroExtend(32));
    if (change !== undefined) i.store(i.binding.segment(), wrapped, change(value, mask), access);
  };
}

const scan =
  (forward: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const source = i.source.read();
    const index = forward ? source.trailingZeros() : source.like(i.width - 1).sub(source.leadingZeros());
    i.changeStatusFlags(0x40, source.eq(0).zeroExtend(32).shl(6));
    // A zero source leaves the destination unchanged, as every CPU does though the SDM calls it undefined.
    i.when(source.ne(0), () => i.destination.write(index));
  };

export const BIT: readonly Description[] = [
  describe('Bt', bitTest(undefined), { operandWidths: bitOperand }),
  describe(
    'Bts',
    bitTest((value, mask) => value.or(mask)),
    { operandWidths: bitOperand },
  ),
  describe(
    'Btr',
    bitTest((value, mask) => value.and(mask.not())),
    { operandWidths: bitOperand },
  ),
  describe(
    'Btc',
    bitTest((value, mask) => value.xor(mask)),
    { operandWidths: bitOperand },
  ),
  describe('Bsf', scan(true)),
  describe('Bsr', scan(false)),
  describe('Bswap', (i) => {
    const value = i.destination.read();
    const byte = (from: number, to: number): Value => {
      const isolated = value.shr(from).and(0xff);
      return isolated.shl(to);
    };
    const swapped = byte(0, 24).or(byte(8, 16)).or(byte(16, 8)).or(byte(24, 0));
    i.destination.write(swapped as typeof value);
  }),
];
