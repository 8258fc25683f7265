import { describe, REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, select, type OperandSize, type Value, type Width } from './value.ts';

const CARRY = 1;
const AUXILIARY = 0x10;
const SIGN_ZERO_PARITY = 0xc4;

/** Sign, zero and parity of a byte as an EFLAGS word. */
function resultFlags(result: Value<8>): Value<32> {
  const sign = result.msb().zeroExtend(32).shl(7);
  return sign.or(result.eq(0).zeroExtend(32).shl(6)).or(result.parity().zeroExtend(32).shl(2));
}

/** DAA and DAS, SDM 2: the low digit is adjusted first, then the high one. */
const adjustPacked =
  (add: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const al = i.register(REGISTER.ax, 8);
    const low = constant(8, 9).ltu(al.and(15)).or(i.flag('a'));
    const high = constant(8, 0x99).ltu(al).or(i.flag('c'));
    const correction = select(low, constant(8, 6), constant(8, 0)).or(select(high, constant(8, 0x60), constant(8, 0)));
    const result = add ? al.add(correction) : al.sub(correction);
    // DAS also sets the carry when adjusting the low digit borrows.
    const carry = add ? high : high.or(low.and(al.ltu(6)));
    i.setRegister(REGISTER.ax, result);
    const flags = resultFlags(result).or(carry.zeroExtend(32)).or(low.zeroExtend(32).shl(4));
    i.changeStatusFlags(CARRY | AUXILIARY | SIGN_ZERO_PARITY, flags);
  };

/** AAA and AAS. */
const adjustUnpacked =
  (add: boolean) =>
  (i: Instruction<OperandSize>): void => {
    const ax = i.register(REGISTER.ax, 16);
    const adjust = constant(16, 9).ltu(ax.and(15)).or(i.flag('a'));
    const adjusted = select(adjust, add ? ax.add(0x106) : ax.sub(0x106), ax);
    i.setRegister(REGISTER.ax, adjusted.and(0xff0f));
    const bits = adjust.zeroExtend(32);
    i.changeStatusFlags(CARRY | AUXILIARY, bits.or(bits.shl(4)));
  };

/** AAM and AAD take their base as a byte. */
const baseByte = (): readonly Width[] => [8];

export const DECIMAL: readonly Description[] = [
  describe('Daa', adjustPacked(true)),
  describe('Das', adjustPacked(false)),
  describe('Aaa', adjustUnpacked(true)),
  describe('Aas', adjustUnpacked(false)),
  describe(
    'Aam',
    (i) => {
      const al = i.register(REGISTER.ax, 8);
      const base = i.operandAt(0, 8).read();
      i.raise(base.eq(0), 0, undefined, 'AAM with base 0');
      const remainder = al.remu(base);
      i.setRegister(REGISTER.ax, al.divu(base).zeroExtend(16).shl(8).or(remainder.zeroExtend(16)));
      i.changeStatusFlags(SIGN_ZERO_PARITY, resultFlags(remainder));
    },
    { operandWidths: baseByte },
  ),
  describe(
    'Aad',
    (i) => {
      const ax = i.register(REGISTER.ax, 16);
      const sum = ax.shr(8).truncate(8).mul(i.operandAt(0, 8).read()).add(ax.truncate(8));
      i.setRegister(REGISTER.ax, sum.zeroExtend(16));
      i.changeStatusFlags(SIGN_ZERO_PARITY, resultFlags(sum));
    },
    { operandWidths: baseByte },
  ),
];
