import { CONDITIONS } from './conditions.ts';
import { describe, REGISTER, type Description } from './instruction.ts';
import { constant, select, type Width } from './value.ts';

/** Source width of MOVZX and MOVSX from the code name, as in Movzx_r32_rm8. */
const extension = (width: Width, codeName: string): readonly Width[] => [width, codeName.endsWith('rm8') ? 8 : 16];

const EFLAGS_LOW_BYTE = 0xd5;

export const DATA_TRANSFER: readonly Description[] = [
  describe('Mov', (i) => i.destination.write(i.source.read())),
  describe('Movzx', (i) => i.destination.write(i.operandOfAnyWidth(1).read().zeroExtend(i.width)), {
    operandWidths: extension,
  }),
  describe('Movsx', (i) => i.destination.write(i.operandOfAnyWidth(1).read().signExtend(i.width)), {
    operandWidths: extension,
  }),
  describe('Lea', (i) => i.destination.write(i.binding.address().resize(i.width))),
  describe('Xchg', (i) => {
    const a = i.destination.read();
    const b = i.source.read();
    i.destination.write(b);
    i.source.write(a);
  }),
  // Memory is accessed in program order already, and there are no caches to go around.
  describe('Nop Pause Endbr32 Lfence Mfence Sfence', () => undefined),
  describe('Movnti', (i) => i.destination.write(i.source.read())),
  // Faults as a load of one byte does (SDM 2, CLFLUSH).
  describe('Clflush', (i) => void i.load(i.binding.segment(), i.binding.address(), 8)),
  ...CONDITIONS.flatMap((name, code) => [
    describe(`Cmov${name}`, (i) => {
      const value = i.source.read();
      i.destination.write(select(i.condition(code), value, i.destination.read()));
    }),
    describe(`Set${name}`, (i) => i.operandAt(0, 8).write(i.condition(code).zeroExtend(8)), {
      operandWidths: () => [8],
    }),
  ]),
  describe('Cbw', (i) => i.setRegister(REGISTER.ax, i.register(REGISTER.ax, 8).signExtend(16))),
  describe('Cwde', (i) => i.setRegister(REGISTER.ax, i.register(REGISTER.ax, 16).signExtend(32))),
  describe('Cwd Cdq', (i) => i.setRegister(REGISTER.dx, i.register(REGISTER.ax, i.width).sar(i.width - 1))),
  describe('Xlatb', (i) => {
    const base = i
      .register(REGISTER.bx, i.binding.addressWidth)
      .add(i.register(REGISTER.ax, 8).zeroExtend(i.binding.addressWidth));
    i.setRegister(REGISTER.ax, i.load(i.binding.segment(), base.zeroExtend(32), 8));
  }),
  describe('Lahf', (i) => i.setHighByte(REGISTER.ax, i.eflags().and(EFLAGS_LOW_BYTE).or(2).truncate(8))),
  describe('Sahf', (i) => i.changeStatusFlags(EFLAGS_LOW_BYTE, i.highByte(REGISTER.ax).zeroExtend(32))),
  describe('Cmpxchg8b', (i) => {
    const access = { readModifyWrite: true };
    const address = i.binding.address();
    const old = i.load(i.binding.segment(), address, 64, access);
    const pair = (high: number, low: number) =>
      i.register(high, 32).zeroExtend(64).shl(32).or(i.register(low, 32).zeroExtend(64));
    const equal = pair(REGISTER.dx, REGISTER.ax).eq(old);
    i.store(i.binding.segment(), address, select(equal, pair(REGISTER.cx, REGISTER.bx), old), access);
    i.setRegister(REGISTER.ax, old.truncate(32));
    i.setRegister(REGISTER.dx, old.shr(32).truncate(32));
    i.changeStatusFlags(0x40, equal.zeroExtend(32).shl(6));
  }),
  describe('Salc', (i) => i.setRegister(REGISTER.ax, select(i.flag('c'), constant(8, 0xff), constant(8, 0)))),
];
