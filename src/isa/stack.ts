import { describe, REGISTER, SEGMENT_REGISTER, type Description, type Instruction } from './instruction.ts';
import { constant, select, type OperandSize, type Value } from './value.ts';

/** Flags that POPF may always change: CF PF AF ZF SF TF DF OF NT, and AC and ID with a 32-bit operand (SDM 2, POPF). */
const POPF_ALWAYS_16 = 0x4dd5;
const POPF_ALWAYS_32 = 0x244dd5;
const INTERRUPT_FLAG = 0x200;
const IO_PRIVILEGE = 0x3000;
/** PUSHF stores RF and VM as 0. */
const PUSHF_MASK = 0x00fcffff;

const PUSH_ALL = [
  REGISTER.ax,
  REGISTER.cx,
  REGISTER.dx,
  REGISTER.bx,
  REGISTER.sp,
  REGISTER.bp,
  REGISTER.si,
  REGISTER.di,
] as const;

function popFlags(i: Instruction<OperandSize>): void {
  const popped = i.pop(i.width).zeroExtend(32);
  const old = i.eflags();
  const privilege = i.state('privilege');
  const ioPrivilege = old.shr(12).and(3);
  const allowed = constant(32, i.width === 16 ? POPF_ALWAYS_16 : POPF_ALWAYS_32)
    .or(select(privilege.leu(ioPrivilege), constant(32, INTERRUPT_FLAG), constant(32, 0)))
    .or(select(privilege.eq(0), constant(32, IO_PRIVILEGE), constant(32, 0)));
  i.setEflags(old.and(allowed.not()).or(popped.and(allowed)));
}

export const STACK: readonly Description[] = [
  describe('Push', (i) => {
    if (i.operands[0]?.kind === 's') return i.push(i.selector(i.binding.immediate(8) as Value<8>).resize(i.width));
    i.push(i.destination.read());
  }),
  describe('Pop', (i) => {
    if (i.operands[0]?.kind === 's') {
      i.host('load-segment', i.binding.immediate(8), i.pop(i.width).truncate(16));
      return;
    }
    const value = i.pop(i.width);
    if (!i.destination.isMemory) return i.destination.write(value);
    // POP [ESP + n] computes its address with the stack pointer already incremented (SDM 2, POP).
    const before = i.stackPointer();
    const moved = before
      .add(i.width / 8)
      .zeroExtend(32)
      .sub(before.zeroExtend(32));
    const address = i.binding.address();
    i.store(i.binding.segment(), i.binding.baseIsStackPointer ? address.add(moved) : address, value);
  }),
  describe('Pusha Pushad', (i) => i.pushAll(PUSH_ALL.map((index) => i.register(index, i.width)))),
  describe('Popa Popad', (i) => {
    const bytes = i.width / 8;
    [...PUSH_ALL].reverse().forEach((index, place) => {
      const value = i.peek(place * bytes, i.width);
      if (index !== REGISTER.sp) i.setRegister(index, value);
    });
    i.setRegister(REGISTER.sp, i.stackPointer().add(bytes * PUSH_ALL.length));
  }),
  describe('Pushf Pushfd', (i) => i.push(i.eflags().and(PUSHF_MASK).truncate(i.width))),
  describe('Popf Popfd', popFlags, { endsBlock: true, slow: true }),
  describe('Leave', (i) => {
    const frame = i.register(REGISTER.bp, i.binding.stackWidth);
    const saved = i.load(SEGMENT_REGISTER.ss, frame.zeroExtend(32), i.width);
    i.setRegister(REGISTER.sp, frame.add(i.width / 8));
    i.setRegister(REGISTER.bp, saved);
  }),
  describe('Enter', (i) => i.host('enter', i.binding.immediate(16), i.binding.immediate2(8).and(31))),
];
